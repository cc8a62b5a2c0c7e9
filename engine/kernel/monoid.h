// The monoids of folds: their scalar operation and identity.
#pragma once

#include <string_view>

#include "engine/ir/scalar_op.h"
#include "engine/types/tensor.h"

namespace tensord::kernel {

// "sum", "prod", "max", "min", "and", "or".
ir::ScalarOp MonoidOp(std::string_view monoid);
// sum 0, prod 1, max the least value (-inf), min the greatest (inf), and all ones, or 0.
types::Scalar MonoidIdentity(std::string_view monoid, types::DType dtype);

}  // namespace tensord::kernel
