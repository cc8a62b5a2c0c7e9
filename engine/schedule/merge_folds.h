// Folds that depend on a maximum through exp(s - max) join the pass that finds the maximum.
#pragma once

#include "absl/container/flat_hash_map.h"
#include "engine/schedule/loop.h"

namespace tensord::schedule {

// Makes an online_fold of every sum of exp(s - m) or exp(s - m) * f over the ranges of a max fold m
// of the same s, where f holds no fold of its own, if that saves a pass worth saving: s itself
// holds a fold, or a row is longer than what a first-level cache holds. Depends on the kernel's
// expressions alone. Answers the node that stands for each former one, for those that changed.
absl::flat_hash_map<Ref, Ref> MergeFolds(LoopKernel& kernel);

// A fold inside a body that is not the scores of an online fold and its maximum, or nullptr: only
// there are nested folds computed. Call after MergeFolds.
Ref MisplacedFold(const LoopKernel& kernel);

}  // namespace tensord::schedule
