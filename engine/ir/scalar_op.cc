#include "engine/ir/scalar_op.h"

#include <iterator>

#include "engine/base/check.h"
#include "engine/ir/scalar_lanes.h"

namespace tensord::ir {
namespace {

using S = ScalarOp;

constexpr uint32_t kMath = kFloatOnly | kTranscendental;
constexpr uint32_t kSymmetric = kCommutative | kAssociative;

constexpr ScalarOpRow kRows[] = {
    {S::kAdd, "add", 2, kSymmetric},
    {S::kSub, "sub", 2, 0},
    {S::kMul, "mul", 2, kSymmetric},
    {S::kDiv, "div", 2, kFloatOnly},
    {S::kFloorDiv, "floordiv", 2, 0},
    {S::kFloorMod, "floormod", 2, 0},
    {S::kTruncDiv, "truncdiv", 2, 0},
    {S::kTruncRem, "truncrem", 2, 0},
    {S::kMin, "min", 2, kSymmetric},
    {S::kMax, "max", 2, kSymmetric},
    {S::kAnd, "and", 2, kSymmetric | kIntOrBoolOnly},
    {S::kOr, "or", 2, kSymmetric | kIntOrBoolOnly},
    {S::kXor, "xor", 2, kSymmetric | kIntOrBoolOnly},
    {S::kShl, "shl", 2, kIntOrBoolOnly},
    {S::kShr, "shr", 2, kIntOrBoolOnly},
    {S::kCopySign, "copysign", 2, kFloatOnly},
    {S::kPow, "pow", 2, kMath},
    {S::kAtan2, "atan2", 2, kMath},
    {S::kEq, "eq", 2, kCompare | kCommutative},
    {S::kNe, "ne", 2, kCompare | kCommutative},
    {S::kLt, "lt", 2, kCompare},
    {S::kLe, "le", 2, kCompare},
    {S::kNeg, "neg", 1, 0},
    {S::kAbs, "abs", 1, 0},
    {S::kNot, "not", 1, kIntOrBoolOnly},
    {S::kSqrt, "sqrt", 1, kFloatOnly},
    {S::kFloor, "floor", 1, kFloatOnly},
    {S::kCeil, "ceil", 1, kFloatOnly},
    {S::kTrunc, "trunc", 1, kFloatOnly},
    {S::kRound, "round", 1, kFloatOnly},
    {S::kExp, "exp", 1, kMath},
    {S::kExp2, "exp2", 1, kMath},
    {S::kExpm1, "expm1", 1, kMath},
    {S::kLog, "log", 1, kMath},
    {S::kLog2, "log2", 1, kMath},
    {S::kLog10, "log10", 1, kMath},
    {S::kLog1p, "log1p", 1, kMath},
    {S::kSin, "sin", 1, kMath},
    {S::kCos, "cos", 1, kMath},
    {S::kTan, "tan", 1, kMath},
    {S::kAsin, "asin", 1, kMath},
    {S::kAcos, "acos", 1, kMath},
    {S::kAtan, "atan", 1, kMath},
    {S::kSinh, "sinh", 1, kMath},
    {S::kCosh, "cosh", 1, kMath},
    {S::kTanh, "tanh", 1, kMath},
    {S::kAsinh, "asinh", 1, kMath},
    {S::kAcosh, "acosh", 1, kMath},
    {S::kAtanh, "atanh", 1, kMath},
    {S::kErf, "erf", 1, kMath},
    {S::kErfc, "erfc", 1, kMath},
    {S::kWhere, "where", 3, 0},
    {S::kFma, "fma", 3, kFloatOnly},
    {S::kCast, "cast", 1, 0},
    {S::kBitcast, "bitcast", 1, 0},
};
static_assert(std::size(kRows) == static_cast<size_t>(S::kCount));

constexpr bool RowsAreInOrder() {
  for (size_t i = 0; i < std::size(kRows); ++i) {
    if (kRows[i].op != static_cast<ScalarOp>(i)) return false;
  }
  return true;
}
static_assert(RowsAreInOrder());

}  // namespace

absl::Span<const ScalarOpRow> AllScalarOps() { return kRows; }

const ScalarOpRow& Row(ScalarOp op) { return kRows[static_cast<size_t>(op)]; }

std::optional<ScalarOp> ScalarOpFromName(std::string_view name) {
  for (const ScalarOpRow& row : kRows) {
    if (row.name == name) return row.op;
  }
  return std::nullopt;
}

types::Scalar Evaluate(ScalarOp op, types::DType result, absl::Span<const types::Scalar> operands) {
  const int arity = Row(op).arity;
  TENSORD_CHECK(static_cast<int>(operands.size()) == arity, Row(op).name);
  alignas(8) std::byte bytes[4][8] = {};
  for (int i = 0; i < arity; ++i) operands[i].ToBytes(bytes[i]);
  // Of where's operands the last ones carry the dtype.
  const types::DType operand = operands.back().dtype;
  LaneFunction function = LaneFunctionFor(op, operand, result);
  TENSORD_CHECK(function != nullptr, Row(op).name, " of ", types::Name(operand), " to ",
                types::Name(result));
  function(bytes[3], bytes[0], bytes[1], bytes[2], 1);
  return types::Scalar::FromBytes(result, bytes[3]);
}

}  // namespace tensord::ir
