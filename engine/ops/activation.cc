// Activations. Each row says its value, and its gradient where a formula of its own is better than
// the expansion's: no overflow that turns into NaN, kinks as in PyTorch.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

// Input, result (gradients only) and gradient of the result (gradients only), in the dtype of
// computation.
struct View {
  Expr x, y, dy;
  Ref node;

  double operator[](std::string_view attr) const { return node->attr<double>(attr); }
  Expr zero() const { return x.Number(0); }
};

template <auto value>
Refs ExpandAs(Graph& graph, Ref node) {
  const Expr x = Widen(graph, node->input(0));
  return {value(View{x, x, x, node}).To(node->dtype())};
}

template <auto gradient>
Refs GradientAs(const GradientArgs& a) {
  Graph& graph = a.graph;
  const View view{Widen(graph, a.node->input(0)), Widen(graph, a.node),
                  Widen(graph, a.output_gradients[0]), a.node};
  return {gradient(view).To(a.node->dtype())};
}

Expr Tanh(const Expr& x) { return Apply(ScalarOp::kTanh, x); }
Expr Expm1(const Expr& x) { return Apply(ScalarOp::kExpm1, x); }
Expr Erf(const Expr& x) { return Apply(ScalarOp::kErf, x); }

Expr Clip(const Expr& x, double low, double high) {
  return Min(Max(x, x.Number(low)), x.Number(high));
}
// x where it is positive, else f(x), which never sees a positive number.
template <typename F>
Expr NegativePart(const Expr& x, F f) {
  const Expr zero = x.Number(0);
  return Select(x > zero, x, f(Select(x > zero, zero, x)));
}

absl::StatusOr<ir::TypeList> InferGelu(const RuleInput& in) {
  const std::string* approximate = in.get<std::string>("approximate");
  if (approximate != nullptr && *approximate != "none" && *approximate != "tanh") {
    return InvalidArgument("gelu: approximate \"", *approximate, "\" must be none or tanh");
  }
  return ir::TypeList{in.inputs[0]};
}

bool UsesTanh(Ref gelu) {
  return gelu->has_attr("approximate") && gelu->attr<std::string>("approximate") == "tanh";
}

constexpr double kSqrt2OverPi = 0.7978845608028654, kSqrtHalf = 0.7071067811865476;
constexpr double kInvSqrt2Pi = 0.3989422804014327;

Expr Gelu(const View& v) {
  const Expr& x = v.x;
  if (UsesTanh(v.node)) return 0.5 * x * (1.0 + Tanh(kSqrt2OverPi * (x + 0.044715 * x * x * x)));
  return 0.5 * x * (1.0 + Erf(x * kSqrtHalf));
}

Expr GeluGradient(const View& v) {
  const Expr& x = v.x;
  if (!UsesTanh(v.node)) {
    return v.dy * (0.5 * (1.0 + Erf(x * kSqrtHalf)) + x * Exp(-0.5 * x * x) * kInvSqrt2Pi);
  }
  const Expr held = Clip(x, -100, 100);  // beyond, tanh is 1 and its slope 0
  const Expr t = Tanh(kSqrt2OverPi * (held + 0.044715 * held * held * held));
  const Expr slope = (1.0 - t * t) * kSqrt2OverPi * (1.0 + 3 * 0.044715 * held * held);
  return v.dy * (0.5 * (1.0 + t) + 0.5 * held * slope);
}

Expr Mish(const View& v) { return v.x * Tanh(Softplus(v.x)); }

Expr MishGradient(const View& v) {
  const Expr t = Tanh(Softplus(v.x));
  return v.dy * (t + v.x * (1.0 - t * t) * Logistic(v.x));
}

// Of x * sigmoid(beta * x).
Expr SwishGradient(const View& v, double beta) {
  const Expr s = Logistic(beta * v.x);
  return v.dy * s * (1.0 + beta * v.x * (1.0 - s));
}

Expr HardSigmoid(const View& v) { return v.x * v["alpha"] + v["beta"]; }

Expr HardSwishGradient(const View& v) {
  const Expr middle = v.dy * (v.x / 3.0 + 0.5);
  return Select(v.x >= 3.0, v.dy, Select(v.x <= -3.0, v.zero(), middle));
}

Expr SoftShrink(const View& v) {
  const double lambda = v["lambda"];
  return Select(v.x > lambda, v.x - lambda, Select(v.x < -lambda, v.x + lambda, v.x * 0.0));
}

