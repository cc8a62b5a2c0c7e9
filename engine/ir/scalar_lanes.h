// The scalar ops over arrays: what Evaluate, the cpu device and constant folding compute with, so
// the meaning of an op is written once (scalar_math.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/ir/scalar_op.h"
#include "engine/types/dtype.h"

namespace tensord::ir {

// to[i] = op(a[i], b[i], c[i]) for 0 <= i < n, on densely stored elements; bools are bytes 0 or 1.
// Operands beyond the arity are not read. `to` may be an operand itself but not overlap one
// otherwise.
using LaneFunction = void (*)(std::byte* to, const std::byte* a, const std::byte* b,
                              const std::byte* c, int64_t n);

// The function of an op whose operands are of dtype `operand` (of a where: the second and third;
// its first is bool) and whose result is `result`, or nullptr if the op isn't defined for them.
// Bool takes min, max, and, or, xor, not, where, the comparisons and casts, and no arithmetic.
LaneFunction LaneFunctionFor(ScalarOp op, types::DType operand, types::DType result);

}  // namespace tensord::ir
