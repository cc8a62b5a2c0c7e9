#include "engine/kernel/math/single_exp.h"

#include <bit>

namespace tensord::kernel::math {

using types::DType;

SingleNearest SingleNearestInteger(E x) {
  constexpr float kRoundingShift = 0x1.8p23f;
  E shifted = x + kRoundingShift;
  E bits = Bits(shifted, DType::kI32);
  return {shifted - kRoundingShift, bits - Int(bits, std::bit_cast<int32_t>(kRoundingShift))};
}

SingleSplit SplitForExp(E x) {
  const SingleNearest n = SingleNearestInteger(x * 1.44269504088896341);
  E r = Fma(n.value, -0.693359375, x);
  return {n.integer, Fma(n.value, 2.12194440e-4, r)};
}

E ExpOfRest(E r) {
  E p = Polynomial(r, {0.5, 0.166666671633720398, 0.0416664630174636841, 0.0083332061767578125,
                       0.00139351037796586752, 0.000199459391296841204});
  return Fma(p, r * r, r) + 1;
}

E SinglePowerOfTwo(E n) { return Bits(Shl(n, 23) + Int(n, int64_t{127} << 23), DType::kF32); }

E ScaleByPower(E y, E n) {
  E half = Shr(n, 1);
  return y * SinglePowerOfTwo(half) * SinglePowerOfTwo(n - half);
}

E SingleExp(E x) {
  const SingleSplit split = SplitForExp(x);
  return ExpOfRest(split.rest) * SinglePowerOfTwo(split.exponent);
}

}  // namespace tensord::kernel::math
