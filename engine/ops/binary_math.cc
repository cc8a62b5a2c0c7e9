// Binary composites.
#include <cmath>

#include "engine/ops/binary_rows.h"

namespace tensord::ops {
namespace {

// The exponent when every element has the same, known one.
std::optional<int64_t> KnownInteger(Ref node) {
  while (node->is("reshape") || node->is("expand")) node = node->input(0);
  if (!node->is("const")) return std::nullopt;
  return node->attr<types::Scalar>("value").AsInt64();
}

// base^exponent for a known exponent >= 0, by squaring.
Expr KnownPower(Expr base, int64_t exponent) {
  Expr result = base.Number(1);
  bool first = true;
  for (uint64_t e = exponent; e != 0; e >>= 1) {
    if ((e & 1) != 0) {
      result = first ? base : result * base;
      first = false;
    }
    if (e > 1) base = base * base;
  }
  return result;
}

// By squaring, one step per bit of the exponent's dtype.
Expr AnyPower(const Expr& x, const Expr& exponent) {
  const int bits = types::Row(x.dtype()).bits - (types::IsSigned(x.dtype()) ? 1 : 0);
  Expr result = x.Number(1), base = x;
  for (int bit = 0; bit < bits; ++bit) {
    const Expr shifted = Apply(ScalarOp::kShr, exponent, exponent.Number(bit));
    result = Select((shifted & 1.0) != 0.0, result * base, result);
    if (bit + 1 < bits) base = base * base;
  }
  return result;
}

// 1 / base^n rounded toward 0.
Expr NegativePower(const Expr& x, const Expr& exponent) {
  const Expr one = x.Number(1), minus_one = x.Number(-1);
  const Expr sign = Select((exponent & 1.0) != 0.0, minus_one, one);
  return Select(x == one, one, Select(x == minus_one, sign, x.Number(0)));
}

Refs ExpandIntPow(Graph& g, Ref node) {
  const Expr x = In(g, node, 0), e = In(g, node, 1);
  const std::optional<int64_t> known = KnownInteger(e);
  if (known.has_value() && *known >= 0)
    return {Expr(g, Expand(g, KnownPower(x, *known), x.dims()))};
  const Expr power = AnyPower(x, e);
  if (types::IsUnsigned(x.dtype())) return {power};
  return {Select(e < 0.0, NegativePower(x, e), power)};
}

Refs ExpandLogAddExp(Graph& g, Ref node) {
  const Expr a = In(g, node, 0), b = In(g, node, 1);
  // Equal infinities have no difference.
  return {Select(a == b, a + M_LN2, Max(a, b) + Log1p(Exp(-Abs(a - b))))};
}

Refs LogAddExpGradient(const GradientArgs& args) {
  const Expr a = X(args, 0), b = X(args, 1);
  const Expr share = Select(a == b, a.Number(0.5), 1.0 / (Exp(b - a) + 1.0));
  return {Dy(args) * share, Dy(args) * (1.0 - share)};
}

Refs ExpandLogAddExp2(Graph& g, Ref node) {
  const Expr a = In(g, node, 0), b = In(g, node, 1);
  const Expr power = Apply(ScalarOp::kExp2, -Abs(a - b));
  return {Select(a == b, a + 1.0, Max(a, b) + Log1p(power) * M_LOG2E)};
}

Refs LogAddExp2Gradient(const GradientArgs& args) {
  const Expr a = X(args, 0), b = X(args, 1);
  const Expr ratio = Apply(ScalarOp::kExp2, b - a);
  const Expr share = Select(a == b, a.Number(0.5), 1.0 / (ratio + 1.0));
  return {Dy(args) * share, Dy(args) * (1.0 - share)};
}

// The extreme of the numbers: what is NaN gives way to the other.
Refs ExpandNumberExtreme(Graph& g, Ref node, ScalarOp op) {
  const Expr a = In(g, node, 0), b = In(g, node, 1);
  if (!types::IsFloat(a.dtype())) return {Apply(op, a, b)};
  return {Select(a != a, b, Select(b != b, a, Apply(op, a, b)))};
}

Refs ExpandHeaviside(Graph& g, Ref node) {
  const Expr x = In(g, node, 0), at_zero = In(g, node, 1), one = x.Number(1);
  return {Select(x == 0.0, at_zero, Select(x < 0.0, x.Number(0), Select(x > 0.0, one, x)))};
}

Refs HeavisideGradient(const GradientArgs& a) {
  return {nullptr, Select(X(a) == 0.0, Dy(a), Dy(a).Number(0))};
}

Refs ExpandHypot(Graph& g, Ref node) {
  const Expr a = Abs(In(g, node, 0)), b = Abs(In(g, node, 1));
  const Expr most = Max(a, b), inf = a.Number(INFINITY);
  const Expr ratio = Min(a, b) / most;
  const Expr finite = Select(most == 0.0, most, most * Sqrt(ratio * ratio + 1.0));
  return {Select((a == inf) | (b == inf), inf, finite)};
}

Refs HypotGradient(const GradientArgs& a) {
  const Expr y = Y(a), zero = y.Number(0);
  const Expr scaled = Select(y == 0.0, zero, Dy(a) / y);
  return {scaled * X(a, 0), scaled * X(a, 1)};
}

Refs ExpandLerp(Graph& g, Ref node) {
  const Expr start = In(g, node, 0);
  return {start + (In(g, node, 1) - start) * In(g, node, 2)};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "int_pow",
     .family = Family::kBinary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"base"}, {"exponent"}},
     .infer = InferIntegers,
     .expand = ExpandIntPow,
     .doc =
         "Integer powers; they wrap. A negative exponent gives 1 / base^n rounded toward 0, and 0 "
         "for a base of 0. What `pow` becomes on integers.",
     .examples = {{{"i32[5] {3, 2, -1, 2, 0}", "i32[5] {4, 31, -3, -1, 0}"},
                   "",
                   {"i32[5] {81, -2147483648, -1, 0, 1}"}}}},
    {.name = "logaddexp",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandLogAddExp>,
     .gradient = LogAddExpGradient,
     .doc = "log(exp(a) + exp(b)) without overflow.",
     .examples = {{{"f32[2] {0, 1000}", "f32[2] {0, 1000}"},
                   "",
                   {"f32[2] {0.6931472, 1000.6931}"}}}},
    {.name = "logaddexp2",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandLogAddExp2>,
     .gradient = LogAddExp2Gradient,
     .doc = "log2(2^a + 2^b) without overflow.",
     .examples = {{{"f32[2] {0, 1000}", "f32[2] {0, 1000}"}, "", {"f32[2] {1, 1001}"}}}},
    {.name = "fmax",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"a"}, {"b"}},
     .expand = [](Graph& g, Ref node) { return ExpandNumberExtreme(g, node, ScalarOp::kMax); },
     .doc = "The larger; where one is NaN, the other.",
     .examples = {{{"f32[3] {1, nan, nan}", "f32[3] {2, 3, nan}"}, "", {"f32[3] {2, 3, nan}"}}}},
    {.name = "fmin",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"a"}, {"b"}},
     .expand = [](Graph& g, Ref node) { return ExpandNumberExtreme(g, node, ScalarOp::kMin); },
     .doc = "The smaller; where one is NaN, the other.",
     .examples = {{{"f32[3] {1, nan, nan}", "f32[3] {2, 3, nan}"}, "", {"f32[3] {1, 3, nan}"}}}},
    {.name = "heaviside",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"x"}, {"at_zero"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = ExpandHeaviside,
     .gradient = HeavisideGradient,
     .doc = "0 below 0, 1 above, at_zero there; NaN stays.",
     .examples = {{{"f32[4] {-2, 0, 3, nan}", "f32[] {0.5}"}, "", {"f32[4] {0, 0.5, 1, nan}"}}}},
    {.name = "hypot",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandHypot>,
     .gradient = HypotGradient,
     .doc = "sqrt(a * a + b * b) without overflow; infinite if either is.",
     .examples = {{{"f32[3] {3, 3e30, inf}", "f32[3] {4, 4e30, nan}"},
                   "",
                   {"f32[3] {5, 5e30, inf}"}}}},
    {.name = "lerp",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"start"}, {"end"}, {"weight"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = Wide<ExpandLerp>,
     .doc = "start + (end - start) * weight.",
     .examples = {{{"f32[2] {0, 10}", "f32[2] {1, 20}", "f32[] {0.25}"},
                   "",
                   {"f32[2] {0.25, 12.5}"}}}},
};

}  // namespace

const std::vector<OpRow>& BinaryMathRows() { return kRows; }

}  // namespace tensord::ops
