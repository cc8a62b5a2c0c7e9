// Reverse-mode gradients on the graph itself: no tape, no second graph.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "engine/ir/node.h"

namespace tensord::ops {

// d(target)/d(each of `wrt`), in order. `seed` is the gradient of target (ones when nullptr; then
// target must be a float of one element). A composite without a gradient of its own is expanded on
// demand. Nodes in `leaves` are not differentiated through. A `wrt` that target does not depend on
// gets zeros. INVALID_ARGUMENT for a non-float target or wrt, naming it.
absl::StatusOr<std::vector<ir::Ref>> Gradient(ir::Graph& graph, ir::Ref target,
                                              absl::Span<const ir::Ref> wrt, ir::Ref seed = nullptr,
                                              const absl::flat_hash_set<ir::Ref>* leaves = nullptr);

}  // namespace tensord::ops
