#include "engine/schedule/fuse.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/schedule/movement.h"
#include "engine/schedule/operand.h"

namespace tensord::schedule {
namespace {

using ir::Ref;

// Scalar operations that are always cheaper to repeat than to store and load again.
constexpr double kCheapCost = 6;
constexpr double kFoldCost = 1e6;
constexpr int kMaxDepth = 200;

bool IsSource(Ref node) {
  return node->is("param") || node->is("const") || node->is("iota") || node->is("dim_value");
}
bool MustStore(Ref node) {
  return node->is("param") || node->is("copy") || node->is("scatter") || node->is("contiguous");
}
bool IsCompute(Ref node) {
  return node->op().scalar.has_value() || node->is("reduce") || node->is("gather");
}

double OwnCost(Ref node) {
  if (node->is("reduce")) return kFoldCost;
  if (node->is("gather")) return 3;
  if (!node->op().scalar.has_value()) return 0;
  if (*node->op().scalar == ir::ScalarOp::kCast) return 0.5;
  return ir::Row(*node->op().scalar).traits & ir::kTranscendental ? 12 : 1;
}

// How many times more often an element of the input is read through `movement` than it exists.
double Repeats(Ref movement) {
  if (!movement->is("window")) return 1;  // a broadcast is hoisted or caught by the kernel builder
  const double in = static_cast<double>(movement->input(0)->type().elements().max());
  return std::max(1.0, static_cast<double>(movement->type().elements().max()) / std::max(in, 1.0));
}

// What a consumer of a node means for it.
struct Use {
  Ref kernels[2] = {};  // stored nodes whose kernels would compute it; at most two are kept
  double repeats = 1;   // times an element would be computed
};

class Fuser {
 public:
  Fuser(absl::Span<const Ref> order, const Stages& forced, const NestedFolds& nested,
        const Options& options, Contractions& contractions)
      : order_(order),
        nested_(nested),
        options_(options),
        contractions_(contractions),
        stages_(forced) {}

  Stages Run(absl::Span<const Ref> results, const Stages& forced) {
    for (Ref node : order_) {
      if (MustStore(node)) stages_.emplace(node, std::string(node->op().name));
      if (node->is("copy")) StoreBase(node->input(0), "copied");
      if (node->is("gather")) StoreExpensive(node->input(0), "gathered");
      if (node->is("scatter")) StoreAttention(node->inputs());
      if (node->is("reduce")) StoreContractionOperands(node);
    }
    for (Ref result : results) StoreResult(result);
    for (Ref node : order_) cost_[node] = InlinedCost(node);
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) Decide(*it);
    LimitSize();
    Reconsider(forced, results);
    return std::move(stages_);
  }

 private:
  bool Stored(Ref node) const { return stages_.contains(node); }
  void Store(Ref node, std::string reason) { stages_.emplace(node, std::move(reason)); }

  void StoreBase(Ref node, const char* reason) {
    Ref base = StripAliases(node, stages_);
    if (!Stored(base)) Store(node, reason);
  }
  // Below movement: gathering reads any element any number of times.
  void StoreExpensive(Ref node, const char* reason) {
    Ref base = StripMovement(node);
    if (IsCompute(base)) Store(base, reason);
  }
  // A scatter's kernel merges no folds: attention below it has a kernel of its own.
  void StoreAttention(absl::Span<const Ref> inputs) {
    if (nested_.products.empty()) return;
    const auto product = [&](Ref node) { return nested_.products.contains(node); };
    for (Ref input : inputs) {
      std::vector<Ref> cone = {input};
      absl::flat_hash_set<Ref> seen = {input};
      for (size_t i = 0; i < cone.size(); ++i) {
        if (Stored(cone[i]) || product(cone[i])) continue;
        for (Ref below : cone[i]->inputs()) {
          if (seen.insert(below).second) cone.push_back(below);
        }
      }
      if (std::any_of(cone.begin(), cone.end(), product)) StoreExpensive(input, "scattered");
    }
  }
  void StoreResult(Ref result) {
    Ref base = StripAliases(result, stages_);
    if (!Stored(base)) Store(base, "result");
  }
  // Each element is read as often as the other operand is wide: anything dearer than a load, or
  // under a mask by which loops are not split, is stored first.
  void StoreContractionOperands(Ref reduce) {
    const Contraction* contraction = contractions_.Of(reduce);
    if (contraction == nullptr) return;
    for (int i : {0, 1}) {
      Ref at = contraction->operands[i];
      while (!Stored(at) && (IsMovement(at) || at->is("detach") || at->is(ir::ScalarOp::kCast))) {
        if (at->is("pad") || (at->is("dilate") && Trace(*contraction, i).base == at)) break;
        at = at->input(0);
      }
      if (nested_.weights.contains(at)) continue;
      if (at->is("pad") || at->is("dilate")) {
        Store(at, "contraction operand under a mask");
      } else if (IsCompute(at)) {
        Store(at, "contraction operand");
      }
    }
  }