// The piecewise linear ones.
const std::vector<OpRow>& kLinearPieces = *new std::vector<OpRow>{
    {.name = "relu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Max(v.x, v.zero()); }>,
     .gradient = GradientAs<[](const View& v) { return Select(v.y <= 0.0, v.zero(), v.dy); }>,
     .doc = "max(x, 0). Its gradient at 0 is 0.",
     .examples = {{.inputs = {"f32[3] {-1, 0, 2}"}, .results = {"f32[3] {0, 0, 2}"}},
                  {.inputs = {"i8[2] {-3, 3}"}, .results = {"i8[2] {0, 3}"}}}},
    {.name = "relu6",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Clip(v.x, 0, 6); }>,
     .gradient = GradientAs<[](const View& v) {
       return Select((v.x > 0.0) & (v.x < 6.0), v.dy, v.zero());
     }>,
     .doc = "min(max(x, 0), 6). Its gradient at 0 and 6 is 0.",
     .examples = {{.inputs = {"f32[3] {-1, 5, 7}"}, .results = {"f32[3] {0, 5, 6}"}}}},
    {.name = "leaky_relu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"negative_slope", AttrKind::kFloat, "0.01", "slope below 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand =
         ExpandAs<[](const View& v) { return Select(v.x > 0.0, v.x, v.x * v["negative_slope"]); }>,
     .doc = "x where positive, else x * negative_slope.",
     .examples = {{.inputs = {"f32[2] {-2, 3}"},
                   .attrs = "negative_slope=0.5",
                   .results = {"f32[2] {-1, 3}"}}}},
    {.name = "hardtanh",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"min", AttrKind::kFloat, "-1", "lower end"},
               {"max", AttrKind::kFloat, "1", "upper end"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Clip(v.x, v["min"], v["max"]); }>,
     .gradient = GradientAs<[](const View& v) {
       return Select((v.x > v["min"]) & (v.x < v["max"]), v.dy, v.zero());
     }>,
     .doc = "x held between min and max. Its gradient at both ends is 0.",
     .examples = {{.inputs = {"f32[3] {-2, 0.5, 2}"}, .results = {"f32[3] {-1, 0.5, 1}"}}}},
    {.name = "hardsigmoid",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"alpha", AttrKind::kFloat, "0.16666666666666666", "slope"},
               {"beta", AttrKind::kFloat, "0.5", "value at 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Clip(HardSigmoid(v), 0, 1); }>,
     .gradient = GradientAs<[](const View& v) {
       const Expr u = HardSigmoid(v);
       return Select((u > 0.0) & (u < 1.0), v.dy * v["alpha"], v.zero());
     }>,
     .doc = "alpha * x + beta held between 0 and 1.",
     .examples = {{.inputs = {"f32[3] {-4, 0, 3}"}, .results = {"f32[3] {0, 0.5, 1}"}}}},
    {.name = "hardswish",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return v.x * Clip(v.x + 3.0, 0, 6) / 6.0; }>,
     .gradient = GradientAs<HardSwishGradient>,
     .doc = "x * relu6(x + 3) / 6.",
     .examples = {{.inputs = {"f32[3] {-4, 1, 5}"}, .results = {"f32[3] {-0.0, 0.6666667, 5}"}}}},
    {.name = "threshold",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"threshold", AttrKind::kFloat, "", "up to which x is replaced"},
               {"value", AttrKind::kFloat, "", "the replacement"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) {
       return Select(v.x <= v["threshold"], v.x.Number(v["value"]), v.x);
     }>,
     .doc = "x where above threshold, else value.",
     .examples = {{.inputs = {"f32[3] {0, 1, 2}"},
                   .attrs = "threshold=1, value=20",
                   .results = {"f32[3] {20, 20, 2}"}}}},
    {.name = "softshrink",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"lambda", AttrKind::kFloat, "0.5", "how far x moves towards 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<SoftShrink>,
     .doc = "x moved towards 0 by lambda, 0 where it would pass it.",
     .examples = {{.inputs = {"f32[3] {-2, 0.25, 1}"}, .results = {"f32[3] {-1.5, 0, 0.5}"}}}},
    {.name = "hardshrink",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"lambda", AttrKind::kFloat, "0.5", "up to which x becomes 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand =
         ExpandAs<[](const View& v) { return Select(Abs(v.x) <= v["lambda"], v.zero(), v.x); }>,
     .doc = "x where its magnitude is above lambda, else 0.",
     .examples = {{.inputs = {"f32[3] {-2, 0.25, 1}"}, .results = {"f32[3] {-2, 0, 1}"}}}},
};

// Those that are exponential below 0.
const std::vector<OpRow>& kExponentialUnits = *new std::vector<OpRow>{
    {.name = "elu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"alpha", AttrKind::kFloat, "1", "the negative limit"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) {
       return NegativePart(v.x, [&](const Expr& x) { return v["alpha"] * Expm1(x); });
     }>,
     .doc = "x where positive, else alpha * (exp(x) - 1).",
     .examples = {{.inputs = {"f32[2] {-1, 2}"}, .results = {"f32[2] {-0.63212055, 2}"}}}},
    {.name = "celu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"alpha", AttrKind::kFloat, "1", "the negative limit, not 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) {
       return NegativePart(v.x, [&](const Expr& x) { return v["alpha"] * Expm1(x / v["alpha"]); });
     }>,
     .doc = "x where positive, else alpha * (exp(x / alpha) - 1).",
     .examples = {{.inputs = {"f32[2] {-2, 2}"},
                   .attrs = "alpha=2",
                   .results = {"f32[2] {-1.2642411, 2}"}}}},
    {.name = "selu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"alpha", AttrKind::kFloat, "1.6732632423543772",
                "the negative limit before scaling"},
               {"gamma", AttrKind::kFloat, "1.0507009873554805", "the scale"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) {
       return v["gamma"] * NegativePart(v.x, [&](const Expr& x) { return v["alpha"] * Expm1(x); });
     }>,
     .doc = "gamma * (x where positive, else alpha * (exp(x) - 1)): the self-normalising elu.",
     .examples = {{.inputs = {"f32[2] {-1, 1}"}, .results = {"f32[2] {-1.1113307, 1.050701}"}}}},
};

