#include "engine/kernel/linear_builder.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/types/sym_visit.h"

namespace tensord::kernel {

using ir::ScalarOp;
using types::DType;
using types::Scalar;
using types::Sym;

LinearBuilder::LinearBuilder(std::string name) {
  kernel_.name = std::move(name);
  blocks_.emplace_back();
  blocks_.back().barrier_to_hoisting = true;
}

int LinearBuilder::AddGlobal(std::string name, DType dtype, Sym elements, Access access,
                             int32_t align) {
  kernel_.buffers.push_back(
      {std::move(name), dtype, std::move(elements), Space::kGlobal, access, align});
  return static_cast<int>(kernel_.buffers.size()) - 1;
}

int LinearBuilder::AddLocal(std::string name, DType dtype, int64_t elements, int32_t align) {
  kernel_.buffers.push_back(
      {std::move(name), dtype, Sym(elements), Space::kLocal, Access::kInOut, align});
  return static_cast<int>(kernel_.buffers.size()) - 1;
}

int LinearBuilder::AddPrivate(std::string name, DType dtype, int64_t elements, int32_t align) {
  kernel_.buffers.push_back(
      {std::move(name), dtype, Sym(elements), Space::kPrivate, Access::kInOut, align});
  return static_cast<int>(kernel_.buffers.size()) - 1;
}

int LinearBuilder::AddVariable(std::string name, int64_t min, int64_t max) {
  kernel_.variables.push_back({std::move(name), min, max});
  return static_cast<int>(kernel_.variables.size()) - 1;
}

Sym LinearBuilder::VariableSym(int variable) const {
  const Variable& v = kernel_.variables[variable];
  return Sym::Variable(v.name, v.min, v.max);
}

// ---- placing instructions ----

void LinearBuilder::Append(Instr instr) { blocks_.back().code.push_back(std::move(instr)); }

int LinearBuilder::Define(Instr instr, int depth) {
  instr.dst = static_cast<int>(values_.size());
  values_.push_back({instr.type, depth, blocks_[depth].id, instr.opcode == Opcode::kAcc, instr});
  blocks_[depth].code.push_back(std::move(instr));
  return values_.back().def.dst;
}

int LinearBuilder::VisibleDepth(int reg) const {
  TENSORD_CHECK(reg >= 0 && reg < static_cast<int>(values_.size()), "no register ", reg);
  const Value& v = values_[reg];
  TENSORD_CHECK(v.depth < static_cast<int>(blocks_.size()) && blocks_[v.depth].id == v.block_id,
                "register ", reg, " is out of scope");
  return v.depth;
}

int LinearBuilder::Pure(Instr instr) {
  int innermost = depth(), outermost = 0;
  bool reads_accumulator = false;
  for (int32_t src : instr.src) {
    if (src < 0) continue;
    outermost = std::max(outermost, VisibleDepth(src));
    reads_accumulator |= values_[src].accumulator;
  }
  if (reads_accumulator) return Define(std::move(instr), innermost);
  Key key{instr};
  int place = outermost;
  for (int d = outermost; d <= innermost; ++d) {
    auto found = blocks_[d].interned.find(key);
    if (found != blocks_[d].interned.end()) return found->second;
    if (blocks_[d].barrier_to_hoisting) place = d;
  }
  int reg = Define(std::move(instr), place);
  blocks_[place].interned.emplace(std::move(key), reg);
  return reg;
}

void LinearBuilder::OpenBlock(Instr instr, bool barrier_to_hoisting) {
  Block block;
  block.id = ++blocks_opened_;
  block.barrier_to_hoisting = barrier_to_hoisting;
  blocks_.push_back(std::move(block));
  if (instr.opcode == Opcode::kFor) {
    Define(std::move(instr), depth());
  } else {
    Append(std::move(instr));
  }
}

// ---- values ----

int LinearBuilder::Const(VType type, const Scalar& value) {
  Instr instr{.opcode = Opcode::kConst, .type = type};
  instr.imm = value.dtype == type.dtype ? value : value.Cast(type.dtype);
  return Pure(std::move(instr));
}

int LinearBuilder::Const(VType type, double value) {
  return Const(type, types::IsFloat(type.dtype)
                         ? Scalar::Float(type.dtype, value)
                         : Scalar::Float(DType::kF64, value).Cast(type.dtype));
}

int LinearBuilder::I64(int64_t value) {
  return Const({DType::kI64, 1}, Scalar::Int(DType::kI64, value));
}

int LinearBuilder::Var(int variable) {
  TENSORD_CHECK(variable >= 0 && variable < static_cast<int>(kernel_.variables.size()));
  return Pure({.opcode = Opcode::kVar, .type = {DType::kI64, 1}, .index = variable});
}

int LinearBuilder::Alu(ScalarOp op, VType type, absl::Span<const int> operands) {
  TENSORD_CHECK(static_cast<int>(operands.size()) == ir::Row(op).arity, ir::Row(op).name);
  for (int operand : operands) {
    VisibleDepth(operand);
    TENSORD_CHECK(values_[operand].type.lanes == type.lanes, ir::Row(op).name, ": lanes");
  }
  if (int folded = FoldAlu(op, type, operands); folded >= 0) return folded;
  Instr instr{.opcode = Opcode::kAlu, .scalar_op = op, .type = type};
  std::copy(operands.begin(), operands.end(), instr.src);
  return Pure(std::move(instr));
}

int LinearBuilder::Splat(int scalar, int32_t lanes) {
  TENSORD_CHECK(TypeOf(scalar).lanes == 1, "splat of a vector");
  if (lanes == 1) return scalar;
  VType type{TypeOf(scalar).dtype, lanes};
  if (auto constant = ConstantOf(scalar)) return Const(type, *constant);
  return Pure({.opcode = Opcode::kSplat, .type = type, .src = {scalar, -1, -1}});
}

int LinearBuilder::Iota(VType type) {
  if (type.lanes == 1) return Const(type, 0.0);
  return Pure({.opcode = Opcode::kIota, .type = type});
}

int LinearBuilder::Extract(int vector, int64_t lane) {
  VType type = TypeOf(vector);
  TENSORD_CHECK(lane >= 0 && lane < type.lanes, "extract lane ", lane, " of ", type.lanes);
  if (type.lanes == 1) return vector;
  type.lanes = 1;
  if (auto constant = ConstantOf(vector)) return Const(type, *constant);
  const Instr& def = values_[vector].def;
  if (def.opcode == Opcode::kSplat && !values_[def.src[0]].accumulator) return def.src[0];
  return Pure({.opcode = Opcode::kExtract, .type = type, .src = {vector, -1, -1}, .index = lane});
}

int LinearBuilder::Insert(int vector, int64_t lane, int scalar) {
  VType type = TypeOf(vector);
  TENSORD_CHECK(lane >= 0 && lane < type.lanes, "insert lane ", lane, " of ", type.lanes);
  TENSORD_CHECK(TypeOf(scalar) == (VType{type.dtype, 1}), "insert of another type");
  if (type.lanes == 1) return scalar;
  return Pure(
      {.opcode = Opcode::kInsert, .type = type, .src = {vector, scalar, -1}, .index = lane});
}

int LinearBuilder::Shuffle(int a, int b, std::vector<int32_t> lanes) {
  VType type = TypeOf(a);
  TENSORD_CHECK(b < 0 || TypeOf(b) == type, "shuffle of two types");
  for (int32_t lane : lanes) TENSORD_CHECK(lane >= 0 && lane < type.lanes * (b < 0 ? 1 : 2));
  type.lanes = static_cast<int32_t>(lanes.size());
  return Pure(
      {.opcode = Opcode::kShuffle, .type = type, .src = {a, b, -1}, .lane_list = std::move(lanes)});
}

int LinearBuilder::Horizontal(ScalarOp op, int vector) {
  VType type = TypeOf(vector);
  TENSORD_CHECK((type.lanes & (type.lanes - 1)) == 0, "horizontal of ", type.lanes, " lanes");
  if (type.lanes == 1) return vector;
  return Pure({.opcode = Opcode::kHorizontal,
               .scalar_op = op,
               .type = {type.dtype, 1},
               .src = {vector, -1, -1}});
}

void LinearBuilder::Unify(int* a, int* b) {
  int32_t lanes = std::max(TypeOf(*a).lanes, TypeOf(*b).lanes);
  if (TypeOf(*a).lanes != lanes) *a = Splat(*a, lanes);
  if (TypeOf(*b).lanes != lanes) *b = Splat(*b, lanes);
}

int LinearBuilder::Binary(ScalarOp op, int a, int b) {
  Unify(&a, &b);
  TENSORD_CHECK(TypeOf(a) == TypeOf(b), ir::Row(op).name, " of ", types::Name(TypeOf(a).dtype),
                " and ", types::Name(TypeOf(b).dtype));
  VType type = TypeOf(a);
  if (ir::Row(op).traits & ir::kCompare) type.dtype = DType::kBool;
  return Alu(op, type, {a, b});
}

int LinearBuilder::Fma(int a, int b, int c) {
  Unify(&a, &b);
  Unify(&b, &c);
  Unify(&a, &b);
  TENSORD_CHECK(TypeOf(a) == TypeOf(b) && TypeOf(b) == TypeOf(c), "fma of different types");
  return Alu(ScalarOp::kFma, TypeOf(c), {a, b, c});
}

int LinearBuilder::Where(int condition, int a, int b) {
  Unify(&a, &b);
  Unify(&condition, &a);
  Unify(&a, &b);
  TENSORD_CHECK(TypeOf(a) == TypeOf(b), "where of different types");
  return Alu(ScalarOp::kWhere, TypeOf(a), {condition, a, b});
}

int LinearBuilder::Cast(int a, DType dtype) {
  return Alu(ScalarOp::kCast, {dtype, TypeOf(a).lanes}, {a});
}

int LinearBuilder::Bitcast(int a, DType dtype) {
  TENSORD_CHECK(types::Bytes(dtype) == types::Bytes(TypeOf(a).dtype), "bitcast of another width");
  return Alu(ScalarOp::kBitcast, {dtype, TypeOf(a).lanes}, {a});
}

// ---- memory ----

void LinearBuilder::CheckAccess(int buffer, VType type, int index, int32_t index_lanes,
                                int mask) const {
  TENSORD_CHECK(buffer >= 0 && buffer < static_cast<int>(kernel_.buffers.size()));
  const Buffer& b = kernel_.buffers[buffer];
  TENSORD_CHECK(b.dtype == type.dtype, "buffer ", b.name, " holds ", types::Name(b.dtype), ", not ",
                types::Name(type.dtype));
  VisibleDepth(index);
  TENSORD_CHECK(types::IsInteger(TypeOf(index).dtype) && TypeOf(index).lanes == index_lanes,
                "index of buffer ", b.name);
  if (mask < 0) return;
  VisibleDepth(mask);
  TENSORD_CHECK(TypeOf(mask) == (VType{DType::kBool, type.lanes}), "mask of buffer ", b.name);
}

int LinearBuilder::Load(int buffer, VType type, int index, int mask) {
  CheckAccess(buffer, type, index, 1, mask);
  return Define({.opcode = Opcode::kLoad, .type = type, .src = {index, mask, -1}, .buffer = buffer},
                depth());
}

int LinearBuilder::Gather(int buffer, VType type, int indices, int mask) {
  CheckAccess(buffer, type, indices, type.lanes, mask);
  return Define(
      {.opcode = Opcode::kGather, .type = type, .src = {indices, mask, -1}, .buffer = buffer},
      depth());
}

void LinearBuilder::Store(int buffer, int index, int value, int mask, bool non_temporal) {
  CheckAccess(buffer, TypeOf(value), index, 1, mask);
  VisibleDepth(value);
  Append({.opcode = Opcode::kStore,
          .non_temporal = non_temporal,
          .type = TypeOf(value),
          .src = {index, value, mask},
          .buffer = buffer});
}

void LinearBuilder::Scatter(int buffer, int indices, int value, int mask) {
  CheckAccess(buffer, TypeOf(value), indices, TypeOf(value).lanes, mask);
  VisibleDepth(value);
  Append({.opcode = Opcode::kScatter,
          .type = TypeOf(value),
          .src = {indices, value, mask},
          .buffer = buffer});
}

int LinearBuilder::Acc(int initial) {
  VisibleDepth(initial);
  return Define({.opcode = Opcode::kAcc, .type = TypeOf(initial), .src = {initial, -1, -1}},
                depth());
}

void LinearBuilder::Set(int accumulator, int value) {
  VisibleDepth(accumulator);
  VisibleDepth(value);
  TENSORD_CHECK(values_[accumulator].accumulator, "set of a register that is no accumulator");
  TENSORD_CHECK(TypeOf(accumulator) == TypeOf(value), "set to a value of another type");
  Append(
      {.opcode = Opcode::kSet, .type = TypeOf(value), .dst = accumulator, .src = {value, -1, -1}});
}

// ---- blocks ----

int LinearBuilder::For(LoopKind kind, int lo, int hi, int64_t step, int dimension) {
  VisibleDepth(lo);
  VisibleDepth(hi);
  constexpr VType kIndex{DType::kI64, 1};
  TENSORD_CHECK(TypeOf(lo) == kIndex && TypeOf(hi) == kIndex && step > 0, "bounds of a loop");
  Instr instr{.opcode = Opcode::kFor, .loop = kind, .type = kIndex, .src = {lo, hi, -1}};
  instr.index = step;
  if (kind == LoopKind::kGroup || kind == LoopKind::kLocal) instr.lane_list = {dimension};
  OpenBlock(std::move(instr), kind != LoopKind::kSerial);
  return static_cast<int>(values_.size()) - 1;
}

void LinearBuilder::If(int condition) {
  VisibleDepth(condition);
  TENSORD_CHECK(TypeOf(condition) == (VType{DType::kBool, 1}), "condition of an if");
  OpenBlock({.opcode = Opcode::kIf, .src = {condition, -1, -1}}, false);
}

void LinearBuilder::End() {
  TENSORD_CHECK(blocks_.size() > 1, "end without a block");
  Append({.opcode = Opcode::kEnd});
  std::vector<Instr> code = std::move(blocks_.back().code);
  blocks_.pop_back();
  std::move(code.begin(), code.end(), std::back_inserter(blocks_.back().code));
}

void LinearBuilder::Barrier() { Append({.opcode = Opcode::kBarrier}); }

// ---- index expressions ----

int LinearBuilder::EmitSym(const Sym& sym, const Names& variables) {
  types::SymAlgebra<int> algebra;
  algebra.constant = [this](int64_t value) { return I64(value); };
  algebra.variable = [&](const std::string& name, int64_t, int64_t) {
    if (auto found = variables.find(name); found != variables.end()) return found->second;
    for (size_t i = 0; i < kernel_.variables.size(); ++i) {
      if (kernel_.variables[i].name == name) return Var(static_cast<int>(i));
    }
    CheckFailed(__FILE__, __LINE__, "no register for the variable", name);
  };
  algebra.add = [this](int a, int b) { return Add(a, b); };
  algebra.mul = [this](int a, int b) { return Mul(a, b); };
  algebra.floordiv = [this](int a, int b) { return FloorDiv(a, b); };
  algebra.mod = [this](int a, int b) { return FloorMod(a, b); };
  algebra.min = [this](int a, int b) { return Min(a, b); };
  algebra.max = [this](int a, int b) { return Max(a, b); };
  return types::Visit(sym, algebra);
}

int LinearBuilder::EmitMask(const types::Mask& mask, const Names& variables) {
  if (mask.never()) return Const({DType::kBool, 1}, 0.0);
  int all = -1;
  for (const types::Bound& bound : mask.bounds()) {
    int value = EmitSym(bound.expr, variables);
    if (bound.expr.min() < bound.lo) {
      int at_least = Le(I64(bound.lo), value);
      all = all < 0 ? at_least : And(all, at_least);
    }
    if (bound.expr.max() > bound.hi) {
      int at_most = Le(value, I64(bound.hi));
      all = all < 0 ? at_most : And(all, at_most);
    }
  }
  return all;
}

std::optional<Scalar> LinearBuilder::ConstantOf(int reg) const {
  if (reg < 0 || values_[reg].def.opcode != Opcode::kConst) return std::nullopt;
  return values_[reg].def.imm;
}

Linear LinearBuilder::Finish() && {
  TENSORD_CHECK(blocks_.size() == 1, "a block is still open");
  kernel_.code = std::move(blocks_.back().code);
  kernel_.registers = static_cast<int32_t>(values_.size());
  Canonicalize(kernel_);
  return std::move(kernel_);
}

}  // namespace tensord::kernel
