// The rules of `simplify`, by kind. Every rule preserves bits, NaN payloads aside: x + 0 stays
// where x may be -0.
#pragma once

#include "engine/ir/rewrite.h"

namespace tensord::passes {

// Scalar operations, element by element.
absl::Span<const ir::Rule> AlgebraRules();
// Reshapes, permutations, pads and their like.
absl::Span<const ir::Rule> MovementRules();
// All of them, in the order they are tried.
absl::Span<const ir::Rule> SimplifyRules();

}  // namespace tensord::passes
