// Which values are stored in global memory, and why; everything else is computed where it is used.
#pragma once

#include <string>
#include <vector>

#include "engine/ir/node_map.h"
#include "engine/schedule/contraction.h"
#include "engine/schedule/nested_folds.h"
#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// The stored nodes, each with the reason, for dumps.
class Stages {
 public:
  bool contains(ir::Ref node) const { return reason_.at(node) != 0; }
  // REQUIRES: contains(node).
  const std::string& at(ir::Ref node) const { return reasons_[reason_.at(node) - 1]; }
  // Keeps the first reason given.
  void emplace(ir::Ref node, std::string reason) {
    uint32_t& place = reason_[node];
    if (place != 0) return;
    reasons_.push_back(std::move(reason));
    place = static_cast<uint32_t>(reasons_.size());
  }
  void erase(ir::Ref node) { reason_[node] = 0; }

 private:
  ir::NodeMap<uint32_t> reason_;  // 1 + place in reasons_; 0: not stored
  std::vector<std::string> reasons_;
};

// Nodes that are memory already or must become it: parameters, results, copies, scatters,
// contiguous. Adds those whose recomputation would cost more than a round trip through memory.
// `forced` holds nodes that kernels could not inline; `nested` are folds that stay inside others.
// Depends on the graph alone, never on the machine.
Stages ChooseStages(absl::Span<const ir::Ref> order, absl::Span<const ir::Ref> results,
                    const Stages& forced, const NestedFolds& nested, const Options& options,
                    Contractions& contractions);

// The stored node behind a result or a kernel's input when only reshapes (and identities) lie
// between: the same elements in the same order.
ir::Ref StripAliases(ir::Ref node, const Stages& stages);

}  // namespace tensord::schedule
