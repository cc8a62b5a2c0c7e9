// The closed set of scalar operations: what nodes are made of after expansion, what linear kernels
// compute with, and what every renderer spells. All are total and mean the same on every device.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/types/span.h"
#include "engine/types/dtype.h"
#include "engine/types/tensor.h"

namespace tensord::ir {

enum class ScalarOp : uint8_t {
  // Both operands and the result have one dtype.
  kAdd,
  kSub,
  kMul,  // integers wrap
  kDiv,  // floats only, IEEE
  kFloorDiv,
  kFloorMod,  // integers: round to -inf, x//0 = x%0 = 0, MIN//-1 wraps; floats: floor(x/y)
  kTruncDiv,
  kTruncRem,  // C semantics, the same totality
  kMin,
  kMax,  // floats propagate NaN; -0 < +0
  kAnd,
  kOr,
  kXor,  // bool and integers
  kShl,
  kShr,  // by an amount of the same dtype; >= width gives 0 (arithmetic shr: the sign)
  kCopySign,
  kPow,
  kAtan2,  // floats
  // Result is bool.
  kEq,
  kNe,
  kLt,
  kLe,  // NaN: only Ne is true
  // Unary, dtype kept.
  kNeg,
  kAbs,  // integers wrap
  kNot,  // bool: logical; integers: bitwise
  kSqrt,
  kFloor,
  kCeil,
  kTrunc,
  kRound,  // floats; round half to even
  kExp,
  kExp2,
  kExpm1,
  kLog,
  kLog2,
  kLog10,
  kLog1p,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kTanh,
  kAsinh,
  kAcosh,
  kAtanh,
  kErf,
  kErfc,
  // Ternary.
  kWhere,  // (bool, T, T)
  kFma,    // floats: a * b + c rounded once
  // Conversions: the result dtype is the instruction's or node's.
  kCast,     // float to int truncates, saturates, NaN is 0; int to int wraps; to bool: != 0
  kBitcast,  // same width
  kCount
};

enum ScalarTraits : uint32_t {
  kCommutative = 1,
  kAssociative = 2,  // exactly so for integers and bool, and for min and max
  kFloatOnly = 4,
  kIntOrBoolOnly = 8,
  kCompare = 16,
  kTranscendental = 32,  // kernel/lower_math turns it into the others where a polynomial exists
};

struct ScalarOpRow {
  ScalarOp op;
  std::string_view name;  // "add": text forms
  int arity;
  uint32_t traits;
};

absl::Span<const ScalarOpRow> AllScalarOps();
const ScalarOpRow& Row(ScalarOp op);
std::optional<ScalarOp> ScalarOpFromName(std::string_view name);

// The meaning, one element at a time; `result` is the dtype of the result. f32 and the half types
// compute in float (halves round after), f64 in double. REQUIRES: arity operands of the right
// dtypes.
types::Scalar Evaluate(ScalarOp op, types::DType result, absl::Span<const types::Scalar> operands);

}  // namespace tensord::ir
