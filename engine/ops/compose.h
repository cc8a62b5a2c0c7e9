// Small compositions that the index, linalg, nn, norm, loss and optim families share.
#pragma once

#include "engine/ops/expr.h"

namespace tensord::ops {

// The dtype in which a composite of `dtype` computes: f32 for the halves, else the dtype itself.
types::DType ComputeDType(types::DType dtype);
// x in its ComputeDType.
Expr Widen(Graph& graph, Ref x);

Expr Square(const Expr& x);
// 1 / (1 + exp(-x)): where exp overflows the result is 0, never NaN.
Expr Logistic(const Expr& x);
// log(1 + exp(x)), exact at both ends.
Expr Softplus(const Expr& x);

// from, from + 1, ..., to - 1.
ir::Ints Range(int from, int to);
// The dims `axes` of x.
types::Dims Pick(Ref x, absl::Span<const int64_t> axes);
// x's axes that are not in `axes`.
ir::Ints OtherAxes(Ref x, absl::Span<const int64_t> axes);

// Reductions that keep the reduced axes with a dim of 1.
Expr SumKept(const Expr& x, absl::Span<const int64_t> axes);
Expr MaxKept(const Expr& x, absl::Span<const int64_t> axes);
// REQUIRES: x is a float.
Expr MeanKept(const Expr& x, absl::Span<const int64_t> axes);
// The number of elements along `axes`, as a scalar of x's dtype.
Expr CountOver(const Expr& x, absl::Span<const int64_t> axes);
// `n` as a scalar of `dtype`.
Ref SymValue(Graph& graph, const types::Sym& n, types::DType dtype, types::Placement placement);

// x with dims of 1 inserted so that its axes stand at `axes` (ascending) of a value of rank `rank`.
Ref PlaceAxes(Graph& graph, Ref x, absl::Span<const int64_t> axes, int rank);

// `low` zeros before axis `axis` of x (taken off if negative), and `total` elements from there on.
Ref FitAxis(Graph& graph, Ref x, int axis, int64_t low, const types::Sym& total);

// A contraction: the product of a and b, which broadcast, summed over `axes` of the product; in the
// accumulation dtype of their common dtype (f32 for halves, i32 or wider for integers and bool).
Ref Contract(Graph& graph, Ref a, Ref b, absl::Span<const int64_t> axes);

// The smallest number of a dtype (-inf for floats), as a scalar.
Ref Lowest(Graph& graph, types::DType dtype, types::Placement placement);

}  // namespace tensord::ops