  // Cost of computing one element where it is used, as if nothing under it were stored beyond what
  // is now; shared parts count each time.
  double InlinedCost(Ref node) const {
    if (Stored(node) || IsSource(node)) return 0;
    double cost = OwnCost(node);
    for (Ref input : node->inputs()) cost += cost_.at(input);
    return std::min(cost, 1e12);
  }

  void AddUse(Ref input, const Use& use) {
    Use& into = uses_[input];
    into.repeats = std::max(into.repeats, use.repeats);
    for (Ref kernel : use.kernels) {
      if (kernel == nullptr || kernel == into.kernels[0]) continue;
      Ref& place = into.kernels[into.kernels[0] == nullptr ? 0 : 1];
      if (place == nullptr) place = kernel;
    }
  }

  // Consumers come first: whether this node is stored, and what that means for its inputs.
  void Decide(Ref node) {
    Use use = uses_[node];
    const bool nested = nested_.weights.contains(node) || nested_.scores.contains(node);
    if (!Stored(node) && IsCompute(node) && !nested) DecideCompute(node, use);
    if (Stored(node)) use = Use{{node, nullptr}, 1};
    if (IsMovement(node)) use.repeats *= Repeats(node);
    for (Ref input : node->inputs()) AddUse(input, use);
  }

  void DecideCompute(Ref node, const Use& use) {
    const bool cheap = cost_.at(node) <= kCheapCost;
    if (use.kernels[1] != nullptr && !cheap) {
      Store(node, "several kernels");
    } else if (use.repeats > 1.01 && !cheap) {
      Store(node, StrCat("recomputed ", use.repeats, " times"));
    }
  }

  // Bounds the expression of every kernel: nesting, and distinct stored inputs.
  void LimitSize() {
    ir::NodeMap<uint32_t> place;  // in order_
    std::vector<int> depth(order_.size());
    std::vector<absl::InlinedVector<Ref, 4>> leaves(order_.size());
    for (size_t i = 0; i < order_.size(); ++i) {
      Ref node = order_[i];
      place[node] = static_cast<uint32_t>(i);
      int deepest = 0;
      absl::InlinedVector<Ref, 4> reads;
      for (Ref input : node->inputs()) {
        deepest = std::max(deepest, Stored(input) ? 0 : depth[place.at(input)]);
        if (Stored(input)) {
          reads.push_back(input);
        } else {
          const auto& below = leaves[place.at(input)];
          reads.insert(reads.end(), below.begin(), below.end());
        }
      }
      std::sort(reads.begin(), reads.end());
      reads.erase(std::unique(reads.begin(), reads.end()), reads.end());
      depth[i] = deepest + 1;
      leaves[i] = std::move(reads);
      if (Stored(node) || IsSource(node)) continue;
      const bool wide = static_cast<int>(leaves[i].size()) > options_.max_kernel_params - 8;
      if (depth[i] > kMaxDepth || wide) Store(node, wide ? "many inputs" : "deep");
    }
  }

  // Takes back what turned out cheap: few operations on one stored value.
  void Reconsider(const Stages& forced, absl::Span<const Ref> results) {
    absl::flat_hash_set<Ref> keep;
    for (Ref result : results) keep.insert(StripAliases(result, stages_));
    for (Ref node : order_) {
      const bool candidate = Stored(node) && stages_.at(node) == "several kernels" &&
                             !keep.contains(node) && !forced.contains(node);
      if (candidate && CheapAboveOneLoad(node)) stages_.erase(node);
    }
  }

  bool CheapAboveOneLoad(Ref node) const {
    double cost = 0;
    absl::flat_hash_set<Ref> loads;
    std::vector<Ref> todo = {node};
    while (!todo.empty()) {
      Ref at = todo.back();
      todo.pop_back();
      cost += OwnCost(at);
      for (Ref input : at->inputs()) {
        if (Stored(input)) {
          loads.insert(input);
        } else if (!IsSource(input)) {
          todo.push_back(input);
        }
      }
      if (cost > kCheapCost || loads.size() > 1) return false;
    }
    return true;
  }

  absl::Span<const Ref> order_;
  const NestedFolds& nested_;
  const Options& options_;
  Contractions& contractions_;
  Stages stages_;
  ir::NodeMap<double> cost_;
  ir::NodeMap<Use> uses_;
};

}  // namespace

Ref StripAliases(Ref node, const Stages& stages) {
  while (!stages.contains(node)) {
    const bool alias = node->is("reshape") || node->is("detach") || node->is("contiguous");
    if (!alias) break;
    node = node->input(0);
  }
  return node;
}

Stages ChooseStages(absl::Span<const Ref> order, absl::Span<const Ref> results,
                    const Stages& forced, const NestedFolds& nested, const Options& options,
                    Contractions& contractions) {
  return Fuser(order, forced, nested, options, contractions).Run(results, forced);
}

}  // namespace tensord::schedule
