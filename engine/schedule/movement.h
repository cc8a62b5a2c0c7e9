// Movement as index functions: where an element of a movement op's result comes from.
#pragma once

#include <vector>

#include "engine/ir/node.h"
#include "engine/types/sym.h"

namespace tensord::schedule {

// One coordinate per axis, and the condition under which the element exists (else it is zero).
struct Access {
  std::vector<types::Sym> coords;
  types::Mask mask;
};

bool IsMovement(ir::Ref node);

// The access to input 0 of `movement` that `out` of its result reads. REQUIRES: IsMovement.
Access Through(ir::Ref movement, const Access& out);

// Row-major element number of `coords` in an array of `dims`.
types::Sym Flatten(absl::Span<const types::Sym> coords, absl::Span<const types::Sym> dims);

}  // namespace tensord::schedule
