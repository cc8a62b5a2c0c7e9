#include <algorithm>

#include "engine/base/strings.h"
#include "engine/schedule/kernel_builder.h"

namespace tensord::schedule {
namespace {

using ir::AttrValue;
using ir::Ref;

int Divisions(const Sym& sym) {
  if (sym.is_polynomial()) return 0;
  const Sym::Cost cost = sym.CountOperators();
  return cost.divs + cost.mods;
}

// Every index expression of the kernel, as one list.
std::vector<Sym> Indices(const LoopKernel& kernel, absl::Span<const Ref> order) {
  std::vector<Sym> all;
  for (const Output& output : kernel.outputs) all.push_back(output.index);
  for (Ref node : order) {
    for (const AttrValue& attr : node->attrs()) {
      if (const auto* sym = std::get_if<Sym>(&attr)) all.push_back(*sym);
      if (const auto* mask = std::get_if<Mask>(&attr)) {
        for (const types::Bound& bound : mask->bounds()) all.push_back(bound.expr);
      }
    }
  }
  return all;
}

AttrValue SubstituteAttr(const AttrValue& attr, const Sym::Substitution& with) {
  if (const auto* sym = std::get_if<Sym>(&attr)) return sym->Substitute(with);
  if (const auto* mask = std::get_if<Mask>(&attr)) return mask->Substitute(with);
  return attr;
}

}  // namespace

void SubstituteGrid(LoopKernel& kernel, const Sym::Substitution& with) {
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  absl::flat_hash_map<Ref, Ref> moved;
  for (Ref node : ir::TopologicalOrder(roots)) {
    std::vector<Ref> inputs;
    std::vector<AttrValue> attrs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    for (const AttrValue& attr : node->attrs()) attrs.push_back(SubstituteAttr(attr, with));
    Ref copy = kernel.graph->Intern(node->op(), inputs, attrs, node->type());
    moved[node] = copy;
  }
  for (Output& output : kernel.outputs) {
    output.index = output.index.Substitute(with);
    output.mask = output.mask.Substitute(with);
    output.value = moved.at(output.value);
  }
}

void MergeGrid(LoopKernel& kernel) {
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  const std::vector<Ref> order = ir::TopologicalOrder(roots);
  std::vector<Sym> indices = Indices(kernel, order);
  Sym::Substitution total;
  for (size_t i = kernel.grid.size(); i-- > 1;) {
    const Range &outer = kernel.grid[i - 1], &inner = kernel.grid[i];
    if (!outer.extent.is_constant() || !inner.extent.is_constant()) continue;
    const Range merged{outer.name, outer.extent * inner.extent};
    const Sym m = merged.variable();
    const Sym::Substitution with = {{outer.name, types::FloorDiv(m, inner.extent)},
                                    {inner.name, types::Mod(m, inner.extent)}};
    std::vector<Sym> tried;
    int before = 0, after = 0;
    for (const Sym& index : indices) {
      const bool stays = !index.DependsOn(outer.name) && !index.DependsOn(inner.name);
      tried.push_back(stays ? index : index.Substitute(with));
      if (stays) continue;
      before += Divisions(index);
      after += Divisions(tried.back());
    }
    if (after > before) continue;
    indices = std::move(tried);
    for (auto& [name, value] : total) value = value.Substitute(with);
    for (const auto& [name, value] : with) total.emplace(name, value);
    kernel.grid[i - 1] = merged;
    kernel.grid.erase(kernel.grid.begin() + static_cast<int64_t>(i));
  }
  if (!total.empty()) SubstituteGrid(kernel, total);
}

}  // namespace tensord::schedule
