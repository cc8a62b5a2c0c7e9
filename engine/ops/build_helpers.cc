// The named helpers of build.h.
#include <algorithm>

#include "engine/ops/build.h"
#include "engine/ops/registry.h"
#include "engine/ops/type_rules.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using types::Dims;
using types::DType;
using types::Sym;

Dims ToDims(absl::Span<const Sym> dims) { return Dims(dims.begin(), dims.end()); }

// A core node of one input and one attribute, for which the caller vouches.
Ref Direct(Graph& graph, const ir::OpRow& row, Ref x, ir::AttrValue attr, const types::Type& type) {
  return graph.Intern(row, absl::MakeConstSpan(&x, 1), absl::MakeConstSpan(&attr, 1), type);
}

Ref WithDims(Graph& graph, const ir::OpRow& row, Ref x, absl::Span<const Sym> dims) {
  types::Type type{x->dtype(), x->type().placement, ToDims(dims)};
  return Direct(graph, row, x, type.dims, type);
}

// pad and shrink. The bounds of variables may not tell that a part is inside; its caller knows.
Ref Movement(Graph& graph, const ir::OpRow& row, Ref x, absl::Span<const Sym> first,
             absl::Span<const Sym> second, types::Type type) {
  TENSORD_CHECK(!types::IsWeak(x->dtype()) && first.size() == x->dims().size() &&
                    second.size() == x->dims().size(),
                row.name);
  const ir::AttrValue attrs[] = {ToDims(first), ToDims(second)};
  return graph.Intern(row, absl::MakeConstSpan(&x, 1), attrs, type);
}

Ref Grown(Graph& graph, Ref x, absl::Span<const Sym> dims) {
  static const ir::OpRow& row = Op("expand");
  for (size_t i = 0; i < dims.size(); ++i) {
    TENSORD_CHECK(x->dims()[i] == dims[i] || x->dims()[i] == Sym(1), "expand ",
                  types::DimsToString(x->dims()), " to ", types::DimsToString(dims));
  }
  return WithDims(graph, row, x, dims);
}

// Whether `dim` was broadcast from `from` to its present extent.
bool WasBroadcast(const Sym& from, const Sym& dim) { return from == Sym(1) && dim != Sym(1); }

}  // namespace

Ref Get(Graph& graph, Ref tuple, int i) {
  if (tuple->results() == 1) return tuple;
  return Build(graph, "get", {tuple}, {{"index", int64_t{i}}});
}

Ref Constant(Graph& graph, const types::Scalar& value, types::Placement placement) {
  static const ir::OpRow& row = Op("const");
  const ir::AttrValue attr = value;
  return graph.Intern(row, {}, absl::MakeConstSpan(&attr, 1),
                      types::Type{value.dtype, placement, {}});
}

Ref ConstantLike(Graph& graph, Ref x, double value) {
  const types::Scalar scalar = types::Scalar::Float(x->dtype(), value);
  return Expand(graph, Constant(graph, scalar, x->type().placement), x->dims());
}

Ref ZerosLike(Graph& graph, Ref x) { return ConstantLike(graph, x, 0); }

Ref Cast(Graph& graph, Ref x, DType dtype) {
  static const ir::OpRow& row = Op("cast");
  if (x->dtype() == dtype) return x;
  if (types::IsWeak(x->dtype())) return Build(graph, "cast", {x}, {{"dtype", dtype}});
  return Direct(graph, row, x, dtype, {dtype, x->type().placement, x->dims()});
}

Ref Reshape(Graph& graph, Ref x, absl::Span<const Sym> dims) {
  static const ir::OpRow& row = Op("reshape");
  if (absl::MakeConstSpan(x->dims()) == dims) return x;
  if (types::IsWeak(x->dtype()) || types::NumElements(x->dims()) != types::NumElements(dims)) {
    return Build(graph, "reshape", {x},
                 {{"dims", ToDims(dims)}});  // strong, or the CHECK's message
  }
  return WithDims(graph, row, x, dims);
}

Ref Expand(Graph& graph, Ref x, absl::Span<const Sym> dims) {
  if (absl::MakeConstSpan(x->dims()) == dims) return x;
  TENSORD_CHECK(x->dims().size() <= dims.size(), "expand ", types::DimsToString(x->dims()), " to ",
                types::DimsToString(dims));
  if (x->dims().size() < dims.size()) {
    Dims ones(dims.size() - x->dims().size(), Sym(1));
    ones.insert(ones.end(), x->dims().begin(), x->dims().end());
    x = Reshape(graph, x, ones);
    if (absl::MakeConstSpan(x->dims()) == dims) return x;
  }
  return Grown(graph, x, dims);
}

Ref Permute(Graph& graph, Ref x, absl::Span<const int64_t> order) {
  return Build(graph, "permute", {x}, {{"order", Ints(order.begin(), order.end())}});
}

