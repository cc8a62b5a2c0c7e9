#include "engine/schedule/kernel_table.h"

#include <algorithm>

#include "engine/ops/registry.h"
#include "engine/schedule/work.h"

namespace tensord::schedule {

// The copy of a group's part of the graph.
struct KernelTable::Shape {
  std::vector<Ref> order;  // the part, inputs first
  std::vector<Ref> reads;  // the stored nodes at its edge, in the order of their numbers
  absl::flat_hash_map<Ref, Ref> copies;
  absl::flat_hash_map<Ref, int> leaves;  // copy of a read -> its number
  Group group;                           // over the copies
  absl::flat_hash_set<Ref> contractions, nested;
  std::vector<Ref> key;  // copies: the roots, nullptr, the contractions, nullptr, the nested folds

  Ref OriginalOf(Ref copy) const {
    const auto at =
        std::find_if(order.begin(), order.end(), [&](Ref node) { return copies.at(node) == copy; });
    return at == order.end() ? nullptr : *at;
  }
};

KernelTable::Shape KernelTable::ShapeOf(const Group& group) {
  static const ir::OpRow& leaf = ops::Op("param");
  Shape shape;
  const absl::flat_hash_set<Ref> edge(group.reads.begin(), group.reads.end());
  shape.order = ir::TopologicalOrder(group.roots, &edge);
  shape.copies.reserve(shape.order.size());
  std::vector<Ref> inputs, contractions, nested;
  for (Ref node : shape.order) {
    if (edge.contains(node)) {
      const ir::AttrValue number[] = {static_cast<int64_t>(shape.reads.size())};
      Ref copy = shapes_.Intern(leaf, {}, number, node->type());
      shape.leaves.emplace(copy, static_cast<int>(shape.reads.size()));
      shape.reads.push_back(node);
      shape.copies.emplace(node, copy);
      continue;
    }
    inputs.clear();
    for (Ref input : node->inputs()) inputs.push_back(shape.copies.at(input));
    Ref copy = shapes_.Intern(node->op(), inputs, node->attrs(), node->type());
    shape.copies.emplace(node, copy);
    if (contractions_.Of(node) != nullptr) contractions.push_back(copy);
    if (nested_.scores.contains(node)) nested.push_back(copy);
  }
  for (Ref root : group.roots) shape.group.roots.push_back(shape.copies.at(root));
  shape.contractions.insert(contractions.begin(), contractions.end());
  shape.nested.insert(nested.begin(), nested.end());
  shape.key = shape.group.roots;
  shape.key.push_back(nullptr);
  shape.key.insert(shape.key.end(), contractions.begin(), contractions.end());
  shape.key.push_back(nullptr);
  shape.key.insert(shape.key.end(), nested.begin(), nested.end());
  return shape;
}

const std::variant<KernelTable::Built, Conflict>& KernelTable::Build(const Shape& shape) {
  auto& entry = built_[shape.key];
  if (entry != nullptr) return *entry;
  const absl::flat_hash_set<Ref> roots(shape.group.roots.begin(), shape.group.roots.end());
  Surroundings around;
  around.is_contraction = [&](Ref node) { return shape.contractions.contains(node); };
  around.is_nested = [&](Ref node) { return shape.nested.contains(node); };
  around.value_of = [&](Ref node) -> std::optional<int> {
    if (auto it = shape.leaves.find(node); it != shape.leaves.end()) return it->second;
    if (roots.contains(node)) return -1;  // inlined where it is read
    return std::nullopt;
  };
  auto built = BuildKernel(shape.group, around);
  std::variant<Built, Conflict> result;
  if (auto* conflict = std::get_if<Conflict>(&built)) {
    result = std::move(*conflict);
  } else {
    auto& kernel = std::get<BuiltKernel>(built);
    const double operations = KernelOperations(kernel.kernel);
    result = Built{std::move(kernel), operations};
  }
  entry = std::make_unique<const std::variant<Built, Conflict>>(std::move(result));
  return *entry;
}

KernelTable::Result KernelTable::Bind(const Group& group) {
  const Shape shape = ShapeOf(group);
  const std::variant<Built, Conflict>& found = Build(shape);
  if (const auto* conflict = std::get_if<Conflict>(&found)) {
    return Conflict{shape.OriginalOf(conflict->node), conflict->reason};
  }
  const Built& built = std::get<Built>(found);
  Bound bound{&built.kernel.kernel, {}, built.operations};
  for (int read : built.kernel.reads) bound.params.push_back(shape.reads[read]);
  bound.params.insert(bound.params.end(), group.roots.begin(), group.roots.end());
  return bound;
}

const KernelTable::Result& KernelTable::Find(const Group& group) {
  std::unique_ptr<Seen>& seen = seen_[group.roots[0]];
  const bool same =
      seen != nullptr && seen->group.roots == group.roots && seen->group.reads == group.reads;
  if (!same) seen = std::make_unique<Seen>(Seen{group, Bind(group)});
  return seen->result;
}

}  // namespace tensord::schedule
