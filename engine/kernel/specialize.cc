#include "engine/kernel/specialize.h"

#include <algorithm>

#include "engine/ir/index_map.h"
#include "engine/kernel/monoid.h"
#include "engine/ops/registry.h"
#include "engine/schedule/expression.h"

namespace tensord::kernel {
namespace {

using ir::AttrValue;
using ir::Ref;
using ir::ScalarOp;
using schedule::LoopKernel;
using types::Dims;
using types::DType;
using types::Mask;
using types::Scalar;
using types::Sym;

// Longest range of a fold that is looked at element by element.
constexpr int64_t kMostElements = 4096;

bool IsConst(Ref node, const Scalar& value) {
  if (!node->is("const")) return false;
  const Scalar& mine = std::get<Scalar>(node->attr(0));
  return types::IsFloat(node->dtype()) ? mine.f == value.f : mine.i == value.i;
}

AttrValue SubstituteAttr(const AttrValue& attr, const Sym::Substitution& with) {
  if (const auto* sym = std::get_if<Sym>(&attr)) return sym->Substitute(with);
  if (const auto* mask = std::get_if<Mask>(&attr)) return mask->Substitute(with);
  return attr;
}

Scalar ZeroOf(DType dtype) {
  Scalar zero;
  zero.dtype = dtype;
  return zero;
}

// The elements of a fold's range: count of them, begin + step * i.
struct Progression {
  int64_t begin = 0, step = 1, count = 0;
};

// The values of `name` for which `mask` can hold, if they are a progression; else all.
Progression PossibleValues(const Mask& mask, const std::string& name, int64_t extent) {
  const Progression all = {0, 1, extent};
  if (extent > kMostElements || (!mask.never() && !mask.DependsOn(name))) return all;
  std::vector<int64_t> values;
  for (const ir::LoopPiece& piece : ir::SplitPoints(mask, name, extent)) {
    if (piece.truth == ir::LoopPiece::Truth::kNever) continue;
    for (int64_t v = piece.begin; v < piece.end; v += piece.step) values.push_back(v);
  }
  if (values.empty()) return {0, 1, 0};
  std::sort(values.begin(), values.end());
  Progression some = {values[0], 1, static_cast<int64_t>(values.size())};
  if (values.size() > 1) some.step = values[1] - values[0];
  for (size_t i = 1; i < values.size(); ++i) {
    if (values[i] - values[i - 1] != some.step) return all;
  }
  return some;
}

class Specializer {
 public:
  explicit Specializer(ir::Graph& graph) : graph_(graph) {}

  // The values of `roots` with grid variables replaced.
  std::vector<Ref> Run(absl::Span<const Ref> roots, const Sym::Substitution& with) {
    absl::flat_hash_map<Ref, Ref> moved;
    const std::vector<Ref> order = ir::TopologicalOrder(roots);
    absl::flat_hash_set<Ref> joined;  // maxima whose ranges online folds share
    for (Ref node : order) {
      if (node->is("online_fold")) joined.insert(node->input(2));
    }
    for (Ref node : order) {
      const bool fold = node->is("fold") && !joined.contains(node);
      moved[node] = fold ? Fold(node, moved.at(node->input(0))) : Move(node, with, moved);
    }
    std::vector<Ref> values;
    for (Ref root : roots) values.push_back(moved.at(root));
    return values;
  }

 private:
  Ref Const(const Scalar& value, Ref like) {
    const AttrValue attrs[] = {value};
    return graph_.Intern(ops::Op("const"), {}, attrs, like->type());
  }

  // `node` over its moved inputs, with variables replaced in its own expressions.
  Ref Move(Ref node, const Sym::Substitution& with, const absl::flat_hash_map<Ref, Ref>& moved) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    if (node->op().scalar.has_value()) return Operation(node, inputs);
    std::vector<AttrValue> attrs;
    for (const AttrValue& attr : node->attrs()) attrs.push_back(SubstituteAttr(attr, with));
    if (node->is("load") || node->is("valid")) {
      const Mask& mask = std::get<Mask>(attrs.back());
      if (mask.never()) return Const(ZeroOf(node->dtype()), node);
      if (node->is("valid") && mask.always()) return Const(Scalar::Int(node->dtype(), 1), node);
      if (node->is("load")) attrs[1] = types::SimplifyUnder(std::get<Sym>(attrs[1]), mask);
    }
    if (!schedule::OpaqueNames(node->attrs()).empty()) inputs = KeepInputs(node, inputs, attrs);
    return graph_.Intern(node->op(), inputs, attrs, node->type());
  }

