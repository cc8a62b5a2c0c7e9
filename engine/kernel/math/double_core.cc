#include "engine/kernel/math/double_core.h"

#include <bit>

namespace tensord::kernel::math {
namespace {

using types::DType;

constexpr double kRoundingShift = 0x1.8p52;
constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;
constexpr int64_t kOneBits = int64_t{1023} << 52;
constexpr int64_t kFractionMask = (int64_t{1} << 52) - 1;

// e^x = scale (1 + tail).
struct ExpSplit {
  E scale;
  E tail;
};

ExpSplit SplitExp(E x) {
  const Nearest n = NearestInteger(x * kLog2E);
  E r = Fma(n.value, -kLn2, x);
  E p = Polynomial(
      r, {0.499999999997299115, 0.166666667548368186, 0.0416666669593611234, 0.00833328883459427325,
          0.00138888086386640746, 0.000199050563954278234, 0.0000248828050273867289});
  return {PowerOfTwo(n), Fma(r * r, p, r)};
}

}  // namespace

Nearest NearestInteger(E x) {
  E shifted = x + kRoundingShift;
  return {shifted - kRoundingShift, Bits(shifted, DType::kI64)};
}

E PowerOfTwo(const Nearest& n) {
  return Bits(Shl(n.bits, 52) + Int(n.bits, kOneBits), DType::kF64);
}

E ExpOf(E x) {
  const ExpSplit split = SplitExp(x);
  return Fma(split.scale, split.tail, split.scale);
}

E Expm1Of(E x) {
  const ExpSplit split = SplitExp(x);
  return Fma(split.scale, split.tail, split.scale - 1);
}

E Exp2Of(E x) {
  const Nearest n = NearestInteger(x);
  E r = x - n.value;
  E p = Polynomial(r, {0.693147180546165668, 0.240226506955493909, 0.0555041094072930574,
                       0.00961812922026632338, 0.00133334508665216867, 0.00015403414999585757,
                       0.0000153100211432606372, 1.32635839456548554e-6});
  return PowerOfTwo(n) * Fma(r, p, 1);
}

LogSplit SplitForLog(E x) {
  constexpr auto kTwoThirds = std::bit_cast<int64_t>(2.0 / 3);
  // The exponent field as the low bits of a double whose unit is 1: no conversion of i64, which
  // not every processor has.
  constexpr auto kUnitBits = std::bit_cast<int64_t>(0x1p52);
  E bits = Bits(x, DType::kI64);
  bits = bits + Int(bits, kOneBits - kTwoThirds);
  E biased = Bits(Shr(bits, 52) | Int(bits, kUnitBits), DType::kF64);
  E mantissa = Bits((bits & Int(bits, kFractionMask)) + Int(bits, kTwoThirds), DType::kF64);
  return {biased - (0x1p52 + 1023), mantissa - 1};
}

E LogOfFraction(E f) {
  E p = Polynomial(
      f, {-0.500000000010942409, 0.333333331821921068, -0.249999995343094928, 0.200000261606901732,
          -0.166667160815552097, 0.142842122044332106, -0.124977955356707705, 0.111504930350928659,
          -0.10049157668049021, 0.0857604081519783891, -0.0776082906004409484, 0.108897261463148988,
          -0.103939692636210635});
  return Fma(f * f, p, f);
}

E Log1pOf(E x) {
  const LogSplit split = SplitForLog(x + 1);
  // Where 1 + x needs no scaling x itself is the fraction, without the rounding of the sum.
  E fraction = Where(Eq(split.exponent, 0), x, split.fraction);
  return Fma(split.exponent, kLn2, LogOfFraction(fraction));
}

}  // namespace tensord::kernel::math
