// Tensors from attributes alone.
#include "engine/base/status.h"
#include "engine/ops/evaluate_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using types::Scalar;

constexpr ir::AttrSpec kDims = {"dims", AttrKind::kDims, "", "of the result"};
constexpr ir::AttrSpec kF32 = {"dtype", AttrKind::kDType, "f32", "of the result"};

absl::StatusOr<ir::TypeList> InferIota(const RuleInput& in) {
  const Dims& dims = *in.get<Dims>("dims");
  RETURN_IF_ERROR(
      NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), static_cast<int>(dims.size())).status());
  if (types::IsBool(*in.get<DType>("dtype"))) {
    return InvalidArgument(in.row.name, ": dtype bool holds no coordinates; use an integer");
  }
  return InferByRules(in);
}

absl::StatusOr<ir::TypeList> InferVector(const RuleInput& in) {
  const Dims& dims = *in.get<Dims>("dims");
  if (dims.size() != 1) {
    return InvalidArgument(in.row.name, ": dims ", types::DimsToString(dims),
                           " must hold one extent");
  }
  if (types::IsBool(*in.get<DType>("dtype"))) {
    return InvalidArgument(in.row.name, ": dtype bool is no range; use an integer");
  }
  return InferByRules(in);
}

absl::StatusOr<ir::TypeList> InferEye(const RuleInput& in) {
  const Dims& dims = *in.get<Dims>("dims");
  if (dims.size() == 2) return InferByRules(in);
  return InvalidArgument(in.row.name, ": dims ", types::DimsToString(dims),
                         " must be [rows, columns]");
}

Expr Number(Graph& g, const Scalar& value, DType dtype, types::Placement placement) {
  return {g, Constant(g, value.Cast(dtype), placement)};
}

// One value everywhere.
Refs Filled(Graph& g, Ref node, const Scalar& value) {
  return {Expand(g, Number(g, value, node->dtype(), node->type().placement), node->dims())};
}

template <int value>
Refs ExpandNumber(Graph& g, Ref node) {
  return Filled(g, node, Scalar::Int(DType::kI32, value));
}

Refs ExpandValue(Graph& g, Ref node) { return Filled(g, node, node->attr<Scalar>("value")); }

// A dtype in which a range of `dtype` is computed.
DType RangeDType(DType dtype) { return types::IsHalf(dtype) ? DType::kF32 : dtype; }

Refs ExpandArange(Graph& g, Ref node) {
  const types::Placement placement = node->type().placement;
  const DType dtype = RangeDType(node->dtype());
  const Expr at(g, Iota(g, node->dims(), 0, dtype, placement));
  const Expr start = Number(g, node->attr<Scalar>("start"), dtype, placement);
  const Expr step = Number(g, node->attr<Scalar>("step"), dtype, placement);
  return {(start + at * step).To(node->dtype())};
}

Refs ExpandLinspace(Graph& g, Ref node) {
  const types::Placement placement = node->type().placement;
  const bool narrow = node->dtype() == DType::kF32 || types::IsHalf(node->dtype());
  const DType dtype = narrow ? DType::kF32 : DType::kF64;
  const Expr start = Number(g, node->attr<Scalar>("start"), dtype, placement);
  const Expr stop = Number(g, node->attr<Scalar>("stop"), dtype, placement);
  const Expr at(g, Iota(g, node->dims(), 0, dtype, placement));
  const Expr last = Expr(g, DimValue(g, node->dims()[0] - 1, placement)).To(dtype);
  const Expr step = (stop - start) / Max(last, last.Number(1));
  const Expr value = Select((at == last) & (last > 0.0), stop, start + at * step);
  return {value.To(node->dtype())};
}

