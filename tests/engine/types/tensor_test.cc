#include "engine/types/tensor.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace tensord::types {
namespace {

using D = DType;
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Scalar, IntegersWrap) {
  EXPECT_EQ(Scalar::Int(D::kI8, 200).i, -56);
  EXPECT_EQ(Scalar::Int(D::kU8, -1).u, 255u);
  EXPECT_EQ(Scalar::Int(D::kBool, 7).i, 1);
  EXPECT_EQ(Scalar::Int(D::kU64, -1).u, ~uint64_t{0});
  EXPECT_EQ(Scalar::Int(D::kI32, int64_t{1} << 40).i, 0);
}

TEST(Scalar, FloatsSaturateIntoIntegers) {
  const auto cast = [](double v, D to) { return Scalar::Float(D::kF64, v).Cast(to); };
  EXPECT_EQ(cast(1e30, D::kI32).i, std::numeric_limits<int32_t>::max());
  EXPECT_EQ(cast(-1e30, D::kI64).i, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(cast(kNan, D::kI32).i, 0);
  EXPECT_EQ(cast(-0.9, D::kI32).i, 0);
  EXPECT_EQ(cast(-1, D::kU8).u, 0u);
  EXPECT_EQ(cast(kInf, D::kU64).u, ~uint64_t{0});
  EXPECT_EQ(cast(300, D::kU8).u, 255u);
  EXPECT_EQ(cast(-128.5, D::kI8).i, -128);
  EXPECT_EQ(cast(kNan, D::kBool).i, 1);
  EXPECT_EQ(cast(0.0, D::kBool).i, 0);
  EXPECT_EQ(Scalar::Float(D::kF32, kInf).AsInt64(), std::numeric_limits<int64_t>::max());
}

TEST(Scalar, IntegersRoundIntoFloats) {
  EXPECT_EQ(Scalar::Int(D::kI64, (int64_t{1} << 53) + 1).Cast(D::kF64).f, 9007199254740992.0);
  EXPECT_EQ(Scalar::Int(D::kI32, 16777217).Cast(D::kF32).f, 16777216.0);
  EXPECT_EQ(Scalar::Int(D::kU64, -1).Cast(D::kF32).f, 18446744073709551616.0);
  EXPECT_EQ(Scalar::Int(D::kI32, 70000).Cast(D::kF16).f, kInf);
}

TEST(Scalar, BitwiseEquality) {
  EXPECT_EQ(Scalar::Float(D::kF32, kNan), Scalar::Float(D::kF32, kNan));
  EXPECT_FALSE(Scalar::Float(D::kF32, 0.0) == Scalar::Float(D::kF32, -0.0));
}

TEST(Scalar, Text) {
  EXPECT_EQ(Scalar::Float(D::kF32, 1.5).ToString(), "1.5");
  EXPECT_EQ(Scalar::Float(D::kF32, 0.1).ToString(), "0.1");
  EXPECT_EQ(Scalar::Float(D::kF64, 0.1).ToString(), "0.1");
  EXPECT_EQ(Scalar::Float(D::kF64, -kInf).ToString(), "-inf");
  EXPECT_EQ(Scalar::Float(D::kF16, kNan).ToString(), "nan");
  EXPECT_EQ(Scalar::Int(D::kI8, -3).ToString(), "-3");
  EXPECT_EQ(Scalar::Int(D::kBool, 1).ToString(), "true");
  EXPECT_EQ(Scalar::Int(D::kU64, -1).ToString(), "18446744073709551615");
}

TEST(Scalar, BytesRoundTrip) {
  for (const DTypeRow& row : AllDTypes()) {
    for (double v : {0.0, 1.0, 5.0, 100.0}) {
      const Scalar s = Scalar::Float(D::kF64, v).Cast(row.dtype);
      std::byte bytes[8];
      s.ToBytes(bytes);
      EXPECT_EQ(Scalar::FromBytes(row.dtype, bytes), s) << row.name << " " << v;
    }
  }
}

// The nearest 16-bit float by search: the oracle for the conversions.
uint16_t Nearest(double value, float (*widen)(uint16_t), uint16_t infinity) {
  uint16_t best = 0;
  double best_error = kInf;
  for (uint32_t bits = 0; bits <= infinity; ++bits) {
    double candidate = widen(static_cast<uint16_t>(bits));
    // Infinity stands where the next number would be.
    if (bits == infinity) {
      candidate = 2.0 * widen(infinity - 1) - widen(infinity - 2);
    }
    const double error = std::fabs(candidate - std::fabs(value));
    if (error < best_error || (error == best_error && bits % 2 == 0)) {
      best = static_cast<uint16_t>(bits);
      best_error = error;
    }
  }
  return static_cast<uint16_t>(best | (std::signbit(value) ? 0x8000 : 0));
}

TEST(HalfFloats, EveryValueRoundTrips) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const uint16_t b = static_cast<uint16_t>(bits);
    if (std::isnan(F16ToF32(b))) {
      EXPECT_TRUE(std::isnan(F16ToF32(F32ToF16(F16ToF32(b)))));
    } else {
      EXPECT_EQ(F32ToF16(F16ToF32(b)), b);
    }
    if (std::isnan(BF16ToF32(b))) {
      EXPECT_TRUE(std::isnan(BF16ToF32(F32ToBF16(BF16ToF32(b)))));
    } else {
      EXPECT_EQ(F32ToBF16(BF16ToF32(b)), b);
      EXPECT_EQ(F64ToBF16(BF16ToF32(b)), b);
    }
  }
}

