// Exponentials and logarithms of f64 with some 38 correct bits: what f32 functions that need more
// than f32 arithmetic are composed of. Nothing here rounds to f32.
//
// Reduction by adding 1.5 2^52, which leaves the nearest integer in the low bits of the sum, and
// the split of a logarithm's argument on its bits are those of musl and ARM's optimized routines;
// the polynomials are minimax fits (Remez) made for these intervals.
#pragma once

#include "engine/kernel/math/expression.h"

namespace tensord::kernel::math {

// An integer n nearest to x, and the 64 bits whose low ones are n's. REQUIRES: |x| < 2^51.
struct Nearest {
  E value;
  E bits;  // i64
};
Nearest NearestInteger(E x);

// 2^n of a Nearest in [-1022, 1023].
E PowerOfTwo(const Nearest& n);

// For f64 arguments of at most 700 in size.
E ExpOf(E x);    // relative error 2^-38
E Expm1Of(E x);  // the same, near 0 too
E Exp2Of(E x);   // relative error 2^-40

// x = 2^exponent (1 + fraction), fraction in [-1/3, 1/3]. REQUIRES: x positive, normal, finite;
// other arguments give numbers without meaning.
struct LogSplit {
  E exponent;
  E fraction;
};
LogSplit SplitForLog(E x);
// log(1 + fraction): relative error 2^-38 on [-1/3, 1/3]; the sign of a zero is kept.
E LogOfFraction(E fraction);
// log(1 + x) for x > -1 where 1 + x is positive, normal and finite: relative error 2^-37.
E Log1pOf(E x);

}  // namespace tensord::kernel::math