  // The inputs whose opaque variables are left in `attrs`.
  static std::vector<Ref> KeepInputs(Ref node, const std::vector<Ref>& inputs,
                                     absl::Span<const AttrValue> attrs) {
    const std::vector<std::string> before = schedule::OpaqueNames(node->attrs());
    std::vector<Ref> kept;
    for (const std::string& name : schedule::OpaqueNames(attrs)) {
      kept.push_back(inputs[std::find(before.begin(), before.end(), name) - before.begin()]);
    }
    return kept;
  }

  Ref Operation(Ref node, absl::Span<const Ref> inputs) {
    if (node->is(ScalarOp::kWhere) && inputs[0]->is("const")) {
      return std::get<Scalar>(inputs[0]->attr(0)).i != 0 ? inputs[1] : inputs[2];
    }
    return graph_.Intern(node->op(), inputs, node->attrs(), node->type());
  }

  Ref Fold(Ref fold, Ref body) {
    const auto& monoid = fold->attr<std::string>("monoid");
    const Mask support = Support(body, monoid);
    Dims extents = schedule::FoldExtents(fold);
    const int first = schedule::FirstRange(fold);
    Sym::Substitution with;
    for (size_t i = 0; i < extents.size() && !support.always(); ++i) {
      if (!extents[i].is_constant()) continue;
      const std::string name = schedule::FoldName(first + static_cast<int>(i));
      const Progression some = PossibleValues(support, name, extents[i].constant());
      if (some.count == 0) return Const(MonoidIdentity(monoid, fold->dtype()), fold);
      if (some.count == extents[i].constant()) continue;
      extents[i] = some.count;
      with[name] = Sym::Variable(name, 0, some.count - 1) * some.step + some.begin;
    }
    if (!with.empty()) body = MoveBody(body, with, first + static_cast<int>(extents.size()));
    const int64_t lanes = schedule::FoldLanesOf(fold);
    const int64_t fits = extents.empty() ? 1 : schedule::FoldLanes(extents.back());
    std::vector<AttrValue> attrs(fold->attrs().begin(), fold->attrs().end());
    attrs[1] = extents;
    attrs[2] = std::min(lanes, fits);
    return graph_.Intern(fold->op(), {&body, 1}, attrs, fold->type());
  }

  // A body with its fold's variables replaced. Folds inside it have ranges from `inner` on; others
  // are values that do not change in it, with variables of their own.
  Ref MoveBody(Ref body, const Sym::Substitution& with, int inner) {
    const Ref roots[] = {body};
    absl::flat_hash_set<Ref> outside;
    for (Ref node : ir::TopologicalOrder(roots)) {
      if (schedule::IsFold(node) && schedule::FirstRange(node) < inner) outside.insert(node);
    }
    absl::flat_hash_map<Ref, Ref> moved;
    for (Ref node : ir::TopologicalOrder(roots, &outside)) {
      moved[node] = outside.contains(node) ? node : Move(node, with, moved);
    }
    return moved.at(body);
  }

  ir::Graph& graph_;
};

}  // namespace

Mask Support(Ref body, std::string_view monoid) {
  Mask support;
  std::vector<Ref> todo = {body};
  absl::flat_hash_set<Ref> seen;
  const Scalar identity = MonoidIdentity(monoid, body->dtype());
  while (!todo.empty()) {
    Ref node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    if (node->is(ScalarOp::kWhere) && node->input(0)->is("valid") &&
        IsConst(node->input(2), identity)) {
      support.RequireAll(node->input(0)->attr<Mask>("mask"));
      todo.push_back(node->input(1));
    }
    if (monoid != "sum") continue;
    if (node->is("load")) support.RequireAll(node->attr<Mask>("mask"));
    if (IsConst(node, ZeroOf(node->dtype()))) return Mask::Never();
    const bool keeps_zero =
        node->is(ScalarOp::kMul) || node->is(ScalarOp::kCast) || node->is(ScalarOp::kNeg);
    if (keeps_zero) todo.insert(todo.end(), node->inputs().begin(), node->inputs().end());
  }
  return support;
}

LoopKernel Specialize(const LoopKernel& kernel, const Sym::Substitution& with,
                      std::vector<schedule::Range> grid) {
  LoopKernel piece = kernel;
  piece.grid = std::move(grid);
  std::vector<Ref> roots;
  for (const schedule::Output& output : kernel.outputs) roots.push_back(output.value);
  const std::vector<Ref> values = Specializer(*kernel.graph).Run(roots, with);
  for (size_t i = 0; i < values.size(); ++i) {
    schedule::Output& output = piece.outputs[i];
    output.index = output.index.Substitute(with);
    output.mask = output.mask.Substitute(with);
    output.value = values[i];
  }
  return piece;
}

}  // namespace tensord::kernel
