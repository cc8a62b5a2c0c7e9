#include "engine/ir/op.h"

namespace tensord::ir {

std::string_view Name(Family family) {
  constexpr std::string_view kNames[] = {
      "unary",  "binary", "comparison", "bitwise", "select", "reduce", "movement",  "create",
      "random", "index",  "linalg",     "nn",      "loss",   "optim",  "structure", "loop"};
  return kNames[static_cast<int>(family)];
}

std::string_view Name(DTypeRule rule) {
  constexpr std::string_view kNames[] = {"same",        "float",   "bool",  "first",
                                         "float_first", "select",  "attr",  "sum",
                                         "index",       "logical", "custom"};
  return kNames[static_cast<int>(rule)];
}

std::string_view Name(ShapeRule rule) {
  constexpr std::string_view kNames[] = {
      "same",    "broadcast", "reduce", "reshape",        "permute",   "expand",    "pad",
      "shrink",  "flip",      "stride", "window",         "dilate",    "dims_attr", "scalar",
      "matmul",  "einsum",    "conv",   "conv_transpose", "pool",      "gather",    "take",
      "one_hot", "concat",    "stack",  "attention",      "embedding", "triangle",  "custom"};
  return kNames[static_cast<int>(rule)];
}

}  // namespace tensord::ir
