#include "engine/kernel/emitter.h"

#include <algorithm>

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;
using types::Mask;

bool MaskDependsOn(const Mask& mask, const std::string& name) {
  return !name.empty() && mask.DependsOn(name);
}

}  // namespace

Emitter::Emitter(LinearBuilder& builder, const Body& body, std::string vector, int lanes,
                 std::string tile, std::vector<int> buffers, Clamp clamp)
    : b_(builder),
      body_(body),
      vector_(std::move(vector)),
      tile_(std::move(tile)),
      lanes_(lanes),
      buffers_(std::move(buffers)),
      clamp_(clamp),
      axis_{vector_, lanes, -1} {}

void Emitter::Bind(const std::string& range, int reg) {
  bound_[range] = reg;
  scalar_names_[range] = reg;
  vector_names_[range] = reg;
  const int index = body_.RangeIndex(range);
  absl::erase_if(memo_, [&](const auto& entry) {
    return index < 0 || (body_.info(entry.first.node).level >> index & 1);
  });
  fold_memo_.clear();
}

void Emitter::EndLoop() {
  b_.End();
  const auto closed = [&](const auto& entry) { return entry.second.depth > b_.depth(); };
  absl::erase_if(memo_, closed);
  absl::erase_if(fold_memo_, closed);
}

void Emitter::LimitLanes(int lanes_left) { lanes_left_ = lanes_left; }

Emitter::Key Emitter::KeyOf(Ref node, Member member) const {
  const bool steps = step_range_ >= 0 && (body_.info(node).folds >> step_range_ & 1);
  return {node, body_.DependsOn(node, tile_) ? member.tile : 0,
          body_.DependsOn(node, vector_) ? member.vector : 0, steps ? member.step : 0};
}

std::vector<Member> Emitter::Distinct(Ref node, absl::Span<const Member> members) const {
  std::vector<Member> distinct;
  for (Member member : members) {
    const Member mine = KeyOf(node, member).member();
    if (std::find(distinct.begin(), distinct.end(), mine) == distinct.end())
      distinct.push_back(mine);
  }
  return distinct;
}

void Emitter::SetMember(Member member) {
  if (step_range_ >= 0) {
    const std::string name = schedule::FoldName(step_range_);
    scalar_names_[name] = b_.Add(step_scalar_, b_.I64(member.step));
    vector_names_[name] = b_.Add(step_vector_, b_.I64(member.step));
  }
  if (bound_.contains(tile_)) {
    const int reg = b_.Add(bound_.at(tile_), b_.I64(member.tile));
    scalar_names_[tile_] = vector_names_[tile_] = reg;
  }
  if (bound_.contains(vector_)) {
    const int base = b_.Add(bound_.at(vector_), b_.I64(int64_t{member.vector} * lanes_));
    scalar_names_[vector_] = base;
    vector_names_[vector_] = base;
    if (lanes_ > 1) {
      const int iota = b_.Iota({DType::kI64, lanes_});
      vector_names_[vector_] = b_.Add(base, iota);
      if (axis_.name == vector_) {
        const int left =
            lanes_left_ < 0 ? -1 : b_.Sub(lanes_left_, b_.I64(int64_t{member.vector} * lanes_));
        axis_.mask = left < 0 ? -1 : b_.Lt(iota, left);
      }
    }
  }
}

void Emitter::EmitWithin(uint64_t ranges, absl::Span<const Member> members) {
  int ranks = 0;
  for (Ref node : body_.order()) ranks = std::max(ranks, body_.info(node).fold_rank);
  const auto here = [&](Ref node, int rank) {
    const NodeInfo& info = body_.info(node);
    return !info.in_fold() && !info.in_template && (info.level & ~ranges) == 0 &&
           info.fold_rank == rank;
  };
  for (int rank = 0; rank <= ranks; ++rank) {
    std::vector<Ref> folds;
    for (Ref node : body_.order()) {
      if (IsFold(node) && here(node, rank)) folds.push_back(node);
    }
    if (!folds.empty()) EmitFolds(folds, members);
    for (Ref node : body_.order()) {
      if (IsFold(node) || !here(node, rank)) continue;
      for (Member member : members) Emit(node, member);
    }
  }
}

int Emitter::Emit(Ref node, Member member) {
  Memo& memo = MemoOf(node);
  const Key key = KeyOf(node, member);
  if (auto it = memo.find(key); it != memo.end()) return it->second.reg;
  TENSORD_CHECK(!IsFold(node), "a fold used before its loops");
  const int reg = EmitNew(node, member);
  Remember(node, member, reg);
  return reg;
}

int Emitter::EmitNew(Ref node, Member member) {
  if (node->is("const"))
    return b_.Const({node->dtype(), 1}, std::get<types::Scalar>(node->attr(0)));
  if (node->is("load")) return EmitLoad(node, member);
  if (node->is("index") || node->is("valid")) {
    BindOpaque(node, member);
    if (node->is("index")) {
      return b_.Cast(b_.EmitSym(node->attr<Sym>("value"), vector_names_), node->dtype());
    }
    const int mask = b_.EmitMask(node->attr<Mask>("mask"), vector_names_);
    return mask >= 0 ? mask : b_.Const({DType::kBool, 1}, 1);
  }
  return EmitScalarOp(node, member);
}

