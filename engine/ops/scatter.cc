// The core rows of indexing: gather and scatter, along one axis.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/index_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;
using types::HostTensor;

constexpr std::string_view kModes[] = {"set", "add", "max", "min"};

// ---- types ----

absl::StatusOr<TypeList> CheckScatterTypes(const RuleInput& in) {
  const types::Type &base = in.inputs[0], &index = in.inputs[1], &updates = in.inputs[2];
  // A gather of the base gives what the updates replace.
  ASSIGN_OR_RETURN(const Dims dims, InferGather(in));
  if (updates.dims != dims) {
    return InvalidArgument("scatter: updates ", updates.ToString(), " and index ", index.ToString(),
                           " must have the same dims; expand one");
  }
  if (updates.dtype != base.dtype) {
    return InvalidArgument("scatter: updates are ", types::Name(updates.dtype), ", base is ",
                           types::Name(base.dtype), "; cast one of them");
  }
  const std::string& mode = *in.get<std::string>("mode");
  if (std::find(std::begin(kModes), std::end(kModes), mode) == std::end(kModes)) {
    return InvalidArgument("scatter: mode \"", mode, "\" must be set, add, max or min");
  }
  if (mode == "add" && types::IsBool(base.dtype)) {
    return InvalidArgument("scatter: mode add has no meaning for bool; use max (or) or min (and)");
  }
  return TypeList{base};
}

// ---- plain meaning ----

// Walks the elements of `index`, whose shape is `shape`; calls visit(element, position in the
// tensor of shape `other` with the index value at `axis`), or position -1 when out of range.
template <typename F>
void ForEachIndexed(const HostTensor& index, const std::vector<int64_t>& other, int64_t axis,
                    F visit) {
  const std::vector<int64_t>& shape = index.shape();
  std::vector<int64_t> at(shape.size(), 0);
  for (int64_t element = 0; element < index.elements(); ++element) {
    const types::Scalar scalar = index.At(element);
    const bool huge = types::IsUnsigned(index.dtype()) && scalar.u >> 62 != 0;
    const int64_t value = huge ? -1 : scalar.i;
    int64_t position = 0;
    for (size_t i = 0; i < shape.size(); ++i) {
      position = position * other[i] + (static_cast<int64_t>(i) == axis ? value : at[i]);
    }
    visit(element, value >= 0 && value < other[axis] ? position : -1);
    for (int i = static_cast<int>(shape.size()) - 1; i >= 0 && ++at[i] == shape[i]; --i) at[i] = 0;
  }
}

std::vector<HostTensor> EvaluateGather(Ref node, absl::Span<const HostTensor> inputs) {
  HostTensor out(inputs[0].dtype(), inputs[1].shape());
  ForEachIndexed(inputs[1], inputs[0].shape(), node->attr<int64_t>("axis"),
                 [&](int64_t element, int64_t position) {
                   if (position >= 0) out.Set(element, inputs[0].At(position));
                 });
  return {out};
}

types::Scalar Combine(const std::string& mode, const types::Scalar& old,
                      const types::Scalar& update) {
  if (mode == "set") return update;
  const ScalarOp op = mode == "add"   ? ScalarOp::kAdd
                      : mode == "max" ? ScalarOp::kMax
                                      : ScalarOp::kMin;
  const types::Scalar operands[] = {old, update};
  return ir::Evaluate(op, old.dtype, operands);
}

std::vector<HostTensor> EvaluateScatter(Ref node, absl::Span<const HostTensor> inputs) {
  HostTensor out = inputs[0];
  const std::string& mode = node->attr<std::string>("mode");
  ForEachIndexed(inputs[1], out.shape(), node->attr<int64_t>("axis"),
                 [&](int64_t element, int64_t position) {
                   if (position < 0) return;
                   out.Set(position, Combine(mode, out.At(position), inputs[2].At(element)));
                 });
  return {out};
}

// ---- gradients ----

Ref Gather(const GradientArgs& a, Ref x) {
  return Build(a.graph, "gather", {x, a.node->input(1)}, {{"axis", a.node->attr<int64_t>("axis")}});
}

Ref Scatter(const GradientArgs& a, Ref base, Ref updates, std::string_view mode) {
  return Build(a.graph, "scatter", {base, a.node->input(1), updates},
               {{"axis", a.node->attr<int64_t>("axis")}, {"mode", std::string(mode)}});
}

Refs GatherGradient(const GradientArgs& a) {
  const Expr dy = Widen(a.graph, Dy(a));
  Ref zeros = Expand(a.graph, dy.Number(0), X(a).dims());
  return {Cast(a.graph, Scatter(a, zeros, dy, "add"), X(a).dtype()), nullptr};
}

