// Folds that stay inside another fold's body: the scores of an attention.
#pragma once

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "engine/ir/node.h"
#include "engine/schedule/contraction.h"

namespace tensord::schedule {

struct NestedFolds {
  // Contractions computed inside the folds that read them, and the axis of the product for vectors:
  // the last of more than one element that is neither folded nor that of the maximum.
  absl::flat_hash_map<ir::Ref, int> scores;
  absl::flat_hash_set<ir::Ref> weights;   // exp(s - max of s) over such scores: never stored
  absl::flat_hash_set<ir::Ref> products;  // contractions of such weights with something else
};

// Attention: scores that only a maximum and exp(scores - maximum) read, weights that only sums
// along the same axis read, one of them a contraction. All of it becomes one kernel
// (merge_folds.h), and no matrix of scores is stored. Depends on the graph alone. `order`: inputs
// first.
NestedFolds FindNestedFolds(absl::Span<const ir::Ref> order, absl::Span<const ir::Ref> results,
                            Contractions& contractions);

}  // namespace tensord::schedule
