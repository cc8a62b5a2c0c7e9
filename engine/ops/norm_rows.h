// The parts of NormRows, each in the file of its name.
#pragma once

#include <vector>

#include "engine/ir/op.h"

namespace tensord::ops {

const std::vector<ir::OpRow>& SoftmaxRows();    // softmax.cc: softmax, log_softmax, softmin
const std::vector<ir::OpRow>& NormalizeRows();  // normalize.cc: vectors of length 1

}  // namespace tensord::ops
