#include "engine/schedule/kernel_builder.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/schedule/expression.h"
#include "engine/schedule/merge_folds.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using types::Dims;

Ref ShapeOf(Ref node) { return node->is("scatter") ? node->input(0) : node; }

std::vector<Range> GridOf(const Dims& dims) {
  std::vector<Range> grid;
  for (size_t i = 0; i < dims.size(); ++i) grid.push_back({GridName(static_cast<int>(i)), dims[i]});
  return grid;
}

std::string NameOf(const LoopKernel& kernel) {
  size_t folds = 0;
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  for (Ref node : ir::TopologicalOrder(roots)) folds += IsFold(node) ? 1 : 0;
  std::string name = !kernel.scatters.empty() ? "s" : folds > 0 ? "r" : "e";
  for (const Range& range : kernel.grid) StrAppend(&name, "_", range.extent.max());
  for (Ref node : ir::TopologicalOrder(roots)) {
    if (!IsFold(node)) continue;
    StrAppend(&name, "_k");
    for (const Sym& extent : FoldExtents(node)) StrAppend(&name, "_", extent.max());
    if (name.size() > 48) break;
  }
  return name;
}

void AddParams(LoopKernel& kernel, Ref node, bool written) {
  kernel.params.push_back({node->dtype(), node->type().elements(), written});
}

// The scatter's updates: every axis but the scattered one is a grid-like range of its own.
bool AddScatter(LoopKernel& kernel, ExpressionBuilder& builder, Ref node) {
  const int64_t axis = node->attr<int64_t>("axis");
  Ref base = node->input(0), index = node->input(1), updates = node->input(2);
  Scatter scatter;
  scatter.mode = node->attr<std::string>("mode");
  scatter.updates = {".u", updates->dims()[axis]};
  Access at;
  for (int i = 0; i < updates->rank(); ++i) {
    const Range range{StrCat(".s", i), updates->dims()[i]};
    at.coords.push_back(i == axis ? scatter.updates.variable() : range.variable());
    if (i != axis) scatter.ranges.push_back(range);
  }
  scatter.position = builder.Value(index, at);
  scatter.update = builder.Value(updates, at);
  if (scatter.position == nullptr || scatter.update == nullptr) return false;
  const Dims strides = types::RowMajorStrides(base->dims());
  scatter.extent = base->dims()[axis];
  scatter.stride = strides[axis];
  at.coords[axis] = 0;
  scatter.rest = Flatten(at.coords, base->dims());
  kernel.scatters.push_back(std::move(scatter));
  return true;
}

}  // namespace

std::variant<BuiltKernel, Conflict> BuildKernel(const Group& group, const Surroundings& around) {
  LoopKernel kernel;
  kernel.graph = std::make_shared<ir::Graph>();
  kernel.grid = GridOf(ShapeOf(group.roots[0])->dims());
  std::vector<Sym> point;
  for (const Range& range : kernel.grid) point.push_back(range.variable());
  absl::flat_hash_set<Ref> members(group.roots.begin(), group.roots.end());
  absl::flat_hash_map<int, Ref> node_of_value;
  const auto remember = [&](Ref node) {
    std::optional<int> value = around.value_of(node);
    if (value.has_value()) node_of_value[*value] = node;
    return value;
  };
  ExpressionBuilder builder(*kernel.graph, remember, around.is_contraction, around.is_nested,
                            members, point);
  for (Ref root : group.roots) {
    const bool scatter = root->is("scatter");
    Output output;
    output.index = Flatten(point, root->dims());
    output.value = scatter ? builder.Value(root->input(0), {point, {}}) : builder.Root(root);
    if (output.value != nullptr && scatter) AddScatter(kernel, builder, root);
    if (builder.conflict() != nullptr)
      return Conflict{builder.conflict(), builder.conflict_reason()};
    kernel.outputs.push_back(std::move(output));
  }
  for (int value : builder.reads()) AddParams(kernel, node_of_value.at(value), false);
  for (size_t i = 0; i < group.roots.size(); ++i) {
    kernel.outputs[i].param = static_cast<int>(kernel.params.size());
    AddParams(kernel, group.roots[i], true);
  }
  for (Scatter& scatter : kernel.scatters) scatter.param = kernel.outputs[0].param;
  absl::flat_hash_map<Ref, Ref> former;
  const auto origin = [&](Ref expression) {
    auto it = former.find(expression);
    return builder.Origin(it == former.end() ? expression : it->second);
  };
  if (kernel.scatters.empty()) {
    for (const auto& [from, to] : MergeFolds(kernel)) former[to] = from;
  }
  if (Ref fold = MisplacedFold(kernel); fold != nullptr) {
    return Conflict{origin(fold), "fold inside a fold"};
  }
  if (kernel.scatters.empty()) {
    auto conflict = OrderLoops(kernel, origin, around.is_contraction);
    if (conflict.has_value()) return *conflict;
    MergeGrid(kernel);
  }
  kernel.name = NameOf(kernel);
  return BuiltKernel{std::move(kernel), builder.reads()};
}

}  // namespace tensord::schedule
