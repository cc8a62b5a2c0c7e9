#include "engine/kernel/linear_index.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "engine/base/strings.h"
#include "engine/types/sym_rep.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;
using types::Sym;

// Values that are no larger can be added and scaled a little without leaving 64 bits.
constexpr int64_t kSafe = int64_t{1} << 61;
constexpr int kMaxDepth = 64;        // of re-derivations: expressions are rarely 10 deep
constexpr int kMaxComplexity = 256;  // of an expression
constexpr size_t kMaxConditions = 64;

struct Range {
  int64_t lo, hi;
};

// What a register of this dtype can hold; 64-bit ones are open-ended.
Range DTypeRange(DType dtype) {
  const int bits = types::Row(dtype).bits;
  if (types::IsBool(dtype)) return {0, 1};
  if (bits >= 64) return {types::IsSigned(dtype) ? -types::kSymLimit : 0, types::kSymLimit};
  if (types::IsSigned(dtype)) return {-(int64_t{1} << (bits - 1)), (int64_t{1} << (bits - 1)) - 1};
  return {0, (int64_t{1} << bits) - 1};
}

bool Fits(const Sym& value, DType dtype, const Facts& facts) {
  const Range range = DTypeRange(dtype);
  const int64_t lo = std::max(range.lo, -kSafe), hi = std::min(range.hi, kSafe);
  if (value.min() >= lo && value.max() <= hi) return true;
  return facts.Within(value, lo, hi);
}

bool IsIntOrBool(DType dtype) { return types::IsInteger(dtype) || types::IsBool(dtype); }

// The smallest 2^k - 1 that is at least `value`.
int64_t AllOnesAbove(int64_t value) {
  return static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(value) + 1)) - 1;
}

bool IsPowerOfTwo(int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

}  // namespace

IndexValues::IndexValues(const Linear& kernel)
    : kernel_(kernel), definitions_(static_cast<size_t>(kernel.registers)) {}

Sym IndexValues::Lane(int32_t lanes) {
  return lanes == 1 ? Sym(0) : Sym::Variable(StrCat("%lane", lanes), 0, lanes - 1);
}

// Vectors' opaque values differ by lane, which their name tells (see Extracted).
Sym IndexValues::Opaque(const Instr& instr, int64_t lo, int64_t hi) const {
  const Range range = DTypeRange(instr.type.dtype);
  lo = std::max(lo, range.lo);
  hi = std::min(hi, range.hi);
  if (lo > hi) return 0;
  return Sym::Variable(StrCat(instr.type.lanes == 1 ? "%r" : "%v", instr.dst), lo, hi);
}

Sym IndexValues::Opaque(const Instr& instr) const {
  return Opaque(instr, -types::kSymLimit, types::kSymLimit);
}

Sym IndexValues::Accumulator(int32_t reg, int64_t epoch) const {
  const VType type = definitions_[reg].instr->type;
  const Range range = DTypeRange(type.dtype);
  return Sym::Variable(StrCat(type.lanes == 1 ? "%r" : "%v", reg, ".", epoch), range.lo, range.hi);
}

bool IndexValues::Follow(const Instr& instr, Facts& facts) {
  switch (instr.opcode) {
    case Opcode::kFor:
      return FollowLoop(instr, facts);
    case Opcode::kIf:
      AddConditions(instr.src[0], facts);
      return true;
    case Opcode::kSet:
    case Opcode::kEnd:
      ++epoch_;
      return true;
    default:
      break;
  }
  if (instr.dst < 0) return true;
  Definition& definition = definitions_[instr.dst];
  definition = {&instr, epoch_, false, Sym(0)};
  if (!IsIntOrBool(instr.type.dtype)) return true;
  bool widened = false;
  definition.value = Derive(definition, facts, nullptr, 0, &widened);
  definition.widened = widened;
  return true;
}

// i = lo + step * t, t counting from 0, and i < hi.
bool IndexValues::FollowLoop(const Instr& instr, Facts& facts) {
  const Sym lo = Value(instr.src[0], facts), hi = Value(instr.src[1], facts);
  const int64_t step = instr.index;
  ++epoch_;
  if (step > kSafe || lo.min() < -kSafe) return false;
  if (!facts.Within(lo, -kSafe, kSafe) || !facts.Within(hi, -kSafe, kSafe)) return false;
  const int64_t highest = std::clamp(hi.max() - 1, lo.min(), std::max(kSafe, lo.min()));
  const int64_t last = (highest - lo.min()) / step;
  const Sym count = Sym::Variable(StrCat("%i", instr.dst), 0, last);
  const Sym value = lo + count * Sym(step);
  definitions_[instr.dst] = {&instr, epoch_, false, value};
  facts.Add(hi - 1 - value);
  if (step > 1 && !(lo.is_constant() && hi.is_constant())) {
    facts.Add(lo + types::FloorDiv(hi - 1 - lo, step) * Sym(step) - value);
  }
  return true;
}

