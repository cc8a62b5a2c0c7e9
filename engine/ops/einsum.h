// Einsum equations, and their meaning as a chain of pairwise contractions.
//
// numpy's notation: letters name axes, "..." stands for leading axes that broadcast. Without "->"
// the result has the ellipsis, then the letters that occur once, in ASCII order. An axis that is
// absent from the result is summed; a letter repeated within one operand takes its diagonal; dims
// of 1 broadcast.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "engine/ops/build.h"

namespace tensord::ops {

// One label per axis. Axes of the ellipsis have labels of their own, which are no letters.
struct EinsumTerms {
  std::vector<std::string> inputs;
  std::string output;
};
// InvalidArgument says what in the equation is wrong. `ranks` are the operands'.
absl::StatusOr<EinsumTerms> ParseEinsum(std::string_view equation, absl::Span<const int> ranks);

using EinsumExtents = absl::flat_hash_map<char, types::Sym>;
// The extent of every label; InvalidArgument when operands disagree.
absl::StatusOr<EinsumExtents> FindEinsumExtents(const EinsumTerms& terms,
                                                absl::Span<const types::Dims> dims);

// A pair of operand positions to contract, right after left; their result replaces the left one,
// and the right one is removed.
struct EinsumStep {
  int left, right;
  friend bool operator==(const EinsumStep&, const EinsumStep&) = default;
};
// The order with the fewest multiplications, at the bounds of variables. (With more than 8 operands
// the cheapest pairs go first until 8 are left.)
std::vector<EinsumStep> PlanEinsum(const EinsumTerms& terms, const EinsumExtents& extents);

// The result in the accumulation dtype of the operands (f32 for halves). REQUIRES: operands that
// ParseEinsum and FindEinsumExtents accept.
Ref ExpandEinsum(Graph& graph, const EinsumTerms& terms, absl::Span<const Ref> operands);

}  // namespace tensord::ops