Ref Pad(Graph& graph, Ref x, absl::Span<const Sym> low, absl::Span<const Sym> high) {
  static const ir::OpRow& row = Op("pad");
  types::Type type = x->type();
  for (size_t i = 0; i < type.dims.size(); ++i) type.dims[i] = type.dims[i] + low[i] + high[i];
  return type.dims == x->dims() ? x : Movement(graph, row, x, low, high, std::move(type));
}

Ref Shrink(Graph& graph, Ref x, absl::Span<const Sym> low, absl::Span<const Sym> dims) {
  static const ir::OpRow& row = Op("shrink");
  if (absl::MakeConstSpan(x->dims()) == dims) return x;
  return Movement(graph, row, x, low, dims, {x->dtype(), x->type().placement, ToDims(dims)});
}

Ref Flip(Graph& graph, Ref x, absl::Span<const int64_t> axes) {
  return Build(graph, "flip", {x}, {{"axes", Ints(axes.begin(), axes.end())}});
}

Ref Unsqueeze(Graph& graph, Ref x, int axis) {
  Dims dims = x->dims();
  dims.insert(dims.begin() + axis, Sym(1));
  return Reshape(graph, x, dims);
}

Ref Squeeze(Graph& graph, Ref x, int axis) {
  Dims dims = x->dims();
  dims.erase(dims.begin() + axis);
  return Reshape(graph, x, dims);
}

Ref Slice(Graph& graph, Ref x, int axis, const Sym& start, const Sym& count) {
  Dims low(x->dims().size(), Sym(0)), dims = x->dims();
  low[axis] = start;
  dims[axis] = count;
  return Shrink(graph, x, low, dims);
}

Ref DimValue(Graph& graph, const Sym& value, types::Placement placement) {
  if (value.is_constant()) {
    return Constant(graph, types::Scalar::Int(DType::kI64, value.constant()), placement);
  }
  return Build(graph, "dim_value", {}, {{"value", Dims{value}}}, placement);
}

Ref Iota(Graph& graph, absl::Span<const Sym> dims, int axis, DType dtype,
         types::Placement placement) {
  return Build(graph, "iota", {},
               {{"dims", ToDims(dims)}, {"axis", int64_t{axis}}, {"dtype", dtype}}, placement);
}

Ref Reduce(Graph& graph, Ref x, std::string_view monoid, absl::Span<const int64_t> axes) {
  return Build(graph, "reduce", {x},
               {{"monoid", std::string(monoid)}, {"axes", Ints(axes.begin(), axes.end())}});
}

Ref Unreduce(Graph& graph, Ref reduced, absl::Span<const int64_t> axes) {
  Ints sorted(axes.begin(), axes.end());
  std::sort(sorted.begin(), sorted.end());
  Dims dims = reduced->dims();
  for (int64_t axis : sorted) dims.insert(dims.begin() + axis, Sym(1));
  return Reshape(graph, reduced, dims);
}

Ref SumTo(Graph& graph, Ref x, absl::Span<const Sym> to) {
  if (absl::MakeConstSpan(x->dims()) == to) return x;
  const size_t extra = x->dims().size() - to.size();
  Ints axes;
  for (size_t i = 0; i < x->dims().size(); ++i) {
    if (i < extra || WasBroadcast(to[i - extra], x->dims()[i]))
      axes.push_back(static_cast<int64_t>(i));
  }
  const DType dtype = x->dtype();
  const Ref wide = Cast(graph, x, types::IsHalf(dtype) ? DType::kF32 : dtype);
  return Reshape(graph, Cast(graph, Reduce(graph, wide, "sum", axes), dtype), to);
}

Ref Add(Graph& graph, Ref a, Ref b) { return Binary(graph, ir::ScalarOp::kAdd, a, b); }
Ref Sub(Graph& graph, Ref a, Ref b) { return Binary(graph, ir::ScalarOp::kSub, a, b); }
Ref Mul(Graph& graph, Ref a, Ref b) { return Binary(graph, ir::ScalarOp::kMul, a, b); }
Ref Div(Graph& graph, Ref a, Ref b) { return Binary(graph, ir::ScalarOp::kDiv, a, b); }

Ref Where(Graph& graph, Ref condition, Ref a, Ref b) {
  return Build(graph, "where", {condition, a, b});
}

Ref Unary(Graph& graph, ir::ScalarOp op, Ref x) {
  return Build(graph, Op(op), absl::MakeConstSpan(&x, 1));
}

Ref Binary(Graph& graph, ir::ScalarOp op, Ref a, Ref b) {
  const Ref inputs[] = {a, b};
  return Build(graph, Op(op), inputs);
}

}  // namespace tensord::ops
