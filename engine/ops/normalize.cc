// Vectors scaled to length 1.
#include <cmath>

#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/norm_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

struct Lengths {
  Ints axes;
  double p, eps;
  Expr x, norm, held;  // held: max(norm, eps)

  Lengths(Graph& graph, Ref node)
      : axes({*NormalizeAxis("normalize", node->attr<int64_t>("axis"), node->rank())}),
        p(node->attr<double>("p")),
        eps(node->attr<double>("eps")),
        x(Widen(graph, node->input(0))),
        norm(Norm()),
        held(Max(norm, norm.Number(eps))) {}

  Expr Norm() const {
    if (p == 2) return Sqrt(SumKept(x * x, axes));
    if (p == 1) return SumKept(Abs(x), axes);
    if (std::isinf(p)) return MaxKept(Abs(x), axes);
    const Expr sum = SumKept(Apply(ScalarOp::kPow, Abs(x), x.Number(p)), axes);
    return Apply(ScalarOp::kPow, sum, x.Number(1 / p));
  }
  // d norm / d x.
  Expr Slope() const {
    if (p == 2) return x / held;
    const Expr sign(x.graph(), Build(x.graph(), "sign", {x}));
    if (p == 1) return sign;
    if (!std::isinf(p)) return sign * Apply(ScalarOp::kPow, Abs(x) / held, x.Number(p - 1));
    const Expr wins = (Abs(x) == norm).To(x.dtype());
    return sign * wins / SumKept(wins, axes);
  }
};

absl::StatusOr<ir::TypeList> InferNormalize(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  const auto axis = NormalizeAxis("normalize", *in.get<int64_t>("axis"), x.rank());
  if (!axis.ok()) return axis.status();
  const double p = *in.get<double>("p");
  if (!(p > 0)) return InvalidArgument("normalize: p = ", p, " must be above 0");
  return ir::TypeList{x};
}

Refs ExpandNormalize(Graph& graph, Ref node) {
  const Lengths lengths(graph, node);
  return {(lengths.x / lengths.held).To(node->dtype())};
}

Refs NormalizeGradient(const GradientArgs& a) {
  const Lengths lengths(a.graph, a.node);
  const Expr dy = Widen(a.graph, a.output_gradients[0]), y = lengths.x / lengths.held;
  const Expr along = SumKept(dy * y, lengths.axes) * lengths.Slope();
  // Shorter than eps, the divisor is a constant.
  const Expr through_norm = Select(lengths.norm > lengths.eps, along, along.Number(0));
  return {((dy - through_norm) / lengths.held).To(a.node->dtype())};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "normalize",
     .family = Family::kNn,
     .inputs = {{"x"}},
     .attrs = {{"p", AttrKind::kFloat, "2",
                "exponent of the norm, above 0; inf: the largest magnitude"},
               {"axis", AttrKind::kInt, "1", "along which a vector lies"},
               {"eps", AttrKind::kFloat, "1e-12", "the least divisor"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .infer = InferNormalize,
     .expand = ExpandNormalize,
     .gradient = NormalizeGradient,
     .doc =
         "x / max(norm(x), eps), with the p-norm along one axis. As torch.nn.functional.normalize.",
     .examples = {{.inputs = {"f32[2,2] {3, 4, 0, 0}"}, .results = {"f32[2,2] {0.6, 0.8, 0, 0}"}}}},
};

}  // namespace

const std::vector<OpRow>& NormalizeRows() { return kRows; }

}  // namespace tensord::ops
