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
  if (node->is("fold")) {
    for (size_t i = 0; i < node->attr<Dims>("extents").size(); ++i)
      names.erase(FoldName(static_cast<int>(i)));
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
  for (const Sym& extent : fold->attr<Dims>("extents")) points *= Extent(extent);
  return points;
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
    if ((*it)->is("fold")) {
      inside[(*it)->input(0)] = std::max(inside[(*it)->input(0)], FoldPoints(*it));
      continue;
    }
    for (Ref input : (*it)->inputs()) {
      if (!input->is("fold")) inside[input] = std::max(inside[input], inside[*it]);
    }
  }
  double total = 0;
  for (Ref node : order) {
    if (node->is("fold")) total += Points(kernel, names[node]) * FoldPoints(node);
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
