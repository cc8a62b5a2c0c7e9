// Core arithmetic on two operands; comparison.cc and bitwise.cc are in the same table.
#include <cmath>

#include "engine/ops/binary_rows.h"

namespace tensord::ops {
namespace {

// Half for each side of a tie.
Expr Share(const Expr& wins, const Expr& ties, const Expr& dy) {
  return Select(ties, dy * 0.5, Select(wins, dy, dy.Number(0)));
}

Refs PowGradient(const GradientArgs& a) {
  const Expr x = X(a, 0), e = X(a, 1), dy = Dy(a);
  const Expr zero = dy.Number(0);
  const Expr dx = Select(e == 0.0, zero, dy * e * Apply(ScalarOp::kPow, x, e - 1.0));
  // Where the base is 0 the result does not depend on a positive exponent.
  const Expr at_zero = Select(e < 0.0, dy.Number(-INFINITY), zero);
  const Expr safe = Select(x == 0.0, x.Number(1), x);
  return {dx, Select(x == 0.0, at_zero, dy * Y(a) * Log(safe))};
}

Refs CopySignGradient(const GradientArgs& a) {
  const Expr x = X(a), one = X(a).Number(1);
  const Expr flips = Apply(ScalarOp::kCopySign, one, x) * Apply(ScalarOp::kCopySign, one, X(a, 1));
  return {Select(x == 0.0, Dy(a).Number(0), Dy(a) * flips), nullptr};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "add",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kAdd,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a), Dy(a)}; },
     .doc = "a + b. Integers wrap; on bool it is `bitor`.",
     .examples = {{{"f32[2] {1, 2}", "f32[2] {10, 20}"}, "", {"f32[2] {11, 22}"}},
                  {{"i8[] {127}", "i8[2] {1, 2}"}, "", {"i8[2] {-128, -127}"}}}},
    {.name = "sub",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kSub,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a), -Dy(a)}; },
     .doc = "a - b. Integers wrap; bool is refused.",
     .examples = {{{"f32[2] {1, 2}", "f32[2] {10, 0.5}"}, "", {"f32[2] {-9, 1.5}"}},
                  {{"u8[] {1}", "u8[] {2}"}, "", {"u8[] {255}"}}}},
    {.name = "mul",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kMul,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs { return {Dy(a) * X(a, 1), Dy(a) * X(a, 0)}; },
     .doc = "a * b. Integers wrap; on bool it is `bitand`.",
     .examples = {{{"f32[2,1] {2, 3}", "f32[2] {10, 20}"}, "", {"f32[2,2] {20, 40, 30, 60}"}}}},
    {.name = "div",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kDiv,
     .inputs = {{"a"}, {"b"}},
     .dtype_rule = DTypeRule::kFloat,
     .gradient = [](const GradientArgs& a) -> Refs {
       const Expr share = Dy(a) / X(a, 1);
       return {share, -(share * Y(a))};
     },
     .doc = "a / b as IEEE floats; integers give f32.",
     .examples = {{{"f32[3] {1, -1, 0}", "f32[3] {4, 0, 0}"}, "", {"f32[3] {0.25, -inf, nan}"}},
                  {{"i32[] {7}", "i32[] {2}"}, "", {"f32[] {3.5}"}}}},
    {.name = "floordiv",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kFloorDiv,
     .inputs = {{"a"}, {"b"}},
     .doc = "floor(a / b). On integers x // 0 is 0 and MIN // -1 wraps.",
     .examples = {{{"i32[4] {7, -7, 7, 7}", "i32[4] {2, 2, -2, 0}"}, "", {"i32[4] {3, -4, -4, 0}"}},
                  {{"f32[] {-7.5}", "f32[] {2}"}, "", {"f32[] {-4}"}}}},
    {.name = "floormod",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kFloorMod,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Dy(a), -(Dy(a) * Apply(ScalarOp::kFloorDiv, X(a), X(a, 1)))};
     },
     .doc = "a - floor(a / b) * b, with the sign of b (Python's %). On integers x % 0 is 0.",
     .examples = {{{"i32[4] {7, -7, 7, 7}", "i32[4] {3, 3, -3, 0}"}, "", {"i32[4] {1, 2, -2, 0}"}},
                  {{"f32[] {-7.5}", "f32[] {2}"}, "", {"f32[] {0.5}"}}}},
    {.name = "truncdiv",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise | kNoGradient,
     .scalar = ScalarOp::kTruncDiv,
     .inputs = {{"a"}, {"b"}},
     .doc = "a / b rounded toward 0 (C's integer division). On integers x / 0 is 0.",
     .examples = {{{"i32[3] {7, -7, 7}", "i32[3] {2, 2, 0}"}, "", {"i32[3] {3, -3, 0}"}}}},
    {.name = "truncrem",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kTruncRem,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Dy(a), -(Dy(a) * Apply(ScalarOp::kTruncDiv, X(a), X(a, 1)))};
     },
     .doc = "The remainder of truncdiv, with the sign of a (C's %, numpy's fmod).",
     .examples = {{{"i32[3] {7, -7, 7}", "i32[3] {3, 3, 0}"}, "", {"i32[3] {1, -1, 0}"}},
                  {{"f32[] {-7.5}", "f32[] {2}"}, "", {"f32[] {-1.5}"}}}},
    {.name = "minimum",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kMin,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs {
       const Expr ties = X(a) == X(a, 1), less = X(a) < X(a, 1);
       return {Share(less, ties, Dy(a)), Share(X(a, 1) < X(a), ties, Dy(a))};
     },
     .doc = "The smaller of a and b; NaN if either is; -0 is below +0.",
     .examples = {{{"f32[3] {1, 5, nan}", "f32[3] {2, 3, 0}"}, "", {"f32[3] {1, 3, nan}"}}}},
    {.name = "maximum",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kMax,
     .inputs = {{"a"}, {"b"}},
     .gradient = [](const GradientArgs& a) -> Refs {
       const Expr ties = X(a) == X(a, 1), less = X(a) < X(a, 1);
       return {Share(X(a, 1) < X(a), ties, Dy(a)), Share(less, ties, Dy(a))};
     },
     .doc = "The larger of a and b; NaN if either is; +0 is above -0.",
     .examples = {{{"f32[3] {1, 5, nan}", "f32[3] {2, 3, 0}"}, "", {"f32[3] {2, 5, nan}"}}}},
    {.name = "pow",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kPow,
     .inputs = {{"base"}, {"exponent"}},
     .gradient = PowGradient,
     .doc = "base to the power of exponent. Integers become `int_pow`.",
     .examples = {{{"f32[3] {2, 9, -1}", "f32[3] {10, 0.5, 0.5}"}, "", {"f32[3] {1024, 3, nan}"}},
                  {{"i32[2] {3, -2}", "i32[2] {4, 3}"}, "", {"i32[2] {81, -8}"}}}},
    {.name = "copysign",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kCopySign,
     .inputs = {{"magnitude"}, {"sign"}},
     .dtype_rule = DTypeRule::kFloat,
     .gradient = CopySignGradient,
     .doc = "The magnitude of one with the sign bit of the other.",
     .examples = {{{"f32[2] {3, -3}", "f32[2] {-0.0, 1}"}, "", {"f32[2] {-3, 3}"}}}},
    {.name = "atan2",
     .family = Family::kBinary,
     .level = Level::kCore,
     .traits = kElementwise,
     .scalar = ScalarOp::kAtan2,
     .inputs = {{"y"}, {"x"}},
     .dtype_rule = DTypeRule::kFloat,
     .gradient = [](const GradientArgs& a) -> Refs {
       const Expr y = X(a, 0), x = X(a, 1), scaled = Dy(a) / (x * x + y * y);
       return {scaled * x, -(scaled * y)};
     },
     .doc = "The angle of the point (x, y), in -pi..pi.",
     .examples = {{{"f32[3] {1, 0, -1}", "f32[3] {1, -1, 0}"},
                   "",
                   {"f32[3] {0.7853982, 3.1415927, -1.5707964}"}}}},
};

}  // namespace

const std::vector<OpRow>& ArithmeticRows() { return kRows; }

const std::vector<OpRow>& BinaryRows() {
  static const std::vector<OpRow>& rows =
      JoinTables({&ArithmeticRows(), &BinaryMathRows(), &ComparisonRows(), &BitwiseRows()});
  return rows;
}

}  // namespace tensord::ops
