// Movement ops as index functions: where an element of the result comes from.
#pragma once

#include "engine/ir/index_map.h"
#include "engine/ir/node.h"

namespace tensord::schedule {

using ir::Access;
using ir::Flatten;

bool IsMovement(ir::Ref node);

// The access to input 0 of `movement` that `out` of its result reads. REQUIRES: IsMovement.
Access Through(ir::Ref movement, const Access& out);

}  // namespace tensord::schedule