Sym IndexValues::Value(int32_t reg, const Facts& facts) {
  const Definition& definition = definitions_[reg];
  if (definition.instr->opcode == Opcode::kAcc) return Accumulator(reg, epoch_);
  if (!definition.widened) return definition.value;
  Memo memo;
  bool widened = false;
  return Derive(definition, facts, &memo, 0, &widened);
}

Sym IndexValues::Operand(const Definition& user, int operand, const Facts& facts, Memo* memo,
                         int depth) {
  const int32_t reg = user.instr->src[operand];
  const Definition& definition = definitions_[reg];
  if (!IsIntOrBool(definition.instr->type.dtype)) return 0;
  if (definition.instr->opcode == Opcode::kAcc) return Accumulator(reg, user.epoch);
  if (memo == nullptr || !definition.widened || depth >= kMaxDepth) return definition.value;
  if (auto found = memo->find(reg); found != memo->end()) return found->second;
  bool widened = false;
  Sym value = Derive(definition, facts, memo, depth + 1, &widened);
  memo->emplace(reg, value);
  return value;
}

// With a memo, operands are derived again; without, they are taken as they were defined.
Sym IndexValues::Derive(const Definition& definition, const Facts& facts, Memo* memo, int depth,
                        bool* widened) {
  const Instr& instr = *definition.instr;
  Sym operands[3];
  for (int i = 0; i < 3; ++i) {
    if (instr.src[i] < 0) continue;
    operands[i] = Operand(definition, i, facts, memo, depth);
    *widened = *widened || definitions_[instr.src[i]].widened;
  }
  Sym value;
  switch (instr.opcode) {
    case Opcode::kConst:
      value = instr.imm.i >= -kSafe && instr.imm.i <= kSafe ? Sym(instr.imm.i) : Opaque(instr);
      break;
    case Opcode::kVar: {
      const Variable& v = kernel_.variables[instr.index];
      value = Sym::Variable(v.name, v.min, v.max);
      break;
    }
    case Opcode::kIota:
      value = Lane(instr.type.lanes);
      break;
    case Opcode::kSplat:
      value = operands[0];
      break;
    case Opcode::kExtract:
      value = Extracted(instr, operands[0]);
      break;
    case Opcode::kShuffle:
      value = instr.src[1] < 0 ? Opaque(instr, operands[0].min(), operands[0].max())
                               : Opaque(instr, std::min(operands[0].min(), operands[1].min()),
                                        std::max(operands[0].max(), operands[1].max()));
      break;
    case Opcode::kInsert:
      value = Opaque(instr, std::min(operands[0].min(), operands[1].min()),
                     std::max(operands[0].max(), operands[1].max()));
      break;
    case Opcode::kHorizontal:
      value = instr.scalar_op == ScalarOp::kMin || instr.scalar_op == ScalarOp::kMax
                  ? Opaque(instr, operands[0].min(), operands[0].max())
                  : Opaque(instr);
      break;
    case Opcode::kAlu:
      value = Alu(instr, operands, facts, widened);
      break;
    default:
      value = Opaque(instr);
      break;
  }
  return value.Complexity() <= kMaxComplexity ? value : Opaque(instr, value.min(), value.max());
}

// Lane `index` of an expression, unless it has parts that differ by lane in unknown ways.
Sym IndexValues::Extracted(const Instr& instr, const Sym& vector) {
  const int32_t lanes = definitions_[instr.src[0]].instr->type.lanes;
  for (const auto& variable : vector.Variables()) {
    if (variable.name.starts_with("%v")) return Opaque(instr, vector.min(), vector.max());
  }
  return vector.Substitute({{StrCat("%lane", lanes), Sym(instr.index)}});
}

