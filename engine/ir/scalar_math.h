// The meaning of every scalar op on one element, as templates over the type it computes in: bool,
// the integers, float (also for f16 and bf16, whose results are rounded after) and double.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "engine/ir/scalar_op.h"

namespace tensord::ir {

// T's operations that wrap are done in an unsigned type at least as wide as int, where C++ defines
// them.
template <typename T>
using Wrapping = std::conditional_t<(sizeof(T) < 4), uint32_t, std::make_unsigned_t<T>>;

// Whether `op` is defined for operands computed in T.
template <ScalarOp op, typename T>
constexpr bool DefinedFor() {
  using enum ScalarOp;
  constexpr bool is_bool = std::is_same_v<T, bool>;
  if constexpr (op == kWhere || op == kMin || op == kMax || (op >= kEq && op <= kLe)) return true;
  if constexpr (op == kAnd || op == kOr || op == kXor || op == kNot) return std::integral<T>;
  if constexpr (op == kShl || op == kShr) return std::integral<T> && !is_bool;
  if constexpr (op == kDiv || op == kCopySign || op == kPow || op == kAtan2 || op == kFma ||
                (op >= kSqrt && op <= kErfc)) {
    return std::floating_point<T>;
  }
  return !is_bool;
}

// Division of integers truncated towards zero; a divisor of 0 gives 0, MIN / -1 wraps.
template <std::integral T>
T TruncDivInt(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
  }
  return static_cast<T>(a / b);
}

template <std::integral T>
T TruncRemInt(T a, T b) {
  if (b == 0) return 0;
  if constexpr (std::is_signed_v<T>) {
    if (b == -1) return 0;
  }
  return static_cast<T>(a % b);
}

template <std::integral T>
T FloorDivInt(T a, T b) {
  T quotient = TruncDivInt(a, b);
  if constexpr (std::is_signed_v<T>) {
    if (TruncRemInt(a, b) != 0 && (a < 0) != (b < 0)) --quotient;
  }
  return quotient;
}

template <std::integral T>
T FloorModInt(T a, T b) {
  T remainder = TruncRemInt(a, b);
  if constexpr (std::is_signed_v<T>) {
    if (remainder != 0 && (remainder < 0) != (b < 0)) remainder = static_cast<T>(remainder + b);
  }
  return remainder;
}

// As numpy's: the remainder is exact and has the divisor's sign, a zero one too.
template <std::floating_point T>
T FloorModFloat(T a, T b) {
  T remainder = std::fmod(a, b);
  if (remainder == 0) return std::copysign(T{0}, b);
  return (remainder < 0) != (b < 0) ? remainder + b : remainder;
}

template <typename T>
T MinOf(T a, T b) {
  if constexpr (std::floating_point<T>) {
    if (a != a) return a;
    if (b != b) return b;
    if (a == b) return std::signbit(a) ? a : b;
  }
  return b < a ? b : a;
}

