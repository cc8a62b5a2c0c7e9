// e^x in f32 arithmetic alone, for functions that are hot: exp, tanh, erf.
#pragma once

#include "engine/kernel/math/expression.h"

namespace tensord::kernel::math {

// x = n ln 2 + r with |r| <= ln(2)/2: Cody-Waite with the two constants of Cephes' expf.
struct SingleSplit {
  E exponent;  // n, i32
  E rest;      // r
};
SingleSplit SplitForExp(E x);

E ExpOfRest(E r);          // e^r for |r| <= ln(2)/2, to 0.6 ulp
E SinglePowerOfTwo(E n);   // 2^n for an i32 n in [-126, 127]
E ScaleByPower(E y, E n);  // y 2^n for n in [-252, 254]; results round once where they underflow
E SingleExp(E x);          // e^x for |x| <= 87, to 1 ulp

// n nearest to x as i32, and as a float. REQUIRES: |x| < 2^22.
struct SingleNearest {
  E value;
  E integer;
};
SingleNearest SingleNearestInteger(E x);

}  // namespace tensord::kernel::math
