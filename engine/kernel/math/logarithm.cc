// log, log2, log10, log1p.
#include <bit>
#include <limits>

#include "engine/kernel/math/double_core.h"
#include "engine/kernel/math/families.h"

namespace tensord::kernel::math {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::DType;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// `value` where x is positive and finite; the logarithm's limits elsewhere: -inf at 0, inf at inf,
// NaN below 0 and at NaN. One unsigned comparison tells the ordinary arguments.
E WithLimits(E x, E value) {
  constexpr int64_t kInfinityBits = 0x7f800000;
  E bits = Bits(x, DType::kU32);
  E ordinary = (bits - Int(bits, 1)) < Int(bits, kInfinityBits - 1);
  E limit = Where(Eq(x, 0), -kInfinity, Where(0 < x, Number(x, kInfinity), kNan));
  return Where(ordinary, value, limit);
}

E SingleLogOfFraction(E f) {
  E p = Polynomial(
      f, {0.333332151174545288, -0.249998047947883606, 0.200104370713233948, -0.166802167892456055,
          0.140055060386657715, -0.121875569224357605, 0.139858126640319824, -0.12878715991973877});
  return Fma(f * f, Fma(f, p, -0.5), f);
}

Ref Log(Graph& graph, absl::Span<const Ref> operands) {
  constexpr auto kTwoThirds = std::bit_cast<int32_t>(2.0f / 3);
  constexpr int64_t kOneBits = 0x3f800000, kFractionMask = 0x7fffff;
  E x{&graph, operands[0]};
  E denormal = x < 0x1p-126;
  E bits = Bits(Where(denormal, x * 0x1p23, x), DType::kI32);
  bits = bits + Int(bits, kOneBits - kTwoThirds);
  E mantissa = Bits((bits & Int(bits, kFractionMask)) + Int(bits, kTwoThirds), DType::kF32);
  E bias = Where(denormal, Int(bits, 127 + 23), Int(bits, 127));
  E exponent = To(Shr(bits, 23) - bias, DType::kF32);
  E log = Fma(exponent, 0.693147180559945309, SingleLogOfFraction(mantissa - 1));
  return WithLimits(x, log).node;
}

// Any other base, in f64: exponent log_b(2) + log(mantissa) log_b(e).
E LogInBase(E x, double log_of_2, double log_of_e) {
  const LogSplit split = SplitForLog(Double(x));
  E log = Fma(split.exponent, log_of_2, LogOfFraction(split.fraction) * log_of_e);
  return WithLimits(x, Single(log));
}

Ref Log2(Graph& graph, absl::Span<const Ref> operands) {
  return LogInBase({&graph, operands[0]}, 1, 1.4426950408889634).node;
}

Ref Log10(Graph& graph, absl::Span<const Ref> operands) {
  return LogInBase({&graph, operands[0]}, 0.30102999566398120, 0.43429448190325182).node;
}

Ref Log1p(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  E inside = Single(Log1pOf(Double(x)));
  // The limits are those of log at x + 1, which is exact where it decides between them.
  E value = Where(x < kInfinity, Where((-1.0) < x, inside, WithLimits(x + 1, inside)), x);
  return CopySign(value, x).node;
}

constexpr F32Expansion kRows[] = {
    {ScalarOp::kLog, 1, "f32: split on the bits as in musl's logf, own minimax of degree 10", Log},
    {ScalarOp::kLog2, 0.51, "f64: split on the bits, own minimax of degree 14", Log2},
    {ScalarOp::kLog10, 0.51, "f64: split on the bits, own minimax of degree 14", Log10},
    {ScalarOp::kLog1p, 0.51, "f64: log(1 + x) with x as the fraction near 0", Log1p},
};

}  // namespace

absl::Span<const F32Expansion> LogarithmRows() { return kRows; }

}  // namespace tensord::kernel::math
