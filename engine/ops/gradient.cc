#include "engine/ops/gradient.h"

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "engine/base/status.h"
#include "engine/ops/build.h"
#include "engine/ops/expand.h"

namespace tensord::ops {
namespace {

using ir::GradientArgs;
using ir::Graph;
using ir::OpRow;
using types::Type;

using RefSet = absl::flat_hash_set<Ref>;

// What has arrived so far at each node: one gradient per result, nullptr where nothing has.
class Arrivals {
 public:
  explicit Arrivals(Graph& graph) : graph_(graph) {}

  void Add(Ref node, int result, Ref gradient) {
    std::vector<Ref>& at = arrived_[node];
    at.resize(node->results(), nullptr);
    gradient = Cast(graph_, gradient, node->type(result).dtype);
    at[result] = at[result] == nullptr ? gradient : ops::Add(graph_, at[result], gradient);
  }
  // nullptr when nothing has arrived.
  const std::vector<Ref>* Find(Ref node) const {
    const auto it = arrived_.find(node);
    return it == arrived_.end() ? nullptr : &it->second;
  }
  Ref FindOne(Ref node) const {
    const std::vector<Ref>* all = Find(node);
    return all == nullptr ? nullptr : (*all)[0];
  }

 private:
  Graph& graph_;
  absl::flat_hash_map<Ref, std::vector<Ref>> arrived_;
};

// The nodes of `order` that depend on `wrt` through floats: the others need no gradient.
RefSet Active(absl::Span<const Ref> order, const RefSet& wrt, const RefSet* closed) {
  RefSet active;
  for (Ref node : order) {
    bool depends = wrt.contains(node);
    const bool open = closed == nullptr || !closed->contains(node);
    for (size_t i = 0; open && !depends && i < node->inputs().size(); ++i) {
      depends = active.contains(node->input(static_cast<int>(i)));
    }
    const bool differentiable = node->results() > 1 || types::IsFloat(node->dtype());
    if (depends && differentiable) active.insert(node);
  }
  return active;
}

absl::Status Sweep(Graph& graph, absl::Span<const Ref> order, const RefSet& active,
                   const RefSet* closed, Arrivals& arrivals);

// The gradients of a composite's inputs, as far as they are `wanted`, by way of its expansion. The
// recursion is as deep as composites nest, not as the graph is.
absl::StatusOr<std::vector<Ref>> ThroughExpansion(const GradientArgs& args, const RefSet& wanted) {
  const Ref node = args.node;
  const std::vector<Ref> results = ExpandNode(args.graph, node);
  const RefSet inputs(node->inputs().begin(), node->inputs().end());
  RefSet sources;
  for (Ref input : node->inputs()) {
    if (wanted.contains(input)) sources.insert(input);
  }
  const std::vector<Ref> order = ir::TopologicalOrder(results, &inputs);
  Arrivals arrivals(args.graph);
  for (int i = 0; i < node->results(); ++i) {
    if (args.output_gradients[i] != nullptr) arrivals.Add(results[i], 0, args.output_gradients[i]);
  }
  RETURN_IF_ERROR(Sweep(args.graph, order, Active(order, sources, &inputs), &inputs, arrivals));
  std::vector<Ref> gradients;
  RefSet given;  // an input that occurs twice has its whole gradient at its first place
  for (Ref input : node->inputs()) {
    gradients.push_back(given.insert(input).second ? arrivals.FindOne(input) : nullptr);
  }
  return gradients;
}

absl::StatusOr<std::vector<Ref>> InputGradients(const GradientArgs& args, const RefSet& wanted) {
  const OpRow& row = args.node->op();
  if (row.gradient != nullptr) return row.gradient(args);
  if ((row.traits & ir::kNoGradient) != 0) return std::vector<Ref>(args.node->inputs().size());
  if (row.expand != nullptr) return ThroughExpansion(args, wanted);
  return InvalidArgument("gradient: ", row.name, " has no gradient; detach what depends on it");
}

// Carries what has arrived at a node on to its inputs.
absl::Status CarryOn(Graph& graph, Ref node, const RefSet& active, Arrivals& arrivals) {
  const std::vector<Ref> outputs = *arrivals.Find(node);
  if (node->is("get")) {
    arrivals.Add(node->input(0), static_cast<int>(node->attr<int64_t>("index")), outputs[0]);
    return absl::OkStatus();
  }
  const auto wanted = [&](Ref input) { return active.contains(input); };
  if (absl::c_none_of(node->inputs(), wanted)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Ref> gradients,
                   InputGradients({graph, node, outputs}, active));
  TENSORD_CHECK(gradients.size() == node->inputs().size(), node->op().name, " gives ",
                gradients.size(), " gradients");
  for (size_t i = 0; i < gradients.size(); ++i) {
    const Ref input = node->input(static_cast<int>(i));
    if (gradients[i] == nullptr || !wanted(input)) continue;
    TENSORD_CHECK(gradients[i]->dims() == input->dims(), node->op().name, " gradient ", i, " is ",
                  gradients[i]->type().ToString(), " for ", input->type().ToString());
    arrivals.Add(input, 0, gradients[i]);
  }
  return absl::OkStatus();
}

// From the results back, through active nodes that are not in `closed`.
absl::Status Sweep(Graph& graph, absl::Span<const Ref> order, const RefSet& active,
                   const RefSet* closed, Arrivals& arrivals) {
  for (size_t i = order.size(); i-- > 0;) {
    const Ref node = order[i];
    if (!active.contains(node) || arrivals.Find(node) == nullptr) continue;
    if (closed != nullptr && closed->contains(node)) continue;
    RETURN_IF_ERROR(CarryOn(graph, node, active, arrivals));
  }
  return absl::OkStatus();
}

absl::Status CheckFloat(const char* what, Ref node) {
  if (node->results() == 1 && types::IsFloat(node->dtype())) return absl::OkStatus();
  return InvalidArgument("gradient: ", what, " is ",
                         node->results() == 1 ? node->type().ToString() : "a tuple", " (",
                         node->op().name, "), expected a float tensor");
}

absl::StatusOr<Ref> SeedFor(Graph& graph, Ref target, Ref seed) {
  if (seed == nullptr) {
    if (target->type().elements() == types::Sym(1)) return ConstantLike(graph, target, 1);
    return InvalidArgument("gradient: target ", target->type().ToString(),
                           " has more than one element; reduce it or give a seed");
  }
  if (seed->results() == 1 && seed->type() == target->type()) return seed;
  return InvalidArgument("gradient: seed is ", seed->type().ToString(), ", target is ",
                         target->type().ToString(), "; they must be equal");
}

}  // namespace

absl::StatusOr<std::vector<Ref>> Gradient(Graph& graph, Ref target, absl::Span<const Ref> wrt,
                                          Ref seed, const RefSet* leaves) {
  RETURN_IF_ERROR(CheckFloat("target", target));
  for (Ref x : wrt) RETURN_IF_ERROR(CheckFloat("an input", x));
  ASSIGN_OR_RETURN(seed, SeedFor(graph, target, seed));
  const std::vector<Ref> order = ir::TopologicalOrder(absl::MakeConstSpan(&target, 1), leaves);
  const RefSet sources(wrt.begin(), wrt.end());
  Arrivals arrivals(graph);
  arrivals.Add(target, 0, seed);
  RETURN_IF_ERROR(Sweep(graph, order, Active(order, sources, leaves), leaves, arrivals));
  std::vector<Ref> gradients;
  for (Ref x : wrt) {
    const Ref gradient = arrivals.FindOne(x);
    gradients.push_back(gradient == nullptr ? ZerosLike(graph, x) : gradient);
  }
  return gradients;
}

}  // namespace tensord::ops
