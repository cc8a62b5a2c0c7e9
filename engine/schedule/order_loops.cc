#include <algorithm>
#include <set>

#include "engine/base/strings.h"
#include "engine/schedule/kernel_builder.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using types::Dims;

using Names = std::set<std::string>;

void AddGridNames(const Sym& sym, Names& names) {
  for (const Sym::VariableInfo& variable : sym.Variables()) {
    if (IsGridName(variable.name)) names.insert(variable.name);
  }
}

Names OwnNames(Ref node) {
  Names names;
  for (const ir::AttrValue& attr : node->attrs()) {
    if (const auto* sym = std::get_if<Sym>(&attr)) AddGridNames(*sym, names);
    if (const auto* mask = std::get_if<Mask>(&attr)) {
      for (const types::Bound& bound : mask->bounds()) AddGridNames(bound.expr, names);
    }
  }
  return names;
}

std::vector<Ref> Roots(const LoopKernel& kernel) {
  std::vector<Ref> roots;
  for (const Output& output : kernel.outputs) roots.push_back(output.value);
  return roots;
}

double FoldWork(Ref fold) {
  double work = 1;
  for (const Sym& extent : FoldExtents(fold)) work *= static_cast<double>(extent.max());
  return work;
}

// A fold, or a transcendental function, of only some of the grid ranges.
struct Partial {
  Ref node;
  Names names;
  double work;  // scalar operations at one point
};

std::vector<Partial> FindPartials(const LoopKernel& kernel) {
  absl::flat_hash_map<Ref, Names> names;
  std::vector<Partial> partials;
  for (Ref node : ir::TopologicalOrder(Roots(kernel))) {
    Names& mine = names[node];
    mine = OwnNames(node);
    for (Ref input : node->inputs()) mine.insert(names[input].begin(), names[input].end());
    const bool costly =
        node->op().scalar.has_value() && (ir::Row(*node->op().scalar).traits & ir::kTranscendental);
    if (!IsFold(node) && !costly) continue;
    bool all = true;
    for (const Range& range : kernel.grid) {
      all = all && (range.extent == Sym(1) || mine.contains(range.name));
    }
    if (!all) partials.push_back({node, mine, IsFold(node) ? FoldWork(node) : 12});
  }
  return partials;
}

double Extent(const Range& range) {
  return static_cast<double>(std::max<int64_t>(range.extent.max(), 1));
}

// Ranges that most partials depend on run outermost.
void SortGrid(LoopKernel& kernel, const std::vector<Partial>& partials) {
  absl::flat_hash_map<std::string, double> weight;
  for (const Partial& partial : partials) {
    if (!IsFold(partial.node)) continue;
    for (const std::string& name : partial.names) weight[name] += 1;
  }
  std::stable_sort(kernel.grid.begin(), kernel.grid.end(),
                   [&](const Range& a, const Range& b) { return weight[a.name] > weight[b.name]; });
}

// A contraction's tile fills the registers: it takes elementwise work on its result, but no other
// fold, and no range that it does not depend on. (An online fold has its maximum beside it, and
// keeps its sums in memory if it must.)
std::optional<Conflict> CrowdedContraction(const LoopKernel& kernel,
                                           const std::function<Ref(Ref)>& origin,
                                           const std::function<bool(Ref)>& is_contraction,
                                           const std::vector<Partial>& partials) {
  std::vector<Ref> folds;
  for (Ref node : ir::TopologicalOrder(Roots(kernel))) {
    if (IsFold(node)) folds.push_back(node);
  }
  for (Ref fold : folds) {
    if (&fold->op() == &OnlineFoldOp() || FirstRange(fold) > 0) continue;
    Ref node = origin(fold);
    if (node == nullptr || !is_contraction(node)) continue;
    const bool partial = std::any_of(partials.begin(), partials.end(),
                                     [&](const Partial& p) { return p.node == fold; });
    if (folds.size() > 1 || partial)
      return Conflict{node, "contraction beside other folds or ranges"};
  }
  return std::nullopt;
}

}  // namespace

std::vector<std::string> GridDependencies(Ref root) {
  Names names;
  const Ref roots[] = {root};
  for (Ref node : ir::TopologicalOrder(roots)) {
    const Names own = OwnNames(node);
    names.insert(own.begin(), own.end());
  }
  return {names.begin(), names.end()};
}

std::optional<Conflict> OrderLoops(LoopKernel& kernel, const std::function<Ref(Ref)>& origin,
                                   const std::function<bool(Ref)>& is_contraction) {
  // A fold smaller than this may run while other cores wait; more repeats than this are waste.
  constexpr double kSerialWork = 16384, kMaxRepeats = 1.5, kFewPoints = 16;
  const std::vector<Partial> partials = FindPartials(kernel);
  if (auto crowded = CrowdedContraction(kernel, origin, is_contraction, partials)) return crowded;
  SortGrid(kernel, partials);
  for (const Partial& partial : partials) {
    double points = 1, repeats = 1, outside = 1;
    for (const Range& range : kernel.grid) {
      outside *= partial.names.contains(range.name) ? 1 : Extent(range);
      if (!partial.names.contains(range.name)) continue;
      points *= Extent(range);
      repeats = std::max(repeats, outside);
    }
    if (partial.names.empty()) repeats = 1;
    Ref node = origin(partial.node);
    if (node == nullptr) continue;
    const bool fold = IsFold(partial.node);
    if (repeats > (fold ? kMaxRepeats : 4)) {
      return Conflict{node, StrCat("computed ", repeats, " times over")};
    }
    if (fold && points < kFewPoints && points * partial.work > kSerialWork) {
      return Conflict{node, "too few points to spread its fold over cores"};
    }
  }
  return std::nullopt;
}

}  // namespace tensord::schedule
