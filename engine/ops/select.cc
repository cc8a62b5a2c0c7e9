// Choosing between values, and changing their dtype.
#include "engine/base/status.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

absl::StatusOr<ir::TypeList> InferBitcast(const RuleInput& in) {
  const DType from = in.inputs[0].dtype, to = *in.get<DType>("dtype");
  if (types::Bytes(from) != types::Bytes(to) || types::IsBool(from) != types::IsBool(to)) {
    return InvalidArgument(in.row.name, ": ", types::Name(from), " has ", types::Bytes(from),
                           " bytes, ", types::Name(to), " has ", types::Bytes(to),
                           "; they must be equal, and bool goes with bool alone");
  }
  return ir::TypeList{types::Type{to, {}, in.inputs[0].dims}};
}

Refs WhereGradient(const GradientArgs& a) {
  const Expr c = X(a), dy = Dy(a), zero = Dy(a).Number(0);
  return {nullptr, Select(c, dy, zero), Select(c, zero, dy)};
}

Refs CastGradient(const GradientArgs& a) {
  if (!types::IsFloat(X(a).dtype())) return {nullptr};
  return {Dy(a).To(X(a).dtype())};
}

absl::StatusOr<ir::TypeList> InferMaskedFill(const RuleInput& in) {
  if (!types::IsBool(in.inputs[1].dtype)) {
    return InvalidArgument(in.row.name, ": mask is ", types::Name(in.inputs[1].dtype),
                           ", expected bool; compare it with 0 first");
  }
  Dims all = in.inputs[0].dims;
  for (const types::Type& type : in.inputs) {
    ASSIGN_OR_RETURN(all, BroadcastDims(in.row.name, all, type.dims));
  }
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, all}};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "where",
     .family = Family::kSelect,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kWhere,
     .inputs = {{"condition"}, {"a"}, {"b"}},
     .dtype_rule = DTypeRule::kSelect,
     .gradient = WhereGradient,
     .doc = "a where condition is true, else b.",
     .examples = {{{"bool[2] {true, false}", "f32[2] {1, 2}", "f32[] {9}"},
                   "",
                   {"f32[2] {1, 9}"}}}},
    {.name = "fma",
     .family = Family::kSelect,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kFma,
     .inputs = {{"a"}, {"b"}, {"c"}},
     .dtype_rule = DTypeRule::kFloat,
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Dy(a) * X(a, 1), Dy(a) * X(a, 0), Dy(a)};
     },
     .doc = "a * b + c, rounded once.",
     .examples = {{{"f32[] {2}", "f32[2] {3, 4}", "f32[] {1}"}, "", {"f32[2] {7, 9}"}}}},
    {.name = "clamp",
     .family = Family::kSelect,
     .traits = kElementwise,
     .inputs = {{"x"}, {"low"}, {"high"}},
     .expand = [](Graph& g, Ref node) -> Refs {
       return {Min(Max(In(g, node, 0), In(g, node, 1)), In(g, node, 2))};
     },
     .doc = "x kept within low..high: minimum(maximum(x, low), high). NaN stays.",
     .examples = {{{"f32[3] {-2, 0.5, 7}", "f32[] {0}", "f32[] {1}"}, "", {"f32[3] {0, 0.5, 1}"}}}},
    {.name = "masked_fill",
     .family = Family::kSelect,
     .traits = kElementwise,
     .inputs = {{"x"}, {"mask", "bool"}, {"value", "cast to the dtype of x"}},
     .dtype_rule = DTypeRule::kFirst,
     .infer = InferMaskedFill,
     .expand = [](Graph& g, Ref node) -> Refs {
       const Expr x = In(g, node, 0);
       return {Select(In(g, node, 1), In(g, node, 2).To(x.dtype()), x)};
     },
     .doc = "x with value where mask is true. Keeps the dtype of x.",
     .examples = {{{"f32[3] {1, 2, 3}", "bool[3] {false, true, false}", "f32[] {-1}"},
                   "",
                   {"f32[3] {1, -1, 3}"}}}},
    {.name = "cast",
     .family = Family::kSelect,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kCast,
     .inputs = {{"x"}},
     .attrs = {{"dtype", AttrKind::kDType, "", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .gradient = CastGradient,
     .doc =
         "x in another dtype. Float to integer truncates, saturates and takes NaN to 0; integers "
         "wrap; to bool is != 0.",
     .examples = {{{"f32[4] {1.9, -1.9, 300, nan}"}, "dtype=i8", {"i8[4] {1, -1, 127, 0}"}},
                  {{"i32[2] {300, -1}"}, "dtype=u8", {"u8[2] {44, 255}"}}}},
    {.name = "bitcast",
     .family = Family::kSelect,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kBitcast,
     .inputs = {{"x"}},
     .attrs = {{"dtype", AttrKind::kDType, "", "of the same width"}},
     .dtype_rule = DTypeRule::kAttr,
     .infer = InferBitcast,
     .doc = "The bits of x read as another dtype of the same width.",
     .examples = {{{"f32[2] {1, -2}"}, "dtype=u32", {"u32[2] {1065353216, 3221225472}"}}}},
};

}  // namespace

const std::vector<OpRow>& SelectRows() { return kRows; }

}  // namespace tensord::ops
