// The softmax family, along one axis.
#include "engine/ops/compose.h"
#include "engine/ops/norm_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

// The attribute `axis` of a checked node; a scalar has none.
Ints AxisOf(Ref node) {
  if (node->rank() == 0) return {};
  return {*NormalizeAxis(node->op().name, node->attr<int64_t>("axis"), node->rank())};
}

absl::StatusOr<ir::TypeList> CheckAxis(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  const auto axis = NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), std::max(x.rank(), 1));
  if (!axis.ok()) return axis.status();
  return ir::TypeList{x};
}

Refs ExpandSoftmax(Graph& graph, Ref node) {
  const Ints axis = AxisOf(node);
  const Expr x = Widen(graph, node->input(0));
  const Expr exp = Exp(x - MaxKept(x, axis));
  return {(exp / SumKept(exp, axis)).To(node->dtype())};
}

Refs SoftmaxGradient(const GradientArgs& a) {
  const Expr y = Widen(a.graph, a.node), dy = Widen(a.graph, a.output_gradients[0]);
  return {(y * (dy - SumKept(dy * y, AxisOf(a.node)))).To(a.node->dtype())};
}

Refs ExpandLogSoftmax(Graph& graph, Ref node) {
  const Ints axis = AxisOf(node);
  const Expr x = Widen(graph, node->input(0));
  const Expr shifted = x - MaxKept(x, axis);
  return {(shifted - Log(SumKept(Exp(shifted), axis))).To(node->dtype())};
}

Refs LogSoftmaxGradient(const GradientArgs& a) {
  const Expr y = Widen(a.graph, a.node), dy = Widen(a.graph, a.output_gradients[0]);
  return {(dy - Exp(y) * SumKept(dy, AxisOf(a.node))).To(a.node->dtype())};
}

Refs ExpandSoftmin(Graph& graph, Ref node) {
  const NamedAttr axis = {"axis", node->attr<int64_t>("axis")};
  return {Build(graph, "softmax", {-In(graph, node)}, {axis})};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "softmax",
     .family = Family::kNn,
     .inputs = {{"x"}},
     .attrs = {{"axis", AttrKind::kInt, "-1", "along which the results add up to 1"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .infer = CheckAxis,
     .expand = ExpandSoftmax,
     .gradient = SoftmaxGradient,
     .doc = "exp(x) / sum(exp(x)) along one axis, without overflow.",
     .examples = {{.inputs = {"f32[2] {1000, 1000}"}, .results = {"f32[2] {0.5, 0.5}"}},
                  {.inputs = {"f32[2,2] {0, 5, 0, 5}"},
                   .attrs = "axis=0",
                   .results = {"f32[2,2] {0.5, 0.5, 0.5, 0.5}"}}}},
    {.name = "log_softmax",
     .family = Family::kNn,
     .inputs = {{"x"}},
     .attrs = {{"axis", AttrKind::kInt, "-1", "along which the exponentials add up to 1"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .infer = CheckAxis,
     .expand = ExpandLogSoftmax,
     .gradient = LogSoftmaxGradient,
     .doc = "x - log(sum(exp(x))) along one axis, exact where softmax would be 0.",
     .examples = {{.inputs = {"f32[2] {0, 1000}"}, .results = {"f32[2] {-1000, 0}"}}}},
    {.name = "softmin",
     .family = Family::kNn,
     .inputs = {{"x"}},
     .attrs = {{"axis", AttrKind::kInt, "-1", "along which the results add up to 1"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .infer = CheckAxis,
     .expand = ExpandSoftmin,
     .doc = "softmax(-x) along one axis.",
     .examples = {{.inputs = {"f32[2] {3, 3}"}, .results = {"f32[2] {0.5, 0.5}"}}}},
};

}  // namespace

const std::vector<OpRow>& SoftmaxRows() { return kRows; }

}  // namespace tensord::ops
