// Leaves, selection of a result, and markers for the scheduler.
#include "engine/base/status.h"
#include "engine/ops/evaluate_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using types::Placement;
using types::Type;

absl::StatusOr<ir::TypeList> InferParam(const RuleInput& in) {
  return ir::TypeList{Type{*in.get<DType>("dtype"), {}, *in.get<Dims>("dims")}};
}

absl::StatusOr<ir::TypeList> InferConst(const RuleInput& in) {
  return ir::TypeList{Type{in.get<types::Scalar>("value")->dtype, {}, {}}};
}

absl::StatusOr<ir::TypeList> InferDimValue(const RuleInput& in) {
  const Dims& value = *in.get<Dims>("value");
  if (value.size() != 1) {
    return InvalidArgument(in.row.name, ": value ", types::DimsToString(value),
                           " must hold one expression");
  }
  return ir::TypeList{Type{DType::kI64, {}, {}}};
}

absl::StatusOr<ir::TypeList> InferGet(const RuleInput& in) {
  const int64_t index = *in.get<int64_t>("index");
  if (index < 0 || index >= static_cast<int64_t>(in.inputs.size())) {
    return InvalidArgument(in.row.name, ": index ", index, " of a node with ", in.inputs.size(),
                           " results");
  }
  return ir::TypeList{in.inputs[index]};
}

absl::StatusOr<ir::TypeList> InferCopy(const RuleInput& in) {
  const int64_t device = *in.get<int64_t>("device");
  if (device < 0 || device > 0xffff) {
    return InvalidArgument(in.row.name, ": device ", device, " must be 0..65535");
  }
  Type type = in.inputs[0];
  type.placement = Placement{static_cast<uint16_t>(device)};
  return ir::TypeList{type};
}

Refs PassOn(const GradientArgs& a) { return {a.output_gradients[0]}; }

Refs CopyBack(const GradientArgs& a) {
  const int64_t device = a.node->input(0)->type().placement.device;
  return {Build(a.graph, "copy", {a.output_gradients[0]}, {{"device", device}})};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "param",
     .level = Level::kCore,
     .attrs = {{"index", AttrKind::kInt, "", "position in the function's parameters"},
               {"dtype", AttrKind::kDType, "", "of the argument"},
               {"dims", AttrKind::kDims, "", "of the argument"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferParam,
     .doc = "A parameter of a function.",
     .examples = {}},
    {.name = "const",
     .level = Level::kCore,
     .attrs = {{"value", AttrKind::kScalar, "", "the number; a weak one adapts to its consumers"}},
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kScalar,
     .infer = InferConst,
     .evaluate = EvaluateConst,
     .doc = "A number of rank 0.",
     .examples = {{{}, "value=f32:1.5", {"f32[] {1.5}"}}, {{}, "value=i32:-3", {"i32[] {-3}"}}}},
    {.name = "dim_value",
     .level = Level::kCore,
     .attrs = {{"value", AttrKind::kDims, "", "one expression over variables"}},
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kScalar,
     .infer = InferDimValue,
     .evaluate = EvaluateDimValue,
     .doc = "The value of a symbolic dim as an i64 of rank 0.",
     .examples = {{{}, "value=[7]", {"i64[] {7}"}}}},
    {.name = "get",
     .level = Level::kCore,
     .inputs = {{"tuple", "a node with several results"}},
     .attrs = {{"index", AttrKind::kInt, "", "which result"}},
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferGet,
     .doc = "One result of a node that has several.",
     .examples = {{{"f32[2] {1, 2}"}, "index=0", {"f32[2] {1, 2}"}}}},
    {.name = "detach",
     .level = Level::kCore,
     .traits = kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kSame,
     .evaluate = EvaluateIdentity,
     .doc = "x, through which no gradient flows.",
     .examples = {{{"f32[2] {1, 2}"}, "", {"f32[2] {1, 2}"}}}},
    {.name = "contiguous",
     .level = Level::kCore,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kSame,
     .gradient = PassOn,
     .evaluate = EvaluateIdentity,
     .doc = "x, stored: what is computed from it reads memory instead of computing it again.",
     .examples = {{{"f32[2] {1, 2}"}, "", {"f32[2] {1, 2}"}}}},
    {.name = "copy",
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"device", AttrKind::kInt, "", "index in the engine's table of devices"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kSame,
     .infer = InferCopy,
     .gradient = CopyBack,
     .evaluate = EvaluateIdentity,
     .doc = "x on another device; the only op that changes where a value lives.",
     .examples = {{{"f32[2] {1, 2}"}, "device=0", {"f32[2] {1, 2}"}}}},
};

}  // namespace

const std::vector<OpRow>& StructureRows() { return kRows; }

}  // namespace tensord::ops
