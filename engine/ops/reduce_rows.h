// The parts of the reduce family.
#pragma once

#include "engine/ops/rows.h"

namespace tensord::ops {

const std::vector<OpRow>& FoldRows();        // reduce.cc
const std::vector<OpRow>& StatisticsRows();  // statistics.cc

inline constexpr ir::AttrSpec kAxes = {"axes", AttrKind::kInts, "none", "which; all when absent"};
inline constexpr ir::AttrSpec kKeepDims = {"keepdims", AttrKind::kBool, "false",
                                           "keep the axes with a dim of 1"};

}  // namespace tensord::ops
