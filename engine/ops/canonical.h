// One form per meaning: what Make does beyond types so that equal computations intern alike.
#pragma once

#include "absl/status/statusor.h"
#include "engine/ir/node.h"

namespace tensord::ops {

// The row that computes the scalar row `row` on integers or bools: itself, another (add of bools is
// bitor), or nullptr when the result is the first input (floor). An error says what has no meaning.
absl::StatusOr<const ir::OpRow*> IntegerForm(const ir::OpRow& row, types::DType dtype);
// `row` itself; an error for bit operations on floats.
absl::StatusOr<const ir::OpRow*> CheckFloatForm(const ir::OpRow& row, types::DType dtype);

// Whether the core node would be its first input: a cast to the same dtype, a reshape to the same
// dims.
bool IsIdentity(const ir::OpRow& row, absl::Span<const ir::Ref> inputs,
                absl::Span<const ir::AttrValue> attrs, const types::Type& result);

// Axis attributes of a core row counted from the front, those of flip and reduce sorted, those of
// window filled in. `rank` is that of the first input, or of the result of an op without inputs.
void CanonicalizeAxes(const ir::OpRow& row, int rank, absl::Span<ir::AttrValue> attrs);

}  // namespace tensord::ops
