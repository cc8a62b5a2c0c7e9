// The parts of NnRows, each in the file of its name.
#pragma once

#include <vector>

#include "engine/ir/op.h"

namespace tensord::ops {

const std::vector<ir::OpRow>& ConvRows();       // conv.cc: conv, conv_transpose
const std::vector<ir::OpRow>& PoolRows();       // pool.cc: max_pool, avg_pool
const std::vector<ir::OpRow>& AttentionRows();  // attention.cc: scaled_dot_product_attention

}  // namespace tensord::ops
