// asin, acos, atan, atan2, in f64.
#include "engine/kernel/math/expression.h"
#include "engine/kernel/math/families.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::DType;

constexpr double kPi = 3.14159265358979323846;

// asin x = x p(x^2) for |x| <= 1/2; above it asin x = pi/2 - 2 asin(s), s = sqrt((1 - x) / 2),
// which is NaN for |x| > 1.
struct Arcsine {
  E inner;  // |x| <= 1/2, a bool
  E angle;  // asin x where inner; else asin(s) for |x|
};

Arcsine ArcsineOf(E x) {
  E size = Abs(x);
  E inner = size < 0.5;
  E complement = Fma(size, -0.5, 0.5);
  E square = Where(inner, x * x, complement);
  E p = Polynomial(square, {1.00000000000093329, 0.166666666076572963, 0.0750000613319867973,
                            0.0446404105756441194, 0.0304305584985899837, 0.0218347968160648435,
                            0.0207808618862726411, 0.00166949834664846768, 0.0332046730443747808});
  return {inner, p * Where(inner, x, Sqrt(complement))};
}

Ref Asin(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  const Arcsine arcsine = ArcsineOf(Double(x));
  E value = Where(arcsine.inner, arcsine.angle, Fma(arcsine.angle, -2, kPi / 2));
  return CopySign(Single(value), x).node;
}

Ref Acos(Graph& graph, absl::Span<const Ref> operands) {
  E x = Double({&graph, operands[0]});
  const Arcsine arcsine = ArcsineOf(x);
  E twice = arcsine.angle + arcsine.angle;
  E outer = Where(x < 0, kPi - twice, twice);
  return Single(Where(arcsine.inner, kPi / 2 - arcsine.angle, outer)).node;
}

// atan of t in [0, 1]: relative error 2^-36.
E ArctangentOf(E t) {
  return t *
         Polynomial(t * t, {0.999999999991632459, -0.333333330336422803, 0.199999821923327448,
                            -0.142852968057906779, 0.111059870242316346, -0.0905301917500180797,
                            0.0750901729657863998, -0.0605465497589154989, 0.0441578790137450803,
                            -0.0265382432026081173, 0.0117791614284644853, -0.00332885104499497379,
                            0.000441391991409884216});
}

Ref Atan(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E size = Double(Abs(x));
  E steep = 1 < size;
  E angle = ArctangentOf(Where(steep, 1 / size, size));
  return CopySign(Single(Where(steep, kPi / 2 - angle, angle)), x).node;
}

Ref Atan2(Graph& graph, absl::Span<const Ref> operands) {
  E y{&graph, operands[0]}, x{&graph, operands[1]};
  E rise = Abs(y), run = Abs(x);
  E low = Min(rise, run), high = Max(rise, run);
  // 0 / 0 is 0 and inf / inf is 1 here; NaN is equal to nothing.
  E ratio = Where(Eq(low, high), Number(Double(low), 1), Double(low) / Double(high));
  E angle = ArctangentOf(Where(Eq(high, 0), 0, ratio));
  angle = Where(run < rise, kPi / 2 - angle, angle);
  E bits = Bits(x, DType::kI32);
  angle = Where(bits < Int(bits, 0), kPi - angle, angle);
  return CopySign(Single(angle), y).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kAsin, 0.51, "f64: half-angle above 1/2 as in msun, own minimax of degree 17", Asin},
    {ScalarOp::kAcos, 0.51, "f64: half-angle above 1/2 as in msun, own minimax of degree 17", Acos},
    {ScalarOp::kAtan, 0.51, "f64: 1/x above 1, own minimax of degree 25", Atan},
    {ScalarOp::kAtan2, 0.51, "f64: the smaller over the larger, own minimax of degree 25", Atan2},
};

}  // namespace

absl::Span<const F32Expansion> InverseTrigonometricRows() { return kRows; }

}  // namespace tensord::kernel::math
