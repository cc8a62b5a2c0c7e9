// What the expansions of f32 functions are held to: libm in double, and how far a float is off.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "engine/ir/scalar_lanes.h"

namespace tensord::kernel {

// The distance of `got` from `exact` in units in the last place of f32 at `exact` (2^-149 for
// denormals; infinity counts as 2^128). Infinite where only one is NaN or the signs differ, a
// zero's too.
inline double UlpsOff(float got, double exact) {
  constexpr double kEnd = 0x1p128;
  if (std::isnan(exact) || std::isnan(got)) {
    return std::isnan(exact) == std::isnan(got) ? 0 : std::numeric_limits<double>::infinity();
  }
  if (std::signbit(exact) != std::signbit(got)) return std::numeric_limits<double>::infinity();
  const double want = std::min(std::fabs(exact), kEnd),
               have = std::min<double>(std::fabs(got), kEnd);
  if (want == have) return 0;
  const auto exponent = static_cast<int>(std::bit_cast<uint64_t>(want) >> 52) - 1023;
  const auto unit = static_cast<uint64_t>(std::clamp(exponent, -126, 127) - 23 + 1023) << 52;
  return std::fabs(have - want) / std::bit_cast<double>(unit);
}

// op of each element in double. `y` is read where op has two operands.
inline std::vector<double> ExactValues(ir::ScalarOp op, absl::Span<const float> x,
                                       absl::Span<const float> y = {}) {
  const std::vector<double> a(x.begin(), x.end()), b(y.begin(), y.end());
  std::vector<double> exact(x.size());
  const auto f64 = types::DType::kF64;
  ir::LaneFunctionFor(op, f64, f64)(
      reinterpret_cast<std::byte*>(exact.data()), reinterpret_cast<const std::byte*>(a.data()),
      reinterpret_cast<const std::byte*>(b.data()), nullptr, static_cast<int64_t>(a.size()));
  return exact;
}

// Arguments at which functions change their behaviour, each with its neighbours and both signs.
inline std::vector<float> SpecialArguments() {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> arguments = {std::numeric_limits<float>::quiet_NaN()};
  for (float x :
       {0.0f,        1e-45f,      0x1p-126f,  0x1p-64f,      0x1p-29f,    0x1p-24f,   0x1p-12f,
        0.25f,       0.33333334f, 0.5f,       0.6f,          0.66666669f, 0.6931472f, 0.70710677f,
        0.78539819f, 0.921875f,   1.0f,       1.3333334f,    1.4142135f,  1.5f,       1.5707964f,
        2.0f,        2.5f,        3.0f,       3.1415927f,    3.92f,       4.7123890f, 9.0f,
        10.054f,     16.0f,       17.328680f, 22.0f,         37.0f,       88.722839f, 89.415985f,
        103.27893f,  103.97208f,  126.0f,     127.99999f,    149.0f,      149.5f,     150.0f,
        355.0f,      1e5f,        0x1p24f,    0x1p30f,       0x1p31f,     0x1p50f,    0x1p52f,
        0x1p63f,     0x1p76f,     0x1p102f,   3.4028235e38f, inf}) {
    for (float near : {std::nextafter(x, 0.0f), x, std::nextafter(x, inf)}) {
      arguments.push_back(near);
      arguments.push_back(-near);
    }
  }
  return arguments;
}

}  // namespace tensord::kernel