TEST(HalfFloats, RoundToNearestEven) {
  std::mt19937 random(1);
  for (int i = 0; i < 300; ++i) {
    const int power = static_cast<int>(random() % 44) - 27;
    const double v = std::ldexp(1.0 + static_cast<double>(random() % 65536) / 65536.0, power) *
                     (random() % 2 == 0 ? 1 : -1);
    EXPECT_EQ(F64ToF16(v), Nearest(v, F16ToF32, 0x7c00)) << v;
    EXPECT_EQ(F32ToF16(static_cast<float>(v)), F64ToF16(v)) << v;
  }
  EXPECT_EQ(F64ToF16(65519.99), 0x7bff);
  EXPECT_EQ(F64ToF16(65520), 0x7c00);
  EXPECT_EQ(F64ToF16(std::ldexp(1.0, -25)), 0);
  EXPECT_EQ(F64ToF16(std::ldexp(1.0, -25) * 1.0001), 1);
  // One rounding: through f32 this would be a tie.
  EXPECT_EQ(F64ToF16(1.0 + std::ldexp(1.0, -11) + std::ldexp(1.0, -40)), 0x3c01);
  EXPECT_EQ(F64ToBF16(1.0 + std::ldexp(1.0, -8) + std::ldexp(1.0, -40)), 0x3f81);
  EXPECT_EQ(F32ToBF16(std::bit_cast<float>(0x7f7fffffu)), 0x7f80);
  EXPECT_TRUE(std::isnan(BF16ToF32(F32ToBF16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(HostTensor, HoldsElements) {
  HostTensor t(D::kI16, {2, 3});
  EXPECT_EQ(t.elements(), 6);
  EXPECT_EQ(t.bytes().size(), 12u);
  t.Set(4, Scalar::Float(D::kF64, 2.9));
  EXPECT_EQ(t.At(4).i, 2);
  EXPECT_EQ(t.as<int16_t>()[4], 2);
  EXPECT_EQ(t.ToString(), "i16[2,3] {0, 0, 0, 0, 2, 0}");
  EXPECT_EQ(HostTensor(D::kF32, {3, 0}).elements(), 0);
  EXPECT_EQ(HostTensor(D::kF32, {}).elements(), 1);
  EXPECT_EQ(HostTensor::FromDoubles(D::kBF16, {2}, {1.0, 0.5}).ToString(), "bf16[2] {1, 0.5}");
  EXPECT_EQ(HostTensor(D::kU8, {40}).ToString().substr(0, 12), "u8[40] {0, 0");
}

}  // namespace
}  // namespace tensord::types