Refs ExpandEye(Graph& g, Ref node) {
  const types::Placement placement = node->type().placement;
  const Expr row(g, Iota(g, node->dims(), 0, DType::kI64, placement));
  const Expr column(g, Iota(g, node->dims(), 1, DType::kI64, placement));
  const Scalar k = Scalar::Int(DType::kI64, node->attr<int64_t>("diagonal"));
  return {(column - row == Number(g, k, DType::kI64, placement)).To(node->dtype())};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "iota",
     .family = Family::kCreate,
     .level = Level::kCore,
     .attrs = {kDims,
               {"axis", AttrKind::kInt, "0", "counted along"},
               {"dtype", AttrKind::kDType, "i32", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferIota,
     .evaluate = EvaluateIota,
     .doc = "Every element's coordinate on an axis.",
     .examples = {{{}, "dims=[2,3], axis=1", {"i32[2,3] {0, 1, 2, 0, 1, 2}"}}}},
    {.name = "full",
     .family = Family::kCreate,
     .attrs = {{"value", AttrKind::kScalar, "", "cast to dtype"},
               kDims,
               {"dtype", AttrKind::kDType, "", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .expand = ExpandValue,
     .doc = "One value everywhere.",
     .examples = {{{}, "value=1.5, dims=[3], dtype=f32", {"f32[3] {1.5, 1.5, 1.5}"}}}},
    {.name = "zeros",
     .family = Family::kCreate,
     .attrs = {kDims, kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .expand = ExpandNumber<0>,
     .doc = "0 everywhere.",
     .examples = {{{}, "dims=[2]", {"f32[2] {0, 0}"}}}},
    {.name = "ones",
     .family = Family::kCreate,
     .attrs = {kDims, kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .expand = ExpandNumber<1>,
     .doc = "1 everywhere.",
     .examples = {{{}, "dims=[2], dtype=i8", {"i8[2] {1, 1}"}}}},
    {.name = "full_like",
     .family = Family::kCreate,
     .traits = kNoGradient,
     .inputs = {{"x", "gives dims, and dtype unless that is given"}},
     .attrs = {{"value", AttrKind::kScalar, "", "cast to the dtype"},
               {"dtype", AttrKind::kDType, "none", "of the result; of x when absent"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandValue,
     .doc = "One value in the shape of x.",
     .examples = {{{"f32[2] {1, 2}"}, "value=7", {"f32[2] {7, 7}"}}}},
    {.name = "arange",
     .family = Family::kCreate,
     .attrs = {kDims,
               {"start", AttrKind::kScalar, "0", "the first element"},
               {"step", AttrKind::kScalar, "1", "from element to element"},
               {"dtype", AttrKind::kDType, "i32", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferVector,
     .expand = ExpandArange,
     .doc = "start, start + step, ..: element i is start + i * step, rounded after each. A client "
            "that "
            "has a stop sends dims = [ceil((stop - start) / step)].",
     .examples = {{{}, "dims=[4], start=1, step=2", {"i32[4] {1, 3, 5, 7}"}},
                  {{}, "dims=[3], start=1.0, step=-0.5, dtype=f32", {"f32[3] {1, 0.5, 0}"}}}},
    {.name = "linspace",
     .family = Family::kCreate,
     .attrs = {kDims,
               {"start", AttrKind::kScalar, "", "the first element"},
               {"stop", AttrKind::kScalar, "", "the last element"},
               kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferVector,
     .expand = ExpandLinspace,
     .doc = "Evenly spaced from start to stop, both included.",
     .examples = {{{}, "dims=[5], start=0, stop=1", {"f32[5] {0, 0.25, 0.5, 0.75, 1}"}},
                  {{}, "dims=[1], start=3, stop=9", {"f32[1] {3}"}}}},
    {.name = "eye",
     .family = Family::kCreate,
     .attrs = {{"dims", AttrKind::kDims, "", "[rows, columns]"},
               {"diagonal", AttrKind::kInt, "0", "above (positive) or below the main one"},
               kF32},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferEye,
     .expand = ExpandEye,
     .doc = "1 on a diagonal, 0 elsewhere.",
     .examples = {{{}, "dims=[2,3]", {"f32[2,3] {1, 0, 0, 0, 1, 0}"}}}},
};

}  // namespace

const std::vector<OpRow>& CreateRows() { return kRows; }

}  // namespace tensord::ops