// The smooth ones.
const std::vector<OpRow>& kSmooth = *new std::vector<OpRow>{
    {.name = "sigmoid",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Logistic(v.x); }>,
     .gradient = GradientAs<[](const View& v) { return v.dy * v.y * (1.0 - v.y); }>,
     .doc = "1 / (1 + exp(-x)).",
     .examples = {{.inputs = {"f32[3] {-1000, 0, 1000}"}, .results = {"f32[3] {0, 0.5, 1}"}}}},
    {.name = "logsigmoid",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return -Softplus(-v.x); }>,
     .gradient = GradientAs<[](const View& v) { return v.dy * Logistic(-v.x); }>,
     .doc = "log(sigmoid(x)), exact far from 0 too.",
     .examples = {{.inputs = {"f32[3] {-1000, 0, 1000}"},
                   .results = {"f32[3] {-1000, -0.6931472, -0.0}"}}}},
    {.name = "softplus",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"beta", AttrKind::kFloat, "1", "sharpness, not 0"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return Softplus(v.x * v["beta"]) / v["beta"]; }>,
     .gradient = GradientAs<[](const View& v) { return v.dy * Logistic(v.x * v["beta"]); }>,
     .doc = "log(1 + exp(beta * x)) / beta, without overflow.",
     .examples = {{.inputs = {"f32[3] {-1000, 0, 1000}"},
                   .results = {"f32[3] {0, 0.6931472, 1000}"}}}},
    {.name = "softsign",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return v.x / (1.0 + Abs(v.x)); }>,
     .gradient = GradientAs<[](const View& v) { return v.dy / Square(1.0 + Abs(v.x)); }>,
     .doc = "x / (1 + |x|).",
     .examples = {{.inputs = {"f32[3] {-1, 0, 3}"}, .results = {"f32[3] {-0.5, 0, 0.75}"}}}},
    {.name = "silu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return v.x * Logistic(v.x); }>,
     .gradient = GradientAs<[](const View& v) { return SwishGradient(v, 1); }>,
     .doc = "x * sigmoid(x), also called swish.",
     .examples = {{.inputs = {"f32[2] {0, 1}"}, .results = {"f32[2] {0, 0.7310586}"}}}},
    {.name = "mish",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<Mish>,
     .gradient = GradientAs<MishGradient>,
     .doc = "x * tanh(softplus(x)).",
     .examples = {{.inputs = {"f32[2] {0, 1}"}, .results = {"f32[2] {0, 0.8650984}"}}}},
    {.name = "gelu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"approximate", AttrKind::kString, "none", "none: by erf; tanh: by tanh"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .infer = InferGelu,
     .expand = ExpandAs<Gelu>,
     .gradient = GradientAs<GeluGradient>,
     .doc = "x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh.",
     .examples = {{.inputs = {"f32[2] {-1, 1}"}, .results = {"f32[2] {-0.15865526, 0.8413447}"}},
                  {.inputs = {"f32[2] {-1, 1}"},
                   .attrs = "approximate=\"tanh\"",
                   .results = {"f32[2] {-0.158808, 0.841192}"},
                   .tolerance = 1e-5}}},
    {.name = "quick_gelu",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return v.x * Logistic(1.702 * v.x); }>,
     .gradient = GradientAs<[](const View& v) { return SwishGradient(v, 1.702); }>,
     .doc = "x * sigmoid(1.702 * x).",
     .examples = {{.inputs = {"f32[2] {0, 1}"}, .results = {"f32[2] {0, 0.8457958}"}}}},
    {.name = "tanhshrink",
     .family = Family::kNn,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kSame,
     .expand = ExpandAs<[](const View& v) { return v.x - Tanh(v.x); }>,
     .gradient = GradientAs<[](const View& v) { return v.dy * Square(Tanh(v.x)); }>,
     .doc = "x - tanh(x).",
     .examples = {{.inputs = {"f32[2] {0, 1}"}, .results = {"f32[2] {0, 0.23840584}"}}}},
};

}  // namespace

const std::vector<OpRow>& ActivationRows() {
  static const std::vector<OpRow>& all = JoinTables({&kLinearPieces, &kExponentialUnits, &kSmooth});
  return all;
}

}  // namespace tensord::ops
