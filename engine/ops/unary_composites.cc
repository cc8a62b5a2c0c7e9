// Unary composites.
#include <cmath>

#include "engine/ops/unary_rows.h"

namespace tensord::ops {
namespace {

Refs ExpandSign(Graph& g, Ref node) {
  const Expr x = In(g, node);
  if (types::IsBool(x.dtype())) return {x};
  const Expr one = x.Number(1), zero = x.Number(0);
  if (types::IsUnsigned(x.dtype())) return {Select(x == zero, zero, one)};
  const Expr rest = types::IsFloat(x.dtype()) ? Select(x == zero, zero, x) : zero;
  return {Select(x > zero, one, Select(x < zero, x.Number(-1), rest))};
}

Refs ExpandRsqrt(Graph& g, Ref node) { return {1.0 / Sqrt(In(g, node))}; }

Refs ExpandCbrt(Graph& g, Ref node) {
  const Expr x = In(g, node), root = Apply(ScalarOp::kPow, Abs(x), x.Number(1.0 / 3));
  return {Apply(ScalarOp::kCopySign, root, x)};
}

Refs ExpandSinc(Graph& g, Ref node) {
  const Expr x = In(g, node), one = x.Number(1), angle = Select(x == 0.0, one, x) * M_PI;
  return {Select(x == 0.0, one, Sin(angle) / angle)};
}

// A float is asked; other dtypes have one answer for all elements.
template <typename Ask>
Expr AskFloat(const Expr& x, bool otherwise, Ask ask) {
  if (types::IsFloat(x.dtype())) return ask(x);
  const Expr truth = x.To(DType::kBool);
  return {x.graph(), ConstantLike(x.graph(), truth, otherwise ? 1 : 0)};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "square",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node) * In(g, node)}; },
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) * X(a) * 2.0}; },
     .doc = "x * x.",
     .examples = {{{"f32[2] {3, -2}"}, "", {"f32[2] {9, 4}"}}}},
    {.name = "reciprocal",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = [](Graph& g, Ref node) -> Refs { return {1.0 / In(g, node)}; },
     .gradient = [](const GradientArgs& a) -> Refs { return {-(Dy(a) * Y(a) * Y(a))}; },
     .doc = "1 / x.",
     .examples = {{{"f32[3] {4, -0.5, 0}"}, "", {"f32[3] {0.25, -2, inf}"}}}},
    {.name = "rsqrt",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandRsqrt>,
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) * Y(a) * -0.5 / X(a)}; },
     .doc = "1 / sqrt(x).",
     .examples = {{{"f32[3] {4, 0, -1}"}, "", {"f32[3] {0.5, inf, nan}"}}}},
    {.name = "cbrt",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandCbrt>,
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) / (Y(a) * Y(a) * 3.0)}; },
     .doc = "The cube root, of negative numbers too.",
     .examples = {{{"f32[3] {27, -8, 0}"}, "", {"f32[3] {3, -2, 0}"}}}},
    {.name = "sign",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .expand = ExpandSign,
     .doc = "-1, 0 or 1; NaN stays NaN.",
     .examples = {{{"f32[4] {-3, 0, 2, nan}"}, "", {"f32[4] {-1, 0, 1, nan}"}},
                  {{"u8[2] {0, 9}"}, "", {"u8[2] {0, 1}"}}}},
    {.name = "exp10",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {Apply(ScalarOp::kPow, In(g, node).Number(10), In(g, node))};
     },
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) * Y(a) * M_LN10}; },
     .doc = "10 to the x.",
     .examples = {{{"f32[3] {0, 3, -1}"}, "", {"f32[3] {1, 1000, 0.1}"}}}},
    {.name = "degrees",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node) * (180 / M_PI)}; },
     .doc = "An angle of radians in degrees.",
     .examples = {{{"f32[2] {0, 3.1415927}"}, "", {"f32[2] {0, 180}"}}}},
    {.name = "radians",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node) * (M_PI / 180)}; },
     .doc = "An angle of degrees in radians.",
     .examples = {{{"f32[2] {0, 180}"}, "", {"f32[2] {0, 3.1415927}"}}}},
    {.name = "frac",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {In(g, node) - Apply(ScalarOp::kTrunc, In(g, node))};
     },
     .doc = "What trunc drops, with the sign of x.",
     .examples = {{{"f32[2] {1.75, -1.25}"}, "", {"f32[2] {0.75, -0.25}"}}}},
    {.name = "sinc",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandSinc>,
     .doc = "sin(pi x) / (pi x), 1 at 0.",
     .examples = {{{"f32[2] {0, 0.5}"}, "", {"f32[2] {1, 0.63661975}"}}}},
    {.name = "isnan",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {AskFloat(In(g, node), false, [](const Expr& x) { return x != x; })};
     },
     .doc = "Whether x is NaN.",
     .examples = {{{"f32[3] {1, nan, inf}"}, "", {"bool[3] {false, true, false}"}}}},
    {.name = "isinf",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {AskFloat(In(g, node), false, [](const Expr& x) { return Abs(x) == INFINITY; })};
     },
     .doc = "Whether x is infinite.",
     .examples = {{{"f32[3] {1, nan, -inf}"}, "", {"bool[3] {false, false, true}"}}}},
    {.name = "isposinf",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {AskFloat(In(g, node), false, [](const Expr& x) { return x == INFINITY; })};
     },
     .doc = "Whether x is positive infinity.",
     .examples = {{{"f32[3] {inf, nan, -inf}"}, "", {"bool[3] {true, false, false}"}}}},
    {.name = "isneginf",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {AskFloat(In(g, node), false, [](const Expr& x) { return x == -INFINITY; })};
     },
     .doc = "Whether x is negative infinity.",
     .examples = {{{"f32[3] {inf, nan, -inf}"}, "", {"bool[3] {false, false, true}"}}}},
    {.name = "isfinite",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       return {
           AskFloat(In(g, node), true, [](const Expr& x) { return Abs(x) < x.Number(INFINITY); })};
     },
     .doc = "Whether x is neither infinite nor NaN.",
     .examples = {{{"f32[3] {1, nan, inf}"}, "", {"bool[3] {true, false, false}"}}}},
    {.name = "signbit",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs {
       const Expr x = In(g, node);
       if (types::IsUnsigned(x.dtype())) return {x < x};
       if (types::IsBool(x.dtype())) return {x ^ x};
       if (!types::IsFloat(x.dtype())) return {x < 0.0};
       return {Apply(ScalarOp::kCopySign, x.Number(1), x) < 0.0};
     },
     .doc = "Whether the sign bit is set: negative numbers and -0.",
     .examples = {{{"f32[3] {1, -0.0, -2}"}, "", {"bool[3] {false, true, true}"}}}},
};

}  // namespace

const std::vector<OpRow>& UnaryCompositeRows() { return kRows; }

}  // namespace tensord::ops
