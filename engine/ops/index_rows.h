// The parts of IndexRows, each in the file of its name.
#pragma once

#include <vector>

#include "engine/ir/op.h"
#include "engine/ops/type_rules_nn.h"

namespace tensord::ops {

const std::vector<ir::OpRow>& ScatterRows();      // scatter.cc: gather, scatter
const std::vector<ir::OpRow>& SliceUpdateRows();  // slice_update.cc

}  // namespace tensord::ops
