#include "engine/schedule/params.h"

#include <algorithm>

namespace tensord::schedule {
namespace {

std::vector<Ref> Roots(const LoopKernel& kernel) {
  std::vector<Ref> roots = OutputValues(kernel);
  const std::vector<Ref> scattered = ScatterValues(kernel);
  roots.insert(roots.end(), scattered.begin(), scattered.end());
  return roots;
}

}  // namespace

std::vector<Ref> LoadsOf(absl::Span<const Ref> values, int param) {
  std::vector<Ref> loads;
  for (Ref node : ir::TopologicalOrder(values)) {
    if (node->is("load") && node->attr<int64_t>("param") == param) loads.push_back(node);
  }
  return loads;
}

std::vector<Ref> OutputValues(const LoopKernel& kernel) {
  std::vector<Ref> values;
  for (const Output& output : kernel.outputs) values.push_back(output.value);
  return values;
}

std::vector<Ref> ScatterValues(const LoopKernel& kernel) {
  std::vector<Ref> values;
  for (const Scatter& scatter : kernel.scatters) {
    values.push_back(scatter.position);
    values.push_back(scatter.update);
  }
  return values;
}

void RenumberParams(LoopKernel& kernel, const std::vector<int>& to) {
  absl::flat_hash_map<Ref, Ref> moved;
  for (Ref node : ir::TopologicalOrder(Roots(kernel))) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    std::vector<ir::AttrValue> attrs(node->attrs().begin(), node->attrs().end());
    if (node->is("load")) attrs[0] = int64_t{to[static_cast<size_t>(std::get<int64_t>(attrs[0]))]};
    moved[node] = kernel.graph->Intern(node->op(), inputs, attrs, node->type());
  }
  for (Output& output : kernel.outputs) {
    output.value = moved.at(output.value);
    output.param = to[static_cast<size_t>(output.param)];
  }
  for (Scatter& scatter : kernel.scatters) {
    scatter.position = moved.at(scatter.position);
    scatter.update = moved.at(scatter.update);
    scatter.param = to[static_cast<size_t>(scatter.param)];
  }
}

void DropUnusedParams(LoopKernel& kernel, std::vector<int>& values) {
  std::vector<bool> used(kernel.params.size(), false);
  for (Ref node : ir::TopologicalOrder(Roots(kernel))) {
    if (node->is("load")) used[static_cast<size_t>(node->attr<int64_t>("param"))] = true;
  }
  for (const Output& output : kernel.outputs) used[static_cast<size_t>(output.param)] = true;
  for (const Scatter& scatter : kernel.scatters) used[static_cast<size_t>(scatter.param)] = true;
  std::vector<int> to(kernel.params.size(), -1);
  std::vector<Param> params;
  std::vector<int> kept;
  for (size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    to[i] = static_cast<int>(params.size());
    params.push_back(kernel.params[i]);
    kept.push_back(values[i]);
  }
  RenumberParams(kernel, to);
  kernel.params = std::move(params);
  values = std::move(kept);
}

}  // namespace tensord::schedule
