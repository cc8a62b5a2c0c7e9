#include "engine/schedule/contraction.h"

#include "engine/base/strings.h"
#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using types::Sym;

bool IsPassThrough(Ref node) {
  return IsMovement(node) || node->is("detach") || node->is(ir::ScalarOp::kCast);
}

Sym AxisVariable(int axis, const Sym& extent) {
  return Sym::Variable(StrCat("a", axis), 0, std::max<int64_t>(extent.max() - 1, 0));
}

// Which of its own axes the elements of `node` depend on, as far as movement tells.
std::vector<bool> UsedAxes(Ref node) {
  Access access;
  std::vector<bool> used(node->rank(), false);
  for (int i = 0; i < node->rank(); ++i) access.coords.push_back(AxisVariable(i, node->dims()[i]));
  Ref at = node;
  while (IsPassThrough(at)) {
    if (IsMovement(at)) access = Through(at, access);
    at = at->input(0);
  }
  if (at->is("const")) return used;
  for (int i = 0; i < node->rank(); ++i) {
    const std::string name = StrCat("a", i);
    for (const Sym& coord : access.coords) used[i] = used[i] || coord.DependsOn(name);
    used[i] = used[i] || access.mask.DependsOn(name);
  }
  return used;
}

// Whether operand `mine` alone uses a kept axis of more than one element.
bool HasOwnAxis(const Contraction& c, const std::vector<bool>& reduced, int mine) {
  for (size_t i = 0; i < reduced.size(); ++i) {
    if (!reduced[i] && c.uses[mine][i] && !c.uses[1 - mine][i] && c.product->dims()[i].max() > 1) {
      return true;
    }
  }
  return false;
}

}  // namespace

Ref StripMovement(Ref node) {
  while (IsPassThrough(node)) node = node->input(0);
  return node;
}

std::optional<Contraction> AsContraction(Ref reduce) {
  if (!reduce->is("reduce") || reduce->attr<std::string>("monoid") != "sum") return std::nullopt;
  if (!types::IsFloat(reduce->dtype())) return std::nullopt;
  Ref product = reduce->input(0);
  while (product->is(ir::ScalarOp::kCast)) product = product->input(0);
  if (!product->is(ir::ScalarOp::kMul)) return std::nullopt;
  Contraction c{reduce, product, {product->input(0), product->input(1)}, {}};
  for (int i : {0, 1}) c.uses[i] = UsedAxes(c.operands[i]);
  std::vector<bool> reduced(product->rank(), false);
  for (int64_t axis : reduce->attr<ir::Ints>("axes")) reduced[axis] = true;
  if (!HasOwnAxis(c, reduced, 0) || !HasOwnAxis(c, reduced, 1)) return std::nullopt;
  return c;
}

const Contraction* Contractions::Of(Ref node) {
  if (!node->is("reduce")) return nullptr;
  Entry& entry = entries_[node];
  if (!entry.known) {
    entry.known = true;
    ++analyses_;
    std::optional<Contraction> found = AsContraction(node);
    if (found.has_value()) entry.contraction = std::make_unique<Contraction>(*std::move(found));
  }
  return entry.contraction.get();
}

}  // namespace tensord::schedule
