// LinearBuilder's folding of integer and bool arithmetic. Everything here keeps every bit; floats
// are only moved around (where, splat), never computed with.
#include <algorithm>
#include <bit>

#include "engine/kernel/linear_builder.h"

namespace tensord::kernel {

using ir::ScalarOp;
using types::DType;
using types::Scalar;

namespace {

bool IsIntOrBool(DType dtype) { return types::IsInteger(dtype) || types::IsBool(dtype); }

// The exponent when `value` is a power of two above 1, else 0.
int Log2(const Scalar& value) {
  if (types::IsSigned(value.dtype) && value.i <= 0) return 0;
  return std::has_single_bit(value.u) ? std::countr_zero(value.u) : 0;
}

}  // namespace

bool LinearBuilder::IsInt(int reg, int64_t value) const {
  auto constant = ConstantOf(reg);
  return constant && IsIntOrBool(constant->dtype) && constant->i == value;
}

int LinearBuilder::FoldAlu(ScalarOp op, VType type, absl::Span<const int> operands) {
  Scalar constants[3];
  bool all_constant = true, any_accumulator = false;
  for (size_t i = 0; i < operands.size(); ++i) {
    any_accumulator |= values_[operands[i]].accumulator;
    auto constant = ConstantOf(operands[i]);
    all_constant = all_constant && constant && IsIntOrBool(constant->dtype);
    if (constant) constants[i] = *constant;
  }
  // An accumulator changes: no other register may stand for what it holds now.
  if (any_accumulator) return -1;
  if (all_constant) {
    return Const(type, ir::Evaluate(op, type.dtype, {constants, operands.size()}));
  }
  if (int folded = FoldSplats(op, type, operands); folded >= 0) return folded;
  if (op == ScalarOp::kCast || op == ScalarOp::kBitcast) return FoldCast(type, operands[0]);
  if (op == ScalarOp::kWhere) {
    if (operands[1] == operands[2] || IsInt(operands[0], 1)) return operands[1];
    return IsInt(operands[0], 0) ? operands[2] : -1;
  }
  if (operands.size() != 2 || !IsIntOrBool(TypeOf(operands[0]).dtype)) return -1;
  int a = operands[0], b = operands[1];
  if (int folded = FoldIdentity(op, type, a, b); folded >= 0) return folded;
  if (ir::Row(op).traits & ir::kCommutative) {
    if (int folded = FoldIdentity(op, type, b, a); folded >= 0) return folded;
  }
  return FoldPowerOfTwo(op, type, a, b);
}

// f(splat x, splat y) is splat f(x, y): one scalar operation instead of a vector of them.
int LinearBuilder::FoldSplats(ScalarOp op, VType type, absl::Span<const int> operands) {
  if (type.lanes == 1) return -1;
  int scalars[3];
  for (size_t i = 0; i < operands.size(); ++i) {
    const Instr def = values_[operands[i]].def;
    if (def.opcode == Opcode::kSplat && !values_[def.src[0]].accumulator) {
      scalars[i] = def.src[0];
    } else if (def.opcode == Opcode::kConst) {
      scalars[i] = Const({def.type.dtype, 1}, def.imm);
    } else {
      return -1;
    }
  }
  int scalar = Alu(op, {type.dtype, 1}, absl::MakeConstSpan(scalars, operands.size()));
  return Splat(scalar, type.lanes);
}

int LinearBuilder::FoldCast(VType type, int a) { return TypeOf(a) == type ? a : -1; }

// Rules with the constant, if any, on the right.
int LinearBuilder::FoldIdentity(ScalarOp op, VType type, int a, int b) {
  const DType dtype = TypeOf(a).dtype;
  const bool is_bool = types::IsBool(dtype);
  const int64_t ones = is_bool ? 1 : Scalar::Int(dtype, -1).i;
  switch (op) {
    case ScalarOp::kAdd:
      return IsInt(b, 0) ? a : -1;
    case ScalarOp::kSub:
      return IsInt(b, 0) ? a : a == b ? Const(type, 0.0) : -1;
    case ScalarOp::kMul:
      return IsInt(b, 1) ? a : IsInt(b, 0) ? b : -1;
    case ScalarOp::kFloorDiv:
    case ScalarOp::kTruncDiv:
      return IsInt(b, 1) ? a : -1;
    case ScalarOp::kFloorMod:
    case ScalarOp::kTruncRem:
      return IsInt(b, 1) ? Const(type, 0.0) : -1;
    case ScalarOp::kMin:
    case ScalarOp::kMax:
      return a == b ? a : -1;
    case ScalarOp::kAnd:
      return a == b || IsInt(b, ones) ? a : IsInt(b, 0) ? b : -1;
    case ScalarOp::kOr:
      return a == b || IsInt(b, 0) ? a : IsInt(b, ones) ? b : -1;
    case ScalarOp::kXor:
      return IsInt(b, 0) ? a : a == b ? Const(type, 0.0) : -1;
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return IsInt(b, 0) ? a : -1;
    case ScalarOp::kEq:
    case ScalarOp::kLe:
      return a == b ? Const(type, 1.0) : -1;
    case ScalarOp::kNe:
    case ScalarOp::kLt:
      return a == b ? Const(type, 0.0) : -1;
    default:
      return -1;
  }
}

// Flooring division and modulo by 2^k are a shift and a mask, for negative numbers too.
int LinearBuilder::FoldPowerOfTwo(ScalarOp op, VType type, int a, int b) {
  auto divisor = ConstantOf(b);
  if (!divisor || types::IsBool(divisor->dtype)) return -1;
  int log2 = Log2(*divisor);
  if (log2 == 0) return -1;
  if (op == ScalarOp::kFloorDiv) {
    return Alu(ScalarOp::kShr, type, {a, Const(type, Scalar::Int(type.dtype, log2))});
  }
  if (op == ScalarOp::kFloorMod) {
    Scalar mask = Scalar::Int(type.dtype, static_cast<int64_t>(divisor->u - 1));
    return Alu(ScalarOp::kAnd, type, {a, Const(type, mask)});
  }
  return -1;
}

}  // namespace tensord::kernel
