// Comparisons: a NaN equals nothing.
#include <cmath>

#include "engine/ops/binary_rows.h"

namespace tensord::ops {
namespace {

Expr IsInf(const Expr& x) { return Abs(x) == x.Number(INFINITY); }

Refs ExpandIsClose(Graph& g, Ref node) {
  // Integers of every width are exact enough in f64.
  const DType dtype =
      types::IsFloat(node->input(0)->dtype()) ? node->input(0)->dtype() : DType::kF64;
  const Expr a = In(g, node, 0).To(dtype), b = In(g, node, 1).To(dtype);
  const double rtol = node->attr<double>("rtol"), atol = node->attr<double>("atol");
  const Expr near = Abs(a - b) <= Abs(b) * rtol + atol;
  const Expr close = (a == b) | (near & !(IsInf(a) | IsInf(b)));
  if (!node->attr<bool>("equal_nan")) return {close};
  return {close | ((a != a) & (b != b))};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "eq",
     .family = Family::kComparison,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kEq,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .doc = "Whether a equals b.",
     .examples = {{{"f32[3] {1, nan, 0}", "f32[3] {1, nan, -0.0}"},
                   "",
                   {"bool[3] {true, false, true}"}}}},
    {.name = "ne",
     .family = Family::kComparison,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kNe,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .doc = "Whether a differs from b; true for NaN.",
     .examples = {{{"f32[2] {1, nan}", "f32[2] {1, nan}"}, "", {"bool[2] {false, true}"}}}},
    {.name = "lt",
     .family = Family::kComparison,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kLt,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .doc = "Whether a is below b.",
     .examples = {{{"i32[3] {1, 2, 3}", "i32[] {2}"}, "", {"bool[3] {true, false, false}"}}}},
    {.name = "le",
     .family = Family::kComparison,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kLe,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .doc = "Whether a is at most b.",
     .examples = {{{"i32[3] {1, 2, 3}", "i32[] {2}"}, "", {"bool[3] {true, true, false}"}}}},
    {.name = "gt",
     .family = Family::kComparison,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node, 1) < In(g, node, 0)}; },
     .doc = "Whether a is above b.",
     .examples = {{{"i32[3] {1, 2, 3}", "i32[] {2}"}, "", {"bool[3] {false, false, true}"}}}},
    {.name = "ge",
     .family = Family::kComparison,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = [](Graph& g, Ref node) -> Refs { return {In(g, node, 1) <= In(g, node, 0)}; },
     .doc = "Whether a is at least b.",
     .examples = {{{"i32[3] {1, 2, 3}", "i32[] {2}"}, "", {"bool[3] {false, true, true}"}}}},
    {.name = "isclose",
     .family = Family::kComparison,
     .traits = kElementwise | kNoGradient,
     .inputs = {{"a"}, {"b"}},
     .attrs = {{"rtol", AttrKind::kFloat, "1e-5", "relative to |b|"},
               {"atol", AttrKind::kFloat, "1e-8", "absolute"},
               {"equal_nan", AttrKind::kBool, "false", "whether two NaN are close"}},
     .dtype_rule = DTypeRule::kBool,
     .expand = Wide<ExpandIsClose>,
     .doc = "Whether |a - b| <= atol + rtol * |b|. An infinity is close to itself alone.",
     .examples = {{{"f32[3] {1, 1, inf}", "f32[3] {1.000001, 1.1, inf}"},
                   "",
                   {"bool[3] {true, false, true}"}},
                  {{"f32[] {nan}", "f32[] {nan}"}, "equal_nan=true", {"bool[] {true}"}}}},
};

}  // namespace

const std::vector<OpRow>& ComparisonRows() { return kRows; }

}  // namespace tensord::ops