template <typename T>
T MaxOf(T a, T b) {
  if constexpr (std::floating_point<T>) {
    if (a != a) return a;
    if (b != b) return b;
    if (a == b) return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}

// An amount outside [0, width) shifts everything out.
template <std::integral T>
T ShiftLeft(T a, T amount) {
  constexpr int kWidth = static_cast<int>(sizeof(T) * 8);
  auto by = static_cast<std::make_unsigned_t<T>>(amount);
  return by >= kWidth ? T{0} : static_cast<T>(static_cast<Wrapping<T>>(a) << by);
}

template <std::integral T>
T ShiftRight(T a, T amount) {
  constexpr int kWidth = static_cast<int>(sizeof(T) * 8);
  auto by = static_cast<std::make_unsigned_t<T>>(amount);
  if (by >= kWidth) return a < 0 ? static_cast<T>(-1) : T{0};
  return static_cast<T>(a >> by);
}

template <ScalarOp op, typename T>
T IntBinary(T a, T b) {
  using enum ScalarOp;
  [[maybe_unused]] auto x = static_cast<Wrapping<T>>(a);
  [[maybe_unused]] auto y = static_cast<Wrapping<T>>(b);
  if constexpr (op == kAdd) return static_cast<T>(x + y);
  if constexpr (op == kSub) return static_cast<T>(x - y);
  if constexpr (op == kMul) return static_cast<T>(x * y);
  if constexpr (op == kFloorDiv) return FloorDivInt(a, b);
  if constexpr (op == kFloorMod) return FloorModInt(a, b);
  if constexpr (op == kTruncDiv) return TruncDivInt(a, b);
  if constexpr (op == kTruncRem) return TruncRemInt(a, b);
  if constexpr (op == kShl) return ShiftLeft(a, b);
  if constexpr (op == kShr) return ShiftRight(a, b);
}

template <ScalarOp op, typename T>
T FloatBinary(T a, T b) {
  using enum ScalarOp;
  if constexpr (op == kAdd) return a + b;
  if constexpr (op == kSub) return a - b;
  if constexpr (op == kMul) return a * b;
  if constexpr (op == kDiv) return a / b;
  if constexpr (op == kFloorDiv) return std::floor(a / b);
  if constexpr (op == kFloorMod) return FloorModFloat(a, b);
  if constexpr (op == kTruncDiv) return std::trunc(a / b);
  if constexpr (op == kTruncRem) return std::fmod(a, b);
  if constexpr (op == kCopySign) return std::copysign(a, b);
  if constexpr (op == kPow) return std::pow(a, b);
  if constexpr (op == kAtan2) return std::atan2(a, b);
}

template <ScalarOp op, typename T>
T Binary(T a, T b) {
  using enum ScalarOp;
  if constexpr (op == kMin) {
    return MinOf(a, b);
  } else if constexpr (op == kMax) {
    return MaxOf(a, b);
  } else if constexpr (op == kAnd) {
    return static_cast<T>(a & b);
  } else if constexpr (op == kOr) {
    return static_cast<T>(a | b);
  } else if constexpr (op == kXor) {
    return static_cast<T>(a ^ b);
  } else if constexpr (std::floating_point<T>) {
    return FloatBinary<op>(a, b);
  } else {
    return IntBinary<op>(a, b);
  }
}

template <ScalarOp op, typename T>
bool Compare(T a, T b) {
  using enum ScalarOp;
  if constexpr (op == kEq) return a == b;
  if constexpr (op == kNe) return a != b;
  if constexpr (op == kLt) return a < b;
  if constexpr (op == kLe) return a <= b;
}

template <ScalarOp op, std::integral T>
T IntUnary(T a) {
  using enum ScalarOp;
  if constexpr (std::is_same_v<T, bool>) {
    return !a;
  } else if constexpr (op == kNot) {
    return static_cast<T>(~a);
  } else {
    T negative = static_cast<T>(Wrapping<T>{0} - static_cast<Wrapping<T>>(a));
    return op == kNeg || a < 0 ? negative : a;
  }
}

template <ScalarOp op, std::floating_point T>
T FloatMath(T a) {
  using enum ScalarOp;
  if constexpr (op == kExp) return std::exp(a);
  if constexpr (op == kExp2) return std::exp2(a);
  if constexpr (op == kExpm1) return std::expm1(a);
  if constexpr (op == kLog) return std::log(a);
  if constexpr (op == kLog2) return std::log2(a);
  if constexpr (op == kLog10) return std::log10(a);
  if constexpr (op == kLog1p) return std::log1p(a);
  if constexpr (op == kSin) return std::sin(a);
  if constexpr (op == kCos) return std::cos(a);
  if constexpr (op == kTan) return std::tan(a);
  if constexpr (op == kAsin) return std::asin(a);
  if constexpr (op == kAcos) return std::acos(a);
  if constexpr (op == kAtan) return std::atan(a);
  if constexpr (op == kSinh) return std::sinh(a);
  if constexpr (op == kCosh) return std::cosh(a);
  if constexpr (op == kTanh) return std::tanh(a);
  if constexpr (op == kAsinh) return std::asinh(a);
  if constexpr (op == kAcosh) return std::acosh(a);
  if constexpr (op == kAtanh) return std::atanh(a);
  if constexpr (op == kErf) return std::erf(a);
  if constexpr (op == kErfc) return std::erfc(a);
}

template <ScalarOp op, typename T>
T Unary(T a) {
  using enum ScalarOp;
  if constexpr (std::integral<T>) {
    return IntUnary<op>(a);
  } else if constexpr (op == kNeg) {
    return -a;
  } else if constexpr (op == kAbs) {
    return std::fabs(a);
  } else if constexpr (op == kSqrt) {
    return std::sqrt(a);
  } else if constexpr (op == kFloor) {
    return std::floor(a);
  } else if constexpr (op == kCeil) {
    return std::ceil(a);
  } else if constexpr (op == kTrunc) {
    return std::trunc(a);
  } else if constexpr (op == kRound) {
    return std::nearbyint(a);
  } else {
    return FloatMath<op>(a);
  }
}

// The total cast between types of computation: float to int truncates, saturates, NaN is 0.
template <typename To, typename From>
To CastOf(From a) {
  if constexpr (std::is_same_v<To, bool>) {
    return a != From{0};
  } else if constexpr (std::integral<To> && std::floating_point<From>) {
    // Both bounds are powers of two or zero, so exact in From.
    constexpr From kLow = static_cast<From>(std::numeric_limits<To>::min());
    constexpr From kEnd =
        From{2} * static_cast<From>(To{1} << (std::numeric_limits<To>::digits - 1));
    if (!(a > kLow)) return a == a ? std::numeric_limits<To>::min() : To{0};
    return a >= kEnd ? std::numeric_limits<To>::max() : static_cast<To>(a);
  } else {
    return static_cast<To>(a);
  }
}

}  // namespace tensord::ir
