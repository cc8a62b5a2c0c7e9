// The closed list of type rules. Each client implements it once, and one conformance file holds all
// languages to this code. A row picks a dtype rule and a shape rule. A row with `infer` decides by
// that function; when it only checks more than the rules, it still names them, and clients use
// them.
//
// Shape rules read these inputs and attributes (anything that a row has beyond them is free):
//
//   same            the dims of input 0; all inputs have them
//   broadcast       numpy broadcasting of all inputs
//   reduce          axes: ints (absent: all; negative counts from the end), keepdims: bool
//   reshape         dims: dims, with the same number of elements
//   permute         order: ints
//   expand          dims: dims; same rank, dims of 1 grow
//   pad             low, high: dims, one per axis
//   shrink          low, dims: dims, one per axis
//   flip            axes: ints
//   stride          steps: ints, one per axis; ceil(d / step)
//   window          axes, sizes, strides, dilations: ints, one per windowed axis; the axis becomes
//   the
//                   count of windows, the sizes are appended in order
//   dilate          factors: ints, one per axis; (d - 1) * factor + 1, 0 for 0
//   dims_attr       dims: dims
//   scalar          rank 0
//   matmul, einsum, conv, conv_transpose, pool, gather, take, one_hot, attention, embedding:
//                   type_rules_nn.h
//   concat          axis: int; that axis adds up
//   stack           axis: int, in the rank of the result; a new axis, one per input
//   triangle        the dims of input 0, rank >= 2
#pragma once

#include <string_view>
#include <variant>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "engine/ir/node.h"
#include "engine/ir/op.h"

namespace tensord::ir {

template <typename T>
const T* RuleInput::get(std::string_view name) const {
  for (size_t i = 0; i < row.attrs.size() && i < attrs.size(); ++i) {
    if (row.attrs[i].name == name) return std::get_if<T>(&attrs[i]);
  }
  return nullptr;
}

}  // namespace tensord::ir

namespace tensord::ops {

// What inputs are cast to, and the dtype of the result.
struct DTypes {
  absl::InlinedVector<types::DType, 4> inputs;
  types::DType result = types::DType::kInvalid;
};
// `inputs` may be weak (client scalars); those of the answer never are, nor is the result.
absl::StatusOr<DTypes> ApplyDTypeRule(const ir::OpRow& row, absl::Span<const types::DType> inputs,
                                      absl::Span<const ir::AttrValue> attrs);

// The types of the results by the row's named rules alone: what an `infer` that only checks more
// ends with.
absl::StatusOr<ir::TypeList> InferByRules(const ir::RuleInput& input);
// InferByRules after a check of every input's dtype.
absl::StatusOr<ir::TypeList> InferIntegers(const ir::RuleInput& input);
absl::StatusOr<ir::TypeList> InferNumbers(const ir::RuleInput& input);  // not bool

// The dims of the result; InvalidArgument names the op, what was given and what fits.
absl::StatusOr<types::Dims> ApplyShapeRule(const ir::RuleInput& input);

// numpy broadcasting of two shapes; `op` is for the message.
absl::StatusOr<types::Dims> BroadcastDims(std::string_view op, absl::Span<const types::Sym> a,
                                          absl::Span<const types::Sym> b);

// `axis` counted from the front; InvalidArgument unless -rank <= axis < rank.
absl::StatusOr<int> NormalizeAxis(std::string_view op, int64_t axis, int rank);
// The same for a list, sorted; a repeated axis is refused.
absl::StatusOr<ir::Ints> NormalizeAxes(std::string_view op, absl::Span<const int64_t> axes,
                                       int rank);
// The axes of a reduce-like node (attribute `axes`; absent: all), normalised.
ir::Ints ReducedAxes(ir::Ref node);

// Extent of a sliding window's axis: the number of windows (0 when none fits).
types::Sym WindowCount(const types::Sym& extent, int64_t size, int64_t stride, int64_t dilation);

// Attribute `name`, or `count` copies of `otherwise` when it is absent or empty.
ir::Ints IntsOr(const ir::RuleInput& input, std::string_view name, int count, int64_t otherwise);
ir::Ints IntsOr(ir::Ref node, std::string_view name, int count, int64_t otherwise);

}  // namespace tensord::ops
