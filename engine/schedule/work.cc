#include "engine/schedule/work.h"

#include <algorithm>
#include <set>

#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using types::Dims;

double Extent(const Sym& extent) { return static_cast<double>(std::max<int64_t>(extent.max(), 0)); }

// Variables that a node's value changes with. Fold ranges are bound inside their fold.
using Names = std::set<std::string>;

Names NamesOf(Ref node, const absl::flat_hash_map<Ref, Names>& known) {
  Names names;
  const auto add = [&](const Sym& sym) {
    for (const Sym::VariableInfo& v : sym.Variables()) names.insert(v.name);
  };
  for (const ir::AttrValue& attr : node->attrs()) {
    if (const auto* sym = std::get_if<Sym>(&attr)) add(*sym);
    if (const auto* mask = std::get_if<Mask>(&attr)) {
      for (const types::Bound& bound : mask->bounds()) add(bound.expr);
    }
  }
  for (Ref input : node->inputs()) names.insert(known.at(input).begin(), known.at(input).end());
  if (IsFold(node)) {
    for (size_t i = 0; i < FoldExtents(node).size(); ++i)
      names.erase(FoldName(FirstRange(node) + static_cast<int>(i)));
  }
  return names;
}

double Points(const LoopKernel& kernel, const Names& names) {
  double points = 1;
  for (const Range& range : kernel.grid)
    points *= names.contains(range.name) ? Extent(range.extent) : 1;
  return points;
}

double FoldPoints(Ref fold) {
  double points = 1;
  for (const Sym& extent : FoldExtents(fold)) points *= Extent(extent);
  return points;
}

bool InFold(const Names& names) {
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return FoldRangeOf(name) >= 0; });
}

// Scalar operations of a fold itself: one for an element; an online fold also computes the weight,
// for each point of its maximum, and multiplies.
double FoldOperations(const LoopKernel& kernel, Ref fold,
                      const absl::flat_hash_map<Ref, Names>& names) {
  const double points = Points(kernel, names.at(fold));
  if (&fold->op() == &FoldOp()) return FoldPoints(fold) * points;
  const double weights = 2 * Points(kernel, names.at(fold->input(2)));
  return FoldPoints(fold) * (weights + points * (fold->input(1)->is("const") ? 1 : 2));
}

}  // namespace

double KernelOperations(const LoopKernel& kernel) {
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  const std::vector<Ref> order = ir::TopologicalOrder(roots);
  absl::flat_hash_map<Ref, Names> names;
  absl::flat_hash_map<Ref, double> inside;  // points of the enclosing fold's ranges
  for (Ref node : order) names[node] = NamesOf(node, names);
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const double points = std::max(1.0, inside[*it]) * (IsFold(*it) ? FoldPoints(*it) : 1);
    for (Ref input : (*it)->inputs()) {
      if (InFold(names[input])) inside[input] = std::max(inside[input], points);
    }
  }
  double total = 0;
  for (Ref node : order) {
    if (IsFold(node)) total += FoldOperations(kernel, node, names) * std::max(1.0, inside[node]);
    if (node->op().scalar.has_value()) {
      total += Points(kernel, names[node]) * std::max(1.0, inside[node]);
    }
  }
  return total;
}

double GraphOperations(absl::Span<const Ref> graph) {
  double total = 0;
  for (Ref node : graph) {
    if (node->op().scalar.has_value()) total += Extent(node->type().elements());
    if (node->is("reduce")) total += Extent(node->input(0)->type().elements());
  }
  return total;
}

}  // namespace tensord::schedule
