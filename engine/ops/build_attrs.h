// Attributes as given by a caller, brought into the order and the kinds of a row.
#pragma once

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "engine/ops/build.h"

namespace tensord::ops {

using AttrList = absl::InlinedVector<ir::AttrValue, 4>;

// What Make looks up about a row's attributes, computed once.
struct RowFacts {
  std::vector<ir::AttrValue> defaults;  // monostate: none
  std::vector<bool> required;
};
// REQUIRES: the row is in the registry.
const RowFacts& FactsOf(const ir::OpRow& row);

// Values in row order with defaults filled in. Wrong kinds, unknown and missing names are refused,
// and numbers so large that sizes made of them could overflow, unless `trusted`.
absl::StatusOr<AttrList> ResolveAttrs(const ir::OpRow& row, absl::Span<const ir::AttrValue> given,
                                      bool trusted);
absl::StatusOr<AttrList> OrderAttrs(const ir::OpRow& row, absl::Span<const NamedAttr> named);

}  // namespace tensord::ops
