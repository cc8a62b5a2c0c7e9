// Composites replaced by their meaning. The gradient, the evaluator and the passes all go through
// here.
#pragma once

#include <vector>

#include "absl/functional/function_ref.h"
#include "engine/ir/node.h"

namespace tensord::ops {

// The results of a composite in smaller ops, of the node's types. REQUIRES: its row has `expand`.
std::vector<ir::Ref> ExpandNode(ir::Graph& graph, ir::Ref node);

// `roots` without composites, but for those that `keep` asks for. Iterative; nodes that no
// composite reaches stay as they are. REQUIRES: roots of one result each.
std::vector<ir::Ref> ExpandComposites(
    ir::Graph& graph, absl::Span<const ir::Ref> roots,
    absl::FunctionRef<bool(ir::Ref)> keep = [](ir::Ref) { return false; });

}  // namespace tensord::ops
