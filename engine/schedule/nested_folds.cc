#include "engine/schedule/nested_folds.h"

#include <algorithm>
#include <optional>

#include "engine/schedule/movement.h"

namespace tensord::schedule {
namespace {

using ir::Ref;
using ir::ScalarOp;

bool IsReduce(Ref node, std::string_view monoid) {
  return node->is("reduce") && node->attr<std::string>("monoid") == monoid;
}

// Below movement that keeps every element.
Ref Moved(Ref node) {
  while ((IsMovement(node) && !node->is("pad") && !node->is("dilate")) || node->is("detach")) {
    node = node->input(0);
  }
  return node;
}

// weights = exp(scores - max), and what they are made of.
struct Weights {
  Ref weights = nullptr, scores = nullptr, max = nullptr;
};
std::optional<Weights> AsWeights(Ref node) {
  if (!node->is(ScalarOp::kExp) || !node->input(0)->is(ScalarOp::kSub)) return std::nullopt;
  Ref scores = node->input(0)->input(0), max = Moved(node->input(0)->input(1));
  if (!IsReduce(max, "max") || max->input(0) != scores) return std::nullopt;
  return max->attr<ir::Ints>("axes").size() == 1 ? std::optional<Weights>({node, scores, max})
                                                 : std::nullopt;
}

// The one contraction below elementwise work of the same shape, if there is exactly one.
Ref ContractionBelow(Ref scores, Contractions& contractions) {
  Ref found = nullptr;
  std::vector<Ref> todo = {scores};
  absl::flat_hash_set<Ref> seen;
  while (!todo.empty()) {
    Ref node = todo.back();
    todo.pop_back();
    if (!seen.insert(node).second) continue;
    if (node->op().scalar.has_value()) {
      todo.insert(todo.end(), node->inputs().begin(), node->inputs().end());
    }
    if (!node->is("reduce")) continue;
    if (found != nullptr || node->dims() != scores->dims() || contractions.Of(node) == nullptr)
      return nullptr;
    found = node;
  }
  return found;
}

class Finder {
 public:
  Finder(absl::Span<const Ref> order, absl::Span<const Ref> results, Contractions& contractions)
      : contractions_(contractions), results_(results.begin(), results.end()) {
    for (Ref node : order) {
      for (Ref input : node->inputs()) readers_[input].push_back(node);
    }
  }

  void Visit(Ref product) {
    if (!IsReduce(product, "sum") || !product->input(0)->is(ScalarOp::kMul)) return;
    for (Ref operand : product->input(0)->inputs()) {
      const std::optional<Weights> weights = AsWeights(Moved(operand));
      if (!weights.has_value() || contractions_.Of(product) == nullptr) continue;
      Ref scores = ContractionBelow(weights->scores, contractions_);
      if (scores == nullptr || !ReadAsAttention(scores, *weights)) continue;
      const int axis = QueryAxis(scores, *weights);
      if (axis < 0) continue;
      found_.scores.emplace(scores, axis);
      found_.weights.insert(weights->weights);
      found_.products.insert(product);
    }
  }

  NestedFolds Finish() { return std::move(found_); }

 private:
  // Whether everything between the scores and the next folds is elementwise or movement, and those
  // folds are the maximum and sums of the weights.
  bool ReadAsAttention(Ref scores, const Weights& weights) const {
    std::vector<Ref> todo = {scores};
    absl::flat_hash_set<Ref> seen;
    while (!todo.empty()) {
      Ref node = todo.back();
      todo.pop_back();
      if (!seen.insert(node).second) continue;
      auto it = readers_.find(node);
      if (results_.contains(node) || it == readers_.end()) return false;
      for (Ref reader : it->second) {
        if (reader == weights.max) continue;
        if (IsReduce(reader, "sum")) {
          if (!SumsWeights(reader, weights)) return false;
        } else if (!reader->op().scalar.has_value() && Moved(reader) == reader) {
          return false;
        } else {
          todo.push_back(reader);
        }
      }
    }
    return true;
  }

  static bool SumsWeights(Ref sum, const Weights& weights) {
    if (sum->attr<ir::Ints>("axes").size() != 1) return false;
    Ref body = sum->input(0);
    if (body == weights.weights) return true;
    return body->is(ScalarOp::kMul) &&
           (Moved(body->input(0)) == weights.weights || Moved(body->input(1)) == weights.weights);
  }

  static int QueryAxis(Ref scores, const Weights& weights) {
    const int64_t max_axis = weights.max->attr<ir::Ints>("axes")[0];
    const auto& folded = scores->attr<ir::Ints>("axes");
    int axis = -1;
    int64_t kept = 0;
    for (int i = 0; i < scores->input(0)->rank(); ++i) {
      if (std::find(folded.begin(), folded.end(), i) != folded.end()) continue;
      if (kept != max_axis && scores->dims()[kept].max() > 1) axis = i;
      ++kept;
    }
    return axis;
  }

  Contractions& contractions_;
  absl::flat_hash_set<Ref> results_;
  absl::flat_hash_map<Ref, std::vector<Ref>> readers_;
  NestedFolds found_;
};

}  // namespace

NestedFolds FindNestedFolds(absl::Span<const Ref> order, absl::Span<const Ref> results,
                            Contractions& contractions) {
  Finder finder(order, results, contractions);
  for (Ref node : order) finder.Visit(node);
  return finder.Finish();
}

}  // namespace tensord::schedule
