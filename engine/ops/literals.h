// Text to values: attribute defaults, the examples of op rows, and tests.
#pragma once

#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/ops/build.h"

namespace tensord::ops {

// A value of `kind`: 3, 0.5, true, mean, [0,1], f32, f32:0.5 (a scalar without a dtype is weak),
// none.
absl::StatusOr<ir::AttrValue> ParseAttrValue(ir::AttrKind kind, std::string_view text);

// "axes=[1], keepdims=true" for a row; names that the row lacks are refused.
absl::StatusOr<std::vector<NamedAttr>> ParseAttrs(const ir::OpRow& row, std::string_view text);

// "f32[2,2] {1, 2, 3, 4}"; "{...}" holds nan, inf, true too, and one value fills any shape.
absl::StatusOr<types::HostTensor> ParseTensor(std::string_view text);

}  // namespace tensord::ops
