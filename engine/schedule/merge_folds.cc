#include "engine/schedule/merge_folds.h"

#include <algorithm>
#include <optional>

#include "engine/ops/registry.h"

namespace tensord::schedule {
namespace {

using ir::ScalarOp;
using types::Dims;
using types::DType;

// Elements of a row from which a second pass over it costs more than corrections.
constexpr double kLongRow = 8192;

bool IsMonoid(Ref node, std::string_view monoid) {
  return &node->op() == &FoldOp() && node->attr<std::string>("monoid") == monoid;
}

bool IsNumber(Ref node, double value) {
  return node->is("const") && std::get<types::Scalar>(node->attr(0)).f == value &&
         types::IsFloat(node->dtype());
}

// m itself, or m with 0 in place of an infinite one: where(|m| == inf, 0, m).
struct Shift {
  Ref max = nullptr;
  bool finite = false;  // an infinite maximum is not taken off
};
Shift ShiftOf(Ref node) {
  if (IsMonoid(node, "max")) return {node, false};
  if (!node->is(ScalarOp::kWhere) || !IsMonoid(node->input(2), "max")) return {};
  Ref test = node->input(0), max = node->input(2);
  const bool infinite = test->is(ScalarOp::kEq) && test->input(0)->is(ScalarOp::kAbs) &&
                        test->input(0)->input(0) == max &&
                        IsNumber(test->input(1), std::numeric_limits<double>::infinity());
  return infinite && IsNumber(node->input(1), 0) ? Shift{max, true} : Shift{};
}

// sum of exp(scores - max) * factor.
struct Online {
  Ref fold = nullptr, scores = nullptr, max = nullptr;
  Ref factor = nullptr;  // none: 1
  Ref exp = nullptr;     // the node exp(scores - max)
  bool finite = false;
};

bool HoldsFold(Ref root) {
  const Ref roots[] = {root};
  const std::vector<Ref> order = ir::TopologicalOrder(roots);
  return std::any_of(order.begin(), order.end(), IsFold);
}

std::optional<Online> MatchWeight(Ref fold, Ref weight, Ref factor) {
  if (!weight->is(ScalarOp::kExp) || !weight->input(0)->is(ScalarOp::kSub)) return std::nullopt;
  Ref scores = weight->input(0)->input(0);
  const Shift shift = ShiftOf(weight->input(0)->input(1));
  if (shift.max == nullptr || shift.max->input(0) != scores) return std::nullopt;
  const bool same_ranges = FoldExtents(shift.max) == FoldExtents(fold) &&
                           FirstRange(shift.max) == FirstRange(fold) && !FoldExtents(fold).empty();
  if (!same_ranges || weight->dtype() != fold->dtype()) return std::nullopt;
  if (factor != nullptr && (shift.finite || HoldsFold(factor))) return std::nullopt;
  return Online{fold, scores, shift.max, factor, weight, shift.finite};
}

std::optional<Online> Match(Ref fold) {
  if (!IsMonoid(fold, "sum")) return std::nullopt;
  if (fold->dtype() != DType::kF32 && fold->dtype() != DType::kF64) return std::nullopt;
  Ref body = fold->input(0);
  if (!body->is(ScalarOp::kMul)) return MatchWeight(fold, body, nullptr);
  auto found = MatchWeight(fold, body->input(0), body->input(1));
  return found.has_value() ? found : MatchWeight(fold, body->input(1), body->input(0));
}

double Points(Ref fold) {
  double points = 1;
  for (const Sym& extent : FoldExtents(fold)) points *= static_cast<double>(extent.max());
  return points;
}

// Merges of one kernel: those that share a maximum share their lanes.
class Merger {
 public:
  explicit Merger(LoopKernel& kernel) : kernel_(kernel) {
    for (const Output& output : kernel.outputs) roots_.push_back(output.value);
  }

  absl::flat_hash_map<Ref, Ref> Run() {
    const std::vector<Ref> order = ir::TopologicalOrder(roots_);
    for (Ref node : order) {
      const std::optional<Online> online = Match(node);
      if (!online.has_value() || !WorthAPass(*online)) continue;
      online_.emplace(node, *online);
      auto [lanes, first] = lanes_.emplace(online->max, FoldLanesOf(node));
      lanes->second = std::min(lanes->second, FoldLanesOf(node));
    }
    if (online_.empty()) return {};
    for (Ref node : order) moved_[node] = Rebuild(node);
    for (Output& output : kernel_.outputs) output.value = moved_.at(output.value);
    absl::erase_if(moved_, [](const auto& entry) { return entry.first == entry.second; });
    return std::move(moved_);
  }

 private:
  static bool WorthAPass(const Online& online) {
    return HoldsFold(online.scores) || Points(online.fold) > kLongRow;
  }

  Ref Rebuild(Ref node) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved_.at(input));
    if (auto it = online_.find(node); it != online_.end()) return MakeOnline(it->second);
    if (auto it = lanes_.find(node); it != lanes_.end()) {
      const ir::AttrValue attrs[] = {node->attr(0), node->attr(1), it->second, node->attr(3)};
      return kernel_.graph->Intern(FoldOp(), inputs, attrs, node->type());
    }
    return kernel_.graph->WithInputs(node, inputs);
  }

  Ref MakeOnline(const Online& online) {
    ir::Graph& graph = *kernel_.graph;
    const types::Type& type = online.fold->type();
    Ref hole = graph.Intern(HoleOp(), {}, {}, type);
    Ref exp = graph.Intern(online.exp->op(), {&hole, 1}, online.exp->attrs(), type);
    const ir::AttrValue one[] = {types::Scalar::Float(type.dtype, 1)};
    Ref factor = online.factor != nullptr ? moved_.at(online.factor)
                                          : graph.Intern(ops::Op("const"), {}, one, type);
    const Ref inputs[] = {moved_.at(online.scores), factor, moved_.at(online.max), exp};
    const ir::AttrValue attrs[] = {online.fold->attr(0), online.fold->attr(1),
                                   lanes_.at(online.max), online.fold->attr(3),
                                   std::string(online.finite ? "exp" : "nan")};
    return graph.Intern(OnlineFoldOp(), inputs, attrs, type);
  }

  LoopKernel& kernel_;
  std::vector<Ref> roots_;
  absl::flat_hash_map<Ref, Online> online_;
  absl::flat_hash_map<Ref, int64_t> lanes_;  // of each maximum and its sums
  absl::flat_hash_map<Ref, Ref> moved_;
};

}  // namespace

absl::flat_hash_map<Ref, Ref> MergeFolds(LoopKernel& kernel) { return Merger(kernel).Run(); }

Ref MisplacedFold(const LoopKernel& kernel) {
  std::vector<Ref> roots, bodies;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  for (const Scatter& scatter : kernel.scatters) {
    roots.insert(roots.end(), {scatter.position, scatter.update});
  }
  const std::vector<Ref> order = ir::TopologicalOrder(roots);
  absl::flat_hash_set<Ref> maxima;
  for (Ref node : order) {
    if (&node->op() == &OnlineFoldOp()) maxima.insert(node->input(2));
  }
  for (Ref node : order) {
    if (&node->op() == &FoldOp() && !maxima.contains(node)) bodies.push_back(node->input(0));
    if (&node->op() == &OnlineFoldOp()) bodies.push_back(node->input(1));
  }
  for (Ref node : ir::TopologicalOrder(bodies)) {
    if (IsFold(node) && FirstRange(node) > 0) return node;
  }
  return nullptr;
}

}  // namespace tensord::schedule
