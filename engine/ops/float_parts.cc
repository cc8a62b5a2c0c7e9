// Floats taken apart and put together by their bits: mantissas, exponents, neighbours.
#include <cmath>

#include "engine/base/status.h"
#include "engine/ops/unary_rows.h"

namespace tensord::ops {
namespace {

Expr Bitcast(const Expr& x, DType dtype) {
  return {x.graph(), Build(x.graph(), Op("bitcast"), {x}, {{"dtype", dtype}})};
}

// IEEE 754's fields of a float dtype: a sign, an exponent with a bias, a mantissa.
struct Layout {
  DType bits;         // the unsigned dtype of the same width
  DType signed_bits;  // and the signed one
  int mantissa;       // bits of it that are stored
  int bias;

  // The exponent's field as it stands in a float of this layout.
  double exponent_mask() const { return std::ldexp(2 * bias + 1, mantissa); }
  double least_normal() const { return std::ldexp(1, 1 - bias); }
  double least_subnormal() const { return std::ldexp(1, 1 - bias - mantissa); }
  double largest() const { return std::ldexp(2 - std::ldexp(1, -mantissa), bias); }
};

Layout LayoutOf(DType dtype) {
  switch (dtype) {
    case DType::kF16:
      return {DType::kU16, DType::kI16, 10, 15};
    case DType::kBF16:
      return {DType::kU16, DType::kI16, 7, 127};
    case DType::kF32:
      return {DType::kU32, DType::kI32, 23, 127};
    default:
      return {DType::kU64, DType::kI64, 52, 1023};
  }
}

Expr IsOrdinary(const Expr& x) { return (x != 0.0) & (Abs(x) < x.Number(INFINITY)); }

// 2 to the n, for signed integers n of the float's width within the exponents of normal numbers.
Expr PowerOfTwo(const Expr& n, DType dtype) {
  const Layout layout = LayoutOf(dtype);
  return Bitcast(Apply(ScalarOp::kShl, n + layout.bias, n.Number(layout.mantissa)), dtype);
}

struct Parts {
  Expr mantissa;  // 0.5 <= |mantissa| < 1; x itself where x is 0, infinite or NaN
  Expr exponent;  // in Layout::signed_bits; 0 there
};

Parts Split(const Expr& x) {
  const Layout layout = LayoutOf(x.dtype());
  const int lift = layout.mantissa + 1;  // makes a subnormal number normal
  const Expr tiny = Abs(x) < layout.least_normal();
  const Expr normal = Select(tiny, x * std::ldexp(1, lift), x);
  const Expr bits = Bitcast(normal, layout.signed_bits);
  const Expr field = Apply(ScalarOp::kShr, bits, bits.Number(layout.mantissa)) &
                     static_cast<double>(2 * layout.bias + 1);
  const Expr exponent =
      field - Select(tiny, bits.Number(layout.bias - 1 + lift), bits.Number(layout.bias - 1));
  const Expr mask = bits.Number(layout.exponent_mask());
  const Expr half = bits.Number(std::ldexp(layout.bias - 1, layout.mantissa));
  const Expr mantissa = Bitcast((bits & !mask) | half, x.dtype());
  const Expr ordinary = IsOrdinary(x);
  return {Select(ordinary, mantissa, x), Select(ordinary, exponent, bits.Number(0))};
}

// x * 2^n, rounded once: the mantissa takes what normal numbers hold of the exponent exactly, and
// one product takes the rest.
Expr Scale(const Expr& x, const Expr& n) {
  const Layout layout = LayoutOf(x.dtype());
  const Parts parts = Split(x);
  const auto keep = [](const Expr& v, double low, double high) {
    return Min(Max(v, v.Number(low)), v.Number(high));
  };
  // Whatever lies beyond is 0 or infinite for every x.
  const double beyond = 4.0 * layout.bias;
  const Expr wanted = keep(n, -beyond, beyond).To(layout.signed_bits) + parts.exponent;
  const Expr first = keep(wanted, 2 - layout.bias, layout.bias);
  const Expr rest = keep(wanted - first, 1 - layout.bias, layout.bias);
  const Expr scaled = parts.mantissa * PowerOfTwo(first, x.dtype()) * PowerOfTwo(rest, x.dtype());
  return Select(IsOrdinary(x), scaled, x);
}

// The next float from x, which is no NaN, away from 0 or toward it.
Expr Step(const Expr& x, const Expr& away) {
  const Layout layout = LayoutOf(x.dtype());
  const Expr bits = Bitcast(x, layout.bits);
  const Expr moved = Bitcast(Select(away, bits + 1.0, bits - 1.0), x.dtype());
  return Select(x == 0.0, x.Number(layout.least_subnormal()), moved);
}

absl::StatusOr<ir::TypeList> InferFrexp(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  return ir::TypeList{x, types::Type{DType::kI32, {}, x.dims}};
}

Refs ExpandFrexp(Graph& g, Ref node) {
  const Parts parts = Split(In(g, node));
  return {parts.mantissa, parts.exponent.To(DType::kI32)};
}

Refs FrexpGradient(const GradientArgs& a) {
  if (a.output_gradients[0] == nullptr) return {nullptr};
  const Expr dy = Dy(a), x = X(a);
  const Expr exponent(a.graph, Get(a.graph, a.node, 1));
  const Ref scaled = Build(a.graph, Op("ldexp"), {dy, -exponent});
  return {Select(IsOrdinary(x), {a.graph, scaled}, dy)};
}

absl::StatusOr<ir::TypeList> InferLdexp(const RuleInput& in) {
  if (types::IsInteger(in.inputs[1].dtype)) return InferByRules(in);
  return InvalidArgument(in.row.name, ": exponent is ", types::Name(in.inputs[1].dtype),
                         ", expected integers; cast it first, or multiply by exp2 of it");
}

Refs ExpandLdexp(Graph& g, Ref node) {
  const Expr x = In(g, node, 0), n = In(g, node, 1);
  // Small integers are widened first: they may not hold the bounds of an exponent.
  const bool small = types::Bytes(n.dtype()) < 4;
  return {Scale(x, small ? n.To(DType::kI32) : n)};
}

Refs ExpandModf(Graph& g, Ref node) {
  const Expr x = In(g, node), whole = Apply(ScalarOp::kTrunc, x);
  const Expr rest = Select(Abs(x) == INFINITY, x.Number(0), x - whole);
  return {Apply(ScalarOp::kCopySign, rest, x), whole};
}

Refs ExpandSpacing(Graph& g, Ref node) {
  const Expr x = In(g, node), size = Abs(x);
  const Expr gap = Step(size, size == size) - size;
  const Expr known = Apply(ScalarOp::kCopySign, gap, x);
  return {Select(size < x.Number(INFINITY), known, x.Number(NAN))};
}

Refs ExpandNextAfter(Graph& g, Ref node) {
  const Expr x = In(g, node, 0), to = In(g, node, 1);
  const Expr step = Step(x, (x < to) == (x > 0.0));
  // From 0 the step is the least subnormal number on the side of `to`.
  const Expr moved = Select(x == 0.0, Apply(ScalarOp::kCopySign, step, to), step);
  return {Select((x != x) | (to != to), x + to, Select(x == to, to, moved))};
}

Refs ExpandNanToNum(Graph& g, Ref node) {
  const Expr x = In(g, node);
  if (!types::IsFloat(x.dtype())) return {x};
  const double largest = LayoutOf(x.dtype()).largest();
  const auto value = [&](std::string_view name, double otherwise) {
    return x.Number(node->has_attr(name) ? node->attr<double>(name) : otherwise);
  };
  const Expr above = Select(x == INFINITY, value("posinf", largest), x);
  const Expr below = Select(x == -INFINITY, value("neginf", -largest), above);
  return {Select(x != x, value("nan", 0), below)};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "frexp",
     .family = Family::kUnary,
     .inputs = {{"x"}},
     .results = 2,
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferFrexp,
     .expand = ExpandFrexp,
     .gradient = FrexpGradient,
     .doc = "x as mantissa * 2^exponent: a mantissa of 0.5 <= |mantissa| < 1, and the exponent as "
            "i32. 0, infinities and NaN are their own mantissas, with the exponent 0.",
     .examples = {{{"f32[4] {8, -0.75, 0, inf}"},
                   "",
                   {"f32[4] {0.5, -0.75, 0, inf}", "i32[4] {4, 0, 0, 0}"}}}},
    {.name = "ldexp",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"x"}, {"exponent", "integers"}},
     .dtype_rule = DTypeRule::kFloatFirst,
     .infer = InferLdexp,
     .expand = ExpandLdexp,
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Build(a.graph, Op("ldexp"), {Dy(a), X(a, 1)}), nullptr};
     },
     .doc = "x * 2^exponent, rounded once.",
     .examples = {{{"f32[3] {0.5, -3, 1}", "i32[3] {4, -1, 200}"}, "", {"f32[3] {8, -1.5, inf}"}}}},
    {.name = "modf",
     .family = Family::kUnary,
     .inputs = {{"x"}},
     .results = 2,
     .dtype_rule = DTypeRule::kFloat,
     .expand = ExpandModf,
     .gradient = [](const GradientArgs& a) -> Refs { return {a.output_gradients[0]}; },
     .doc = "The fraction of x and its whole part, both with the sign of x.",
     .examples = {{{"f32[4] {1.75, -1.25, 3, -inf}"},
                   "",
                   {"f32[4] {0.75, -0.25, 0, -0.0}", "f32[4] {1, -1, 3, -inf}"}}}},
    {.name = "spacing",
     .family = Family::kUnary,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = ExpandSpacing,
     .doc = "The distance from x to the next float away from 0, with the sign of x; NaN where x is "
            "not finite.",
     .examples = {{{"f32[3] {1, -2, inf}"}, "", {"f32[3] {1.1920929e-7, -2.3841858e-7, nan}"}}}},
    {.name = "nextafter",
     .family = Family::kBinary,
     .traits = kElementwise,
     .inputs = {{"x"}, {"to"}},
     .dtype_rule = DTypeRule::kFloat,
     .expand = ExpandNextAfter,
     .gradient = [](const GradientArgs& a) -> Refs { return {a.output_gradients[0], nullptr}; },
     .doc = "The float after x in the direction of `to`; `to` itself where they are equal. Its "
            "gradient is x's.",
     .examples = {{{"f32[3] {1, 1, 0}", "f32[3] {2, 0, -1}"},
                   "",
                   {"f32[3] {1.0000001, 0.99999994, -1e-45}"}}}},
    {.name = "nan_to_num",
     .family = Family::kUnary,
     .traits = kElementwise,
     .inputs = {{"x"}},
     .attrs = {{"nan", AttrKind::kFloat, "0", "what stands for NaN"},
               {"posinf", AttrKind::kFloat, "none", "for inf; the largest number when absent"},
               {"neginf", AttrKind::kFloat, "none", "for -inf; the least number when absent"}},
     .expand = ExpandNanToNum,
     .doc = "x with numbers in the place of NaN and infinities, through which no gradient flows.",
     .examples = {{{"f32[4] {1, nan, inf, -inf}"}, "posinf=7", {"f32[4] {1, 0, 7, -3.4028235e38}"}},
                  {{"i8[] {3}"}, "", {"i8[] {3}"}}}},
};

}  // namespace

const std::vector<OpRow>& FloatPartsRows() { return kRows; }

}  // namespace tensord::ops