// Of updates that meet at one place, only the last is seen: it alone gets a gradient.
Refs SetGradient(const GradientArgs& a) {
  const Expr dy = Dy(a), updates = X(a, 2);
  Ref kept = Scatter(a, dy, ZerosLike(a.graph, updates), "set");
  const auto place = a.node->type().placement;
  Ref number =
      Reshape(a.graph, Iota(a.graph, {types::NumElements(updates.dims())}, 0, DType::kI64, place),
              updates.dims());
  Ref none =
      Expand(a.graph, Constant(a.graph, types::Scalar::Int(DType::kI64, -1), place), X(a).dims());
  const Expr last(a.graph, Gather(a, Scatter(a, none, number, "set")));
  return {kept, nullptr,
          Select(last == Expr(a.graph, number), {a.graph, Gather(a, dy)}, dy.Number(0))};
}

// Shared equally by all that equal the extremum.
Refs ExtremumGradient(const GradientArgs& a) {
  const Expr dy = Widen(a.graph, Dy(a)), y = Y(a), base = X(a), updates = X(a, 2);
  const Expr from_base = (base == y).To(dy.dtype());
  const Expr from_updates = (updates == Expr(a.graph, Gather(a, y))).To(dy.dtype());
  const Expr count(a.graph, Scatter(a, from_base, from_updates, "add"));
  const Expr share = Select(count == 0.0, dy.Number(0), dy / count);
  return {(share * from_base).To(base.dtype()), nullptr,
          (Expr(a.graph, Gather(a, share)) * from_updates).To(base.dtype())};
}

Refs ScatterGradient(const GradientArgs& a) {
  const std::string& mode = a.node->attr<std::string>("mode");
  if (mode == "set") return SetGradient(a);
  if (mode == "add") return {a.output_gradients[0], nullptr, Gather(a, a.output_gradients[0])};
  return ExtremumGradient(a);
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "gather",
     .family = Family::kIndex,
     .level = Level::kCore,
     .inputs = {{"x"}, {"index", "integers; except along axis no longer than x"}},
     .attrs = {{"axis", AttrKind::kInt, "", "where the index applies"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kGather,
     .gradient = GatherGradient,
     .evaluate = EvaluateGather,
     .doc =
         "Elements of x at an index along one axis: out[i][j] = x[index[i][j]][j] for axis 0. The "
         "result has index's dims. Positions outside x, negative ones included, read zero. As "
         "torch.gather, which refuses those.",
     .examples = {{.inputs = {"f32[2,2] {1, 2, 3, 4}", "i32[2,2] {0, 0, 1, 0}"},
                   .attrs = "axis=1",
                   .results = {"f32[2,2] {1, 1, 4, 3}"}},
                  {.inputs = {"i8[3] {5, 6, 7}", "i64[4] {2, 3, -1, 0}"},
                   .attrs = "axis=0",
                   .results = {"i8[4] {7, 0, 0, 5}"}}}},
    {.name = "scatter",
     .family = Family::kIndex,
     .level = Level::kCore,
     .inputs = {{"base"},
                {"index", "integers; except along axis no longer than base"},
                {"updates", "base's dtype, index's dims"}},
     .attrs = {{"axis", AttrKind::kInt, "", "where the index applies"},
               {"mode", AttrKind::kString, "set", "set, add, max or min"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = CheckScatterTypes,
     .gradient = ScatterGradient,
     .evaluate = EvaluateScatter,
     .doc =
         "base with updates put in at an index along one axis: out[index[i][j]][j] = updates[i][j] "
         "for axis 0, or added, or the larger or smaller of both. The result has base's dims. "
         "Positions outside base are left out; of several updates at one place, set keeps the last "
         "and add adds in order. As torch.scatter and scatter_reduce.",
     .examples = {{.inputs = {"f32[4] {1, 2, 3, 4}", "i32[3] {0, 2, 0}", "f32[3] {10, 20, 30}"},
                   .attrs = "axis=0",
                   .results = {"f32[4] {30, 2, 20, 4}"}},
                  {.inputs = {"i32[2,2] {0, 0, 0, 0}", "i32[2,2] {0, 0, 1, 5}",
                              "i32[2,2] {1, 2, 3, 4}"},
                   .attrs = "axis=1, mode=\"add\"",
                   .results = {"i32[2,2] {3, 0, 0, 3}"}}}},
};

}  // namespace

const std::vector<OpRow>& ScatterRows() { return kRows; }

}  // namespace tensord::ops
