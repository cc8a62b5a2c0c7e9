// Which values are stored in global memory, and why; everything else is computed where it is used.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/ir/node.h"
#include "engine/schedule/contraction.h"
#include "engine/schedule/nested_folds.h"
#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// Stored node -> the reason, for dumps.
using Stages = absl::flat_hash_map<ir::Ref, std::string>;

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
