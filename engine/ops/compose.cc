#include "engine/ops/compose.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/algorithm/container.h"
#include "engine/ops/type_rules.h"

namespace tensord::ops {

using ir::Ints;
using ir::ScalarOp;
using types::Dims;
using types::DType;
using types::Scalar;
using types::Sym;

DType ComputeDType(DType dtype) { return types::IsHalf(dtype) ? DType::kF32 : dtype; }

Expr Widen(Graph& graph, Ref x) { return {graph, Cast(graph, x, ComputeDType(x->dtype()))}; }

Expr Square(const Expr& x) { return x * x; }

Expr Logistic(const Expr& x) { return 1.0 / (Exp(-x) + 1.0); }

Expr Softplus(const Expr& x) { return Max(x, x.Number(0)) + Log1p(Exp(-Abs(x))); }

Ints Range(int from, int to) {
  Ints range(to - from);
  std::iota(range.begin(), range.end(), from);
  return range;
}

Dims Pick(Ref x, absl::Span<const int64_t> axes) {
  Dims dims;
  for (int64_t axis : axes) dims.push_back(x->dims()[axis]);
  return dims;
}

Ints OtherAxes(Ref x, absl::Span<const int64_t> axes) {
  Ints others;
  for (int i = 0; i < x->rank(); ++i) {
    if (!absl::c_linear_search(axes, i)) others.push_back(i);
  }
  return others;
}

Expr SumKept(const Expr& x, absl::Span<const int64_t> axes) {
  return {x.graph(), Unreduce(x.graph(), Reduce(x.graph(), x, "sum", axes), axes)};
}

Expr MaxKept(const Expr& x, absl::Span<const int64_t> axes) {
  return {x.graph(), Unreduce(x.graph(), Reduce(x.graph(), x, "max", axes), axes)};
}

Expr MeanKept(const Expr& x, absl::Span<const int64_t> axes) {
  return SumKept(x, axes) / CountOver(x, axes);
}

Expr CountOver(const Expr& x, absl::Span<const int64_t> axes) {
  const Sym count = types::NumElements(Pick(x, axes));
  return {x.graph(), SymValue(x.graph(), count, x.dtype(), x.node()->type().placement)};
}

Ref SymValue(Graph& graph, const Sym& n, DType dtype, types::Placement placement) {
  if (!n.is_constant()) return Cast(graph, DimValue(graph, n, placement), dtype);
  return Constant(graph, Scalar::Float(DType::kF64, n.constant()).Cast(dtype), placement);
}

Ref PlaceAxes(Graph& graph, Ref x, absl::Span<const int64_t> axes, int rank) {
  Dims dims(rank, Sym(1));
  for (int i = 0; i < x->rank(); ++i) dims[axes[i]] = x->dims()[i];
  return Reshape(graph, x, dims);
}

// With variables in the sizes, the tail is padded by its bound first and cut after, so that each
// step is provably inside.
Ref FitAxis(Graph& graph, Ref x, int axis, int64_t low, const Sym& total) {
  const Sym high = total - low - x->dims()[axis];
  Dims before(x->rank(), Sym(0)), after = before;
  before[axis] = std::max<int64_t>(low, 0);
  after[axis] = std::max<int64_t>(high.max(), 0);
  return Slice(graph, Pad(graph, x, before, after), axis, std::max<int64_t>(-low, 0), total);
}

Ref Contract(Graph& graph, Ref a, Ref b, absl::Span<const int64_t> axes) {
  const DType sum = types::Row(types::Promote(a->dtype(), b->dtype())).sum;
  Ref product = Mul(graph, Cast(graph, a, sum), Cast(graph, b, sum));
  Ints normal = *NormalizeAxes("contract", axes, product->rank());
  return Reduce(graph, product, "sum", normal);
}

Ref Lowest(Graph& graph, DType dtype, types::Placement placement) {
  if (types::IsFloat(dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return Constant(graph, Scalar::Float(dtype, -infinity), placement);
  }
  const bool is_signed = types::IsSigned(dtype);
  const int64_t least = is_signed ? -(int64_t{1} << (types::Row(dtype).bits - 2)) * 2 : 0;
  return Constant(graph, Scalar::Int(dtype, least), placement);
}

}  // namespace tensord::ops
