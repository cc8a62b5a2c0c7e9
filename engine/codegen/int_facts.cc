#include "engine/codegen/int_facts.h"

#include <algorithm>
#include <numeric>

namespace tensord::codegen {
namespace {

using ir::ScalarOp;
using kernel::Instr;
using kernel::Linear;
using kernel::Opcode;
using types::DType;
using Wide = __int128;

IntFact Range(Wide min, Wide max, int64_t multiple = 1) {
  return {static_cast<int64_t>(min), static_cast<int64_t>(max), multiple};
}

IntFact OfDType(DType dtype) {
  const types::DTypeRow& row = types::Row(dtype);
  if (row.kind == types::DTypeKind::kBool) return Range(0, 1);
  if (row.kind == types::DTypeKind::kFloat || row.bits >= 64) return {};
  if (row.kind == types::DTypeKind::kUnsigned) return Range(0, (Wide{1} << row.bits) - 1);
  return Range(-(Wide{1} << (row.bits - 1)), (Wide{1} << (row.bits - 1)) - 1);
}

// The range when no value in it wraps in `dtype`, else all of the dtype.
IntFact Unwrapped(DType dtype, Wide min, Wide max, int64_t multiple = 1) {
  const IntFact all = OfDType(dtype);
  if (dtype == DType::kU64 && min < 0) return all;
  if (min < all.min || max > all.max) return all;
  return Range(min, max, multiple);
}

IntFact Constant(const types::Scalar& value) {
  if (types::IsFloat(value.dtype)) return {};
  if (value.dtype == DType::kU64 && value.i < 0) return {};
  if (value.i == std::numeric_limits<int64_t>::min()) return Range(value.i, value.i);
  return Range(value.i, value.i, value.i < 0 ? -value.i : value.i);
}

IntFact Product(DType dtype, const IntFact& a, const IntFact& b) {
  const Wide corners[] = {Wide{a.min} * b.min, Wide{a.min} * b.max, Wide{a.max} * b.min,
                          Wide{a.max} * b.max};
  const Wide multiple = Wide{a.multiple} * b.multiple;
  const bool fits = multiple <= std::numeric_limits<int64_t>::max();
  return Unwrapped(dtype, *std::min_element(corners, corners + 4),
                   *std::max_element(corners, corners + 4),
                   fits ? static_cast<int64_t>(multiple) : 1);
}

int64_t FloorDiv(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

IntFact Quotient(DType dtype, const IntFact& a, const IntFact& b, bool floor) {
  if (!b.constant() || b.min <= 0) return OfDType(dtype);
  const int64_t d = b.min;
  const int64_t multiple = a.multiple % d == 0 ? a.multiple / d : 1;
  if (floor) return Range(FloorDiv(a.min, d), FloorDiv(a.max, d), multiple);
  return Range(a.min / d, a.max / d, multiple);
}

IntFact Remainder(DType dtype, const IntFact& a, const IntFact& b) {
  if (!b.constant() || b.min <= 0) return OfDType(dtype);
  if (a.Within(0, b.min - 1)) return a;
  return Range(0, b.min - 1, std::gcd(a.multiple, b.min));
}

IntFact Shifted(ScalarOp op, DType dtype, const IntFact& a, const IntFact& b) {
  if (!b.constant() || b.min < 0 || b.min >= std::min(types::Row(dtype).bits, 62)) {
    return OfDType(dtype);
  }
  const int64_t factor = int64_t{1} << b.min;
  if (op == ScalarOp::kShl) return Product(dtype, a, Range(factor, factor, factor));
  return Quotient(dtype, a, Range(factor, factor, factor), /*floor=*/true);
}

IntFact Masked(DType dtype, const IntFact& a, const IntFact& b) {
  IntFact result = OfDType(dtype);
  for (const IntFact* side : {&a, &b}) {
    if (side->min >= 0) result = Range(0, std::min(result.max, side->max));
  }
  return result;
}

IntFact Alu(const Instr& instr, const std::vector<IntFact>& facts) {
  const DType dtype = instr.type.dtype;
  auto fact = [&](int i) { return instr.src[i] < 0 ? IntFact() : facts[instr.src[i]]; };
  const IntFact a = fact(0), b = fact(1), c = fact(2);
  const int64_t common = std::gcd(a.multiple, b.multiple);
  const bool beyond_i64 = dtype == DType::kU64 && (a.min < 0 || b.min < 0);
  if (beyond_i64 && instr.scalar_op != ScalarOp::kAnd) return OfDType(dtype);
  switch (instr.scalar_op) {
    case ScalarOp::kAdd:
      return Unwrapped(dtype, Wide{a.min} + b.min, Wide{a.max} + b.max, common);
    case ScalarOp::kSub:
      return Unwrapped(dtype, Wide{a.min} - b.max, Wide{a.max} - b.min, common);
    case ScalarOp::kMul:
      return Product(dtype, a, b);
    case ScalarOp::kFloorDiv:
      return Quotient(dtype, a, b, true);
    case ScalarOp::kFloorMod:
      return Remainder(dtype, a, b);
    case ScalarOp::kTruncDiv:
      return Quotient(dtype, a, b, false);
    case ScalarOp::kTruncRem:
      return a.min >= 0 ? Remainder(dtype, a, b) : OfDType(dtype);
    case ScalarOp::kMin:
      return {std::min(a.min, b.min), std::min(a.max, b.max), common};
    case ScalarOp::kMax:
      return {std::max(a.min, b.min), std::max(a.max, b.max), common};
    case ScalarOp::kAnd:
      return Masked(dtype, a, b);
    case ScalarOp::kShl:
    case ScalarOp::kShr:
      return Shifted(instr.scalar_op, dtype, a, b);
    case ScalarOp::kWhere:
      return {std::min(b.min, c.min), std::max(b.max, c.max), std::gcd(b.multiple, c.multiple)};
    case ScalarOp::kCast:
      return Unwrapped(dtype, a.min, a.max, a.multiple);
    default:
      return OfDType(dtype);
  }
}

// The loop variable: lo, lo + step, ... below hi.
IntFact LoopVariable(const Instr& loop, const std::vector<IntFact>& facts) {
  const IntFact &lo = facts[loop.src[0]], &hi = facts[loop.src[1]];
  const bool can_run = hi.max > lo.min;
  return {lo.min, can_run ? hi.max - 1 : lo.min, std::gcd(lo.multiple, loop.index)};
}

IntFact Of(const Linear& kernel, const Instr& instr, const std::vector<IntFact>& facts) {
  switch (instr.opcode) {
    case Opcode::kConst:
      return Constant(instr.imm);
    case Opcode::kVar: {
      const kernel::Variable& v = kernel.variables[instr.index];
      return {v.min, v.max, 1};
    }
    case Opcode::kAlu:
      return types::IsFloat(instr.type.dtype) ? IntFact() : Alu(instr, facts);
    case Opcode::kSplat:
    case Opcode::kExtract:
      return facts[instr.src[0]];
    case Opcode::kIota:
      return Range(0, instr.type.lanes - 1);
    case Opcode::kFor:
      return LoopVariable(instr, facts);
    default:
      return OfDType(instr.type.dtype);
  }
}

}  // namespace

int64_t IntFact::PowerOfTwo(int64_t limit) const {
  return multiple == 0 ? limit : std::min(limit, multiple & -multiple);
}

std::vector<IntFact> FindIntFacts(const Linear& kernel) {
  std::vector<IntFact> facts(kernel.registers);
  for (const Instr& instr : kernel.code) {
    if (instr.dst >= 0 && instr.opcode != Opcode::kSet) {
      facts[instr.dst] = Of(kernel, instr, facts);
    }
  }
  return facts;
}

}  // namespace tensord::codegen
