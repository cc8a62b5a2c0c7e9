// Making nodes. `Make` is the door for user input: it checks, promotes and broadcasts. The named
// helpers are for expansions, gradients and lowering: they CHECK instead.
#pragma once

#include <initializer_list>
#include <utility>

#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/ir/node.h"

namespace tensord::ops {

using ir::Graph;
using ir::Ref;

// Attributes by name, for Make: anything not given takes its default.
struct NamedAttr {
  std::string_view name;
  ir::AttrValue value;
};

// A checked node: arity, attribute kinds and defaults, placement, dtype rule (inserting casts, weak
// scalars included), shape rule (inserting expands for broadcast). Messages name the op, what was
// given, what was expected and what to do.
absl::StatusOr<Ref> Make(Graph& graph, const ir::OpRow& row, absl::Span<const Ref> inputs,
                         absl::Span<const NamedAttr> attrs = {},
                         types::Placement placement = {});  // of ops without inputs
// The same with attributes already in row order (monostate: take the default).
absl::StatusOr<Ref> MakePositional(Graph& graph, const ir::OpRow& row, absl::Span<const Ref> inputs,
                                   absl::Span<const ir::AttrValue> attrs,
                                   types::Placement placement = {});

// Make by op name; CHECK-fails on any error but sizes: an expansion of a checked node may pass
// through shapes beyond the limits of the wire.
Ref Build(Graph& graph, std::string_view op, std::initializer_list<Ref> inputs,
          std::initializer_list<NamedAttr> attrs = {}, types::Placement placement = {});
Ref Build(Graph& graph, std::string_view op, absl::Span<const Ref> inputs,
          absl::Span<const NamedAttr> attrs = {}, types::Placement placement = {});
Ref Build(Graph& graph, const ir::OpRow& row, absl::Span<const Ref> inputs,
          absl::Span<const NamedAttr> attrs = {}, types::Placement placement = {});

// The next parameter of `function`.
Ref AddParameter(ir::Function& function, const types::Type& type);

// Result i of a node with several (the node itself when it has one).
Ref Get(Graph& graph, Ref tuple, int i);

// A rank-0 constant, and one of x's dtype, dims and placement.
Ref Constant(Graph& graph, const types::Scalar& value, types::Placement placement = {});
Ref ConstantLike(Graph& graph, Ref x, double value);
Ref ZerosLike(Graph& graph, Ref x);

Ref Cast(Graph& graph, Ref x, types::DType dtype);  // x itself when it has it
Ref Reshape(Graph& graph, Ref x, absl::Span<const types::Sym> dims);
Ref Expand(Graph& graph, Ref x, absl::Span<const types::Sym> dims);  // numpy broadcasting
Ref Permute(Graph& graph, Ref x, absl::Span<const int64_t> order);
Ref Pad(Graph& graph, Ref x, absl::Span<const types::Sym> low, absl::Span<const types::Sym> high);
Ref Shrink(Graph& graph, Ref x, absl::Span<const types::Sym> low,
           absl::Span<const types::Sym> dims);
Ref Flip(Graph& graph, Ref x, absl::Span<const int64_t> axes);
// The axis `axis` of 1 inserted, counted in the result, or taken away.
Ref Unsqueeze(Graph& graph, Ref x, int axis);
Ref Squeeze(Graph& graph, Ref x, int axis);
// x[.., start : start + count, ..] on one axis.
Ref Slice(Graph& graph, Ref x, int axis, const types::Sym& start, const types::Sym& count);
// The value of an expression over variables as a rank-0 i64.
Ref DimValue(Graph& graph, const types::Sym& value, types::Placement placement = {});
Ref Iota(Graph& graph, absl::Span<const types::Sym> dims, int axis, types::DType dtype,
         types::Placement placement = {});
// Core reduction over `axes`, which vanish. `monoid`: "sum", "prod", "max", "min", "and", "or".
Ref Reduce(Graph& graph, Ref x, std::string_view monoid, absl::Span<const int64_t> axes);
// x with the reduced axes kept as 1: undoes the vanishing of `axes`.
Ref Unreduce(Graph& graph, Ref reduced, absl::Span<const int64_t> axes);
// Sums x over the axes along which `to` was broadcast to x's dims.
Ref SumTo(Graph& graph, Ref x, absl::Span<const types::Sym> to);

// Scalar operations with promotion and broadcasting.
Ref Add(Graph& graph, Ref a, Ref b);
Ref Sub(Graph& graph, Ref a, Ref b);
Ref Mul(Graph& graph, Ref a, Ref b);
Ref Div(Graph& graph, Ref a, Ref b);
Ref Where(Graph& graph, Ref condition, Ref a, Ref b);
Ref Unary(Graph& graph, ir::ScalarOp op, Ref x);
Ref Binary(Graph& graph, ir::ScalarOp op, Ref a, Ref b);

}  // namespace tensord::ops