int Emitter::EmitScalarOp(Ref node, Member member) {
  int operands[3] = {-1, -1, -1};
  const int count = static_cast<int>(node->inputs().size());
  int lanes = 1;
  for (int i = 0; i < count; ++i) {
    operands[i] = Emit(node->input(i), member);
    lanes = std::max<int>(lanes, b_.TypeOf(operands[i]).lanes);
  }
  for (int i = 0; i < count; ++i) {
    if (b_.TypeOf(operands[i]).lanes < lanes) operands[i] = b_.Splat(operands[i], lanes);
  }
  const VType type{node->dtype(), lanes};
  return b_.Alu(*node->op().scalar, type, absl::MakeConstSpan(operands, count));
}

// Gives the opaque variables of a load, index or valid the registers of their values.
void Emitter::BindOpaque(Ref node, Member member) {
  const std::vector<std::string> names = schedule::OpaqueNames(node->attrs());
  std::vector<int> regs;
  for (Ref input : node->inputs()) regs.push_back(Emit(input, member));
  SetMember(member);
  for (size_t i = 0; i < names.size(); ++i) {
    scalar_names_[names[i]] = vector_names_[names[i]] = regs[i];
  }
}

int Emitter::EmitLoad(Ref node, Member member) {
  BindOpaque(node, member);
  bool opaque_vector = false;
  for (Ref input : node->inputs()) {
    opaque_vector = opaque_vector || b_.TypeOf(Emit(input, member)).lanes > 1;
  }
  const Sym& index = node->attr<Sym>("index");
  const Mask& mask = node->attr<Mask>("mask");
  const bool along =
      axis_.lanes > 1 && (index.DependsOn(axis_.name) || MaskDependsOn(mask, axis_.name));
  if (along || opaque_vector) return EmitVectorLoad(node, opaque_vector);
  const int buffer = buffers_[node->attr<int64_t>("param")];
  const int where = b_.EmitMask(mask, scalar_names_);
  const int at = Clamped(b_.EmitSym(index, scalar_names_), node);
  return b_.Load(buffer, {node->dtype(), 1}, at, where);
}

bool Emitter::NeedsClamp(Ref load) const {
  if (clamp_ == Clamp::kMasked && load->attr<Mask>("mask").always()) return false;
  const Sym::Cost cost = load->attr<Sym>("index").CountOperators();
  return cost.divs + cost.mods + cost.minmax > 0;
}

int Emitter::Clamped(int index, Ref load) {
  if (!NeedsClamp(load)) return index;
  const Sym& elements = body_.kernel().params[load->attr<int64_t>("param")].elements;
  return b_.Max(b_.Min(index, b_.EmitSym(elements - 1)), b_.I64(0));
}

int Emitter::VectorMask(const Mask& mask) {
  int where = b_.EmitMask(mask, vector_names_);
  if (where >= 0 && b_.TypeOf(where).lanes == 1) where = b_.Splat(where, axis_.lanes);
  if (axis_.mask < 0) return where;
  return where < 0 ? axis_.mask : b_.And(where, axis_.mask);
}

int Emitter::EmitVectorLoad(Ref node, bool opaque_vector) {
  const Sym& index = node->attr<Sym>("index");
  const int buffer = buffers_[node->attr<int64_t>("param")];
  const VType type{node->dtype(), axis_.lanes};
  const int where = VectorMask(node->attr<Mask>("mask"));
  const Sym::Linear linear = index.LinearIn(axis_.name);
  const bool clamp = NeedsClamp(node);
  if (!opaque_vector && !clamp && linear.ok && linear.coefficient == Sym(1)) {
    return b_.Load(buffer, type, b_.EmitSym(index, scalar_names_), where);
  }
  int indices = Clamped(b_.EmitSym(index, vector_names_), node);
  if (b_.TypeOf(indices).lanes == 1) indices = b_.Splat(indices, axis_.lanes);
  return b_.Gather(buffer, type, indices, where);
}

int Emitter::EmitIndex(const Sym& index, Member member) {
  SetMember(member);
  return b_.EmitSym(index, scalar_names_);
}

void Emitter::Store(int buffer, const Sym& index, const Mask& mask, int value, Member member,
                    bool non_temporal) {
  SetMember(member);
  const bool vector = lanes_ > 1 && !vector_.empty();
  if (!vector) {
    b_.Store(buffer, b_.EmitSym(index, scalar_names_), value, b_.EmitMask(mask, scalar_names_));
    return;
  }
  if (b_.TypeOf(value).lanes == 1) value = b_.Splat(value, lanes_);
  const int where = VectorMask(mask);
  const Sym::Linear linear = index.LinearIn(vector_);
  if (linear.ok && linear.coefficient == Sym(1)) {
    b_.Store(buffer, b_.EmitSym(index, scalar_names_), value, where, non_temporal && where < 0);
    return;
  }
  b_.Scatter(buffer, b_.EmitSym(index, vector_names_), value, where);
}

}  // namespace tensord::kernel