Sym IndexValues::Alu(const Instr& instr, const Sym* operands, const Facts& facts, bool* widened) {
  const Sym &a = operands[0], &b = operands[1];
  const DType dtype = instr.type.dtype;
  auto checked = [&](Sym value) {
    if (Fits(value, dtype, facts)) return value;
    *widened = true;
    return Opaque(instr);
  };
  if (types::IsBool(dtype)) return Opaque(instr);
  const bool both_non_negative = a.min() >= 0 && b.min() >= 0;
  switch (instr.scalar_op) {
    case ScalarOp::kAdd:
      return checked(a + b);
    case ScalarOp::kSub:
      return checked(a - b);
    case ScalarOp::kMul:
      return checked(a * b);
    // Only a divisor of -1 can take a quotient out of range, nothing a remainder.
    case ScalarOp::kFloorDiv:
      return b.min() >= 1 ? types::FloorDiv(a, b) : checked(types::FloorDiv(a, b));
    case ScalarOp::kFloorMod:
      return types::Mod(a, b);
    case ScalarOp::kTruncDiv:
      return both_non_negative ? types::FloorDiv(a, b) : Opaque(instr);
    case ScalarOp::kTruncRem:
      return both_non_negative ? types::Mod(a, b) : Opaque(instr);
    case ScalarOp::kMin:
      return types::Min(a, b);
    case ScalarOp::kMax:
      return types::Max(a, b);
    case ScalarOp::kNeg:
      return checked(-a);
    case ScalarOp::kAbs:
      return a.min() >= 0 ? a : Opaque(instr);
    case ScalarOp::kShr:
      if (!b.is_constant() || b.constant() < 0 || b.constant() > 60) return Opaque(instr);
      return types::FloorDiv(a, int64_t{1} << b.constant());
    case ScalarOp::kShl:
      if (!b.is_constant() || b.constant() < 0 || b.constant() > 60) return Opaque(instr);
      return checked(a * Sym(int64_t{1} << b.constant()));
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
    case ScalarOp::kXor:
      return Bitwise(instr, a, b);
    case ScalarOp::kWhere: {
      const Sym& c = operands[2];
      return b == c ? b : Opaque(instr, std::min(b.min(), c.min()), std::max(b.max(), c.max()));
    }
    case ScalarOp::kBitcast:
      return definitions_[instr.src[0]].instr->type == instr.type ? a : Opaque(instr);
    case ScalarOp::kCast:
      if (!IsIntOrBool(definitions_[instr.src[0]].instr->type.dtype)) return Opaque(instr);
      return checked(a);
    default:
      return Opaque(instr);
  }
}

Sym IndexValues::Bitwise(const Instr& instr, const Sym& a, const Sym& b) const {
  const bool a_sign = a.min() < 0, b_sign = b.min() < 0;
  if (instr.scalar_op == ScalarOp::kAnd) {
    // Low bits are a flooring remainder, of negative numbers too.
    if (b.is_constant() && IsPowerOfTwo(b.constant() + 1)) return types::Mod(a, b + 1);
    if (a.is_constant() && IsPowerOfTwo(a.constant() + 1)) return types::Mod(b, a + 1);
    if (a_sign && b_sign) return Opaque(instr);
    return Opaque(instr, 0, a_sign ? b.max() : b_sign ? a.max() : std::min(a.max(), b.max()));
  }
  const int64_t most = std::max(a.max(), b.max());
  if (a_sign || b_sign || most >= kSafe) return Opaque(instr);
  return Opaque(instr, 0, AllOnesAbove(most));
}

void IndexValues::AddConditions(int32_t condition, Facts& facts) {
  std::vector<std::pair<int32_t, bool>> work = {{condition, true}};
  // Twice: what the first round learns may show that operands of other conditions don't wrap.
  for (int round = 0; round < 2; ++round) {
    work.assign(1, {condition, true});
    for (size_t i = 0; i < work.size() && i < kMaxConditions; ++i) {
      const auto [reg, holds] = work[i];
      AddCondition(definitions_[reg], holds, facts, work);
    }
  }
}

void IndexValues::AddCondition(const Definition& definition, bool holds, Facts& facts,
                               std::vector<std::pair<int32_t, bool>>& more) {
  const Instr& instr = *definition.instr;
  auto follow = [&](int operand, bool value) { more.emplace_back(instr.src[operand], value); };
  if (instr.opcode == Opcode::kSplat) return follow(0, holds);
  if (instr.opcode == Opcode::kConst && (instr.imm.i != 0) != holds) return facts.Add(-1);
  if (instr.opcode != Opcode::kAlu) return;
  if (instr.scalar_op == ScalarOp::kNot) return follow(0, !holds);
  if (instr.scalar_op == (holds ? ScalarOp::kAnd : ScalarOp::kOr)) {
    follow(0, holds);
    return follow(1, holds);
  }
  const bool compares = (ir::Row(instr.scalar_op).traits & ir::kCompare) != 0;
  if (!compares || !types::IsInteger(definitions_[instr.src[0]].instr->type.dtype)) return;
  Memo memo;
  const Sym a = Operand(definition, 0, facts, &memo, 0);
  const Sym b = Operand(definition, 1, facts, &memo, 0);
  if (instr.scalar_op == ScalarOp::kLt) facts.Add(holds ? b - a - 1 : a - b);
  if (instr.scalar_op == ScalarOp::kLe) facts.Add(holds ? b - a : a - b - 1);
  if (instr.scalar_op == (holds ? ScalarOp::kEq : ScalarOp::kNe)) {
    facts.Add(b - a);
    facts.Add(a - b);
  }
}

}  // namespace tensord::kernel
