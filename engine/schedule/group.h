// Stored nodes that one kernel computes together.
#pragma once

#include <vector>

#include "engine/schedule/fuse.h"

namespace tensord::schedule {

struct Group {
  std::vector<ir::Ref> roots;  // stored nodes, producers first; all of the same dims
  std::vector<ir::Ref> reads;  // stored nodes of other groups, each once
  int level = 0;               // longest chain of groups below
};

// Groups in an order that respects data dependence. Nodes of the same dims share a kernel when one
// reads another element by element, when they read the same values, or when all are elementwise;
// never when that would make a cycle. Values without elements are in none. Depends on the graph
// alone.
std::vector<Group> GroupKernels(absl::Span<const ir::Ref> order, const Stages& stages,
                                const Options& options, Contractions& contractions);

}  // namespace tensord::schedule
