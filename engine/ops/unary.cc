// Core unary ops: signs, roots and rounding. Exponentials and angles have files of their own.
#include "engine/ops/unary_rows.h"

namespace tensord::ops {
namespace {

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "neg",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kNeg,
     .inputs = {{"x"}},
     .gradient = [](const GradientArgs& a) -> Refs { return {-Dy(a)}; },
     .doc = "-x. Integers wrap; bool is refused.",
     .examples = {{{"f32[3] {1, -2, 0}"}, "", {"f32[3] {-1, 2, -0.0}"}}}},
    {.name = "abs",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kAbs,
     .inputs = {{"x"}},
     .gradient = [](const GradientArgs& a) -> Refs {
       const Expr x = X(a), zero = Dy(a).Number(0);
       return {Select(x == 0.0, zero, Select(x < 0.0, -Dy(a), Dy(a)))};
     },
     .doc = "|x|; the gradient at 0 is 0. |MIN| of integers wraps to MIN.",
     .examples = {{{"f32[3] {-1.5, 2, -0.0}"}, "", {"f32[3] {1.5, 2, 0}"}},
                  {{"i8[2] {-128, -3}"}, "", {"i8[2] {-128, 3}"}}}},
    {.name = "sqrt",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kSqrt,
     .inputs = {{"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) / (Y(a) * 2.0)}; },
     .doc = "The square root, correctly rounded; NaN below 0.",
     .examples = {{{"f32[3] {4, 2, -1}"}, "", {"f32[3] {2, 1.4142135, nan}"}}}},
    {.name = "floor",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kFloor,
     .inputs = {{"x"}},
     .doc = "The largest integer that is not above x. Integers stay.",
     .examples = {{{"f32[3] {1.5, -1.5, -0.0}"}, "", {"f32[3] {1, -2, -0.0}"}}}},
    {.name = "ceil",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kCeil,
     .inputs = {{"x"}},
     .doc = "The smallest integer that is not below x. Integers stay.",
     .examples = {{{"f32[3] {1.5, -1.5, -0.5}"}, "", {"f32[3] {2, -1, -0.0}"}}}},
    {.name = "trunc",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kTrunc,
     .inputs = {{"x"}},
     .doc = "x without its fraction. Integers stay.",
     .examples = {{{"f32[2] {1.5, -1.5}"}, "", {"f32[2] {1, -1}"}}}},
    {.name = "round",
     .family = Family::kUnary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kRound,
     .inputs = {{"x"}},
     .doc = "The nearest integer, halves to the even one. Integers stay.",
     .examples = {{{"f32[4] {0.5, 1.5, 2.5, -2.6}"}, "", {"f32[4] {0, 2, 2, -3}"}}}},
};

}  // namespace

const std::vector<OpRow>& UnaryBasicRows() { return kRows; }

const std::vector<OpRow>& UnaryRows() {
  static const std::vector<OpRow>& rows =
      JoinTables({&UnaryBasicRows(), &UnaryMathRows(), &TrigonometryRows(), &UnaryCompositeRows(),
                  &FloatPartsRows()});
  return rows;
}

}  // namespace tensord::ops
