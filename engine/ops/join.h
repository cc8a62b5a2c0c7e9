// Joining tensors along an axis without touching a bit of their elements.
#pragma once

#include "engine/ops/build.h"

namespace tensord::ops {

// Coordinates along `axis` of `dims`, with 1 elsewhere so that they broadcast: i32, i64 when
// needed.
Ref Coordinates(Graph& graph, absl::Span<const types::Sym> dims, int axis,
                types::Placement placement);
// `value` in the dtype of `coordinates`.
Ref Coordinate(Graph& graph, Ref coordinates, const types::Sym& value);

// One after the other. REQUIRES: equal dtypes, and dims but that of `axis`; at least one part.
Ref Concat(Graph& graph, absl::Span<const Ref> parts, int axis);

}  // namespace tensord::ops
