#include "engine/ir/scalar_op.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/ir/scalar_lanes.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::ir {
namespace {

using types::DType;
using types::Scalar;

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNan = std::nan("");

int64_t Int(ScalarOp op, DType dtype, int64_t a, int64_t b) {
  return Evaluate(op, dtype, {Scalar::Int(dtype, a), Scalar::Int(dtype, b)}).i;
}
double Float(ScalarOp op, DType dtype, double a, double b) {
  return Evaluate(op, dtype, {Scalar::Float(dtype, a), Scalar::Float(dtype, b)}).f;
}
double Float(ScalarOp op, DType dtype, double a) {
  return Evaluate(op, dtype, {Scalar::Float(dtype, a)}).f;
}
bool Compare(ScalarOp op, double a, double b) {
  return Evaluate(op, DType::kBool, {Scalar::Float(DType::kF32, a), Scalar::Float(DType::kF32, b)})
             .i != 0;
}
Scalar Cast(Scalar from, DType to) { return Evaluate(ScalarOp::kCast, to, {from}); }

TEST(ScalarOp, NamesAreDistinctAndFound) {
  for (const ScalarOpRow& row : AllScalarOps()) {
    EXPECT_EQ(ScalarOpFromName(row.name), row.op);
    EXPECT_EQ(&Row(row.op), &row);
    EXPECT_GE(row.arity, 1);
    EXPECT_LE(row.arity, 3);
  }
  EXPECT_FALSE(ScalarOpFromName("nonsense").has_value());
  EXPECT_EQ(AllScalarOps().size(), static_cast<size_t>(ScalarOp::kCount));
}

TEST(ScalarOp, IntegersWrap) {
  EXPECT_EQ(Int(ScalarOp::kAdd, DType::kI8, 127, 1), -128);
  EXPECT_EQ(Int(ScalarOp::kSub, DType::kU8, 0, 1), 255);
  EXPECT_EQ(Int(ScalarOp::kMul, DType::kU16, 65535, 65535), 1);
  EXPECT_EQ(Int(ScalarOp::kMul, DType::kI32, INT32_MIN, -1), INT32_MIN);
  EXPECT_EQ(Int(ScalarOp::kAdd, DType::kI64, INT64_MAX, 1), INT64_MIN);
  EXPECT_EQ(Evaluate(ScalarOp::kNeg, DType::kI64, {Scalar::Int(DType::kI64, INT64_MIN)}).i,
            INT64_MIN);
  EXPECT_EQ(Evaluate(ScalarOp::kAbs, DType::kI8, {Scalar::Int(DType::kI8, -128)}).i, -128);
  EXPECT_EQ(Evaluate(ScalarOp::kAbs, DType::kU8, {Scalar::Int(DType::kU8, 200)}).i, 200);
  EXPECT_EQ(Evaluate(ScalarOp::kNeg, DType::kU8, {Scalar::Int(DType::kU8, 1)}).i, 255);
}

TEST(ScalarOp, DivisionIsTotal) {
  for (const types::DTypeRow& row : types::AllDTypes()) {
    if (!types::IsInteger(row.dtype)) continue;
    for (ScalarOp op :
         {ScalarOp::kFloorDiv, ScalarOp::kFloorMod, ScalarOp::kTruncDiv, ScalarOp::kTruncRem}) {
      EXPECT_EQ(Int(op, row.dtype, 5, 0), 0) << row.name;
      EXPECT_EQ(Int(op, row.dtype, 0, 0), 0) << row.name;
    }
    if (!types::IsSigned(row.dtype)) continue;
    const int64_t lowest = INT64_MIN >> (64 - row.bits);
    EXPECT_EQ(Int(ScalarOp::kFloorDiv, row.dtype, lowest, -1), lowest);
    EXPECT_EQ(Int(ScalarOp::kTruncDiv, row.dtype, lowest, -1), lowest);
    EXPECT_EQ(Int(ScalarOp::kFloorMod, row.dtype, lowest, -1), 0);
    EXPECT_EQ(Int(ScalarOp::kTruncRem, row.dtype, lowest, -1), 0);
  }
}

TEST(ScalarOp, DivisionFloorsOrTruncates) {
  for (int a = -9; a <= 9; ++a) {
    for (int b = -4; b <= 4; ++b) {
      if (b == 0) continue;
      EXPECT_EQ(Int(ScalarOp::kFloorDiv, DType::kI32, a, b), std::floor(a / double(b)));
      EXPECT_EQ(Int(ScalarOp::kFloorMod, DType::kI32, a, b), a - b * std::floor(a / double(b)));
      EXPECT_EQ(Int(ScalarOp::kTruncDiv, DType::kI32, a, b), a / b);
      EXPECT_EQ(Int(ScalarOp::kTruncRem, DType::kI32, a, b), a % b);
    }
  }
  EXPECT_EQ(Float(ScalarOp::kFloorDiv, DType::kF32, -7, 2), -4);
  EXPECT_EQ(Float(ScalarOp::kTruncDiv, DType::kF32, -7, 2), -3);
  EXPECT_EQ(Float(ScalarOp::kFloorMod, DType::kF32, -7, 2), 1);
  EXPECT_EQ(Float(ScalarOp::kFloorMod, DType::kF32, 7, -2), -1);
  EXPECT_EQ(Float(ScalarOp::kTruncRem, DType::kF32, -7, 2), -1);
  EXPECT_EQ(Float(ScalarOp::kFloorMod, DType::kF64, -1, kInf), kInf);
  EXPECT_TRUE(std::signbit(Float(ScalarOp::kFloorMod, DType::kF64, 4, -2)));
  EXPECT_EQ(Float(ScalarOp::kFloorDiv, DType::kF32, 1, 0), kInf);
  EXPECT_TRUE(std::isnan(Float(ScalarOp::kFloorMod, DType::kF32, 1, 0)));
}

TEST(ScalarOp, ShiftsBeyondTheWidth) {
  EXPECT_EQ(Int(ScalarOp::kShl, DType::kI32, 1, 31), INT32_MIN);
  EXPECT_EQ(Int(ScalarOp::kShl, DType::kI32, 1, 32), 0);
  EXPECT_EQ(Int(ScalarOp::kShl, DType::kI32, 1, -1), 0);
  EXPECT_EQ(Int(ScalarOp::kShr, DType::kI32, -8, 1), -4);
  EXPECT_EQ(Int(ScalarOp::kShr, DType::kI32, -8, 40), -1);
  EXPECT_EQ(Int(ScalarOp::kShr, DType::kI32, 8, 40), 0);
  EXPECT_EQ(Int(ScalarOp::kShr, DType::kU8, 255, 7), 1);
  EXPECT_EQ(Int(ScalarOp::kShr, DType::kU8, 255, 8), 0);
  EXPECT_EQ(Int(ScalarOp::kShl, DType::kU64, 1, 63), INT64_MIN);
}

TEST(ScalarOp, MinAndMaxKeepNanAndZeroSigns) {
  for (DType dtype : {DType::kF16, DType::kBF16, DType::kF32, DType::kF64}) {
    EXPECT_TRUE(std::isnan(Float(ScalarOp::kMin, dtype, kNan, 1)));
    EXPECT_TRUE(std::isnan(Float(ScalarOp::kMin, dtype, 1, kNan)));
    EXPECT_TRUE(std::isnan(Float(ScalarOp::kMax, dtype, kNan, kInf)));
    EXPECT_TRUE(std::isnan(Float(ScalarOp::kMax, dtype, 1, kNan)));
    for (int order = 0; order < 2; ++order) {
      const double a = order == 0 ? -0.0 : 0.0;
      EXPECT_TRUE(std::signbit(Float(ScalarOp::kMin, dtype, a, -a)));
      EXPECT_FALSE(std::signbit(Float(ScalarOp::kMax, dtype, a, -a)));
    }
  }
}

TEST(ScalarOp, ComparesNan) {
  for (auto [a, b] : {std::pair{kNan, 1.0}, {1.0, kNan}, {kNan, kNan}}) {
    EXPECT_FALSE(Compare(ScalarOp::kEq, a, b));
    EXPECT_TRUE(Compare(ScalarOp::kNe, a, b));
    EXPECT_FALSE(Compare(ScalarOp::kLt, a, b));
    EXPECT_FALSE(Compare(ScalarOp::kLe, a, b));
  }
  EXPECT_TRUE(Compare(ScalarOp::kEq, 0.0, -0.0));
  EXPECT_FALSE(Compare(ScalarOp::kLt, -0.0, 0.0));
}

TEST(ScalarOp, CastsSaturate) {
  auto from = [](double v) { return Scalar::Float(DType::kF32, v); };
  EXPECT_EQ(Cast(from(300), DType::kU8).i, 255);
  EXPECT_EQ(Cast(from(-1), DType::kU8).i, 0);
  EXPECT_EQ(Cast(from(-0.9), DType::kU8).i, 0);
  EXPECT_EQ(Cast(from(255.9), DType::kU8).i, 255);
  EXPECT_EQ(Cast(from(-128.9), DType::kI8).i, -128);
  EXPECT_EQ(Cast(from(-1e30), DType::kI64).i, INT64_MIN);
  EXPECT_EQ(Cast(from(1e30), DType::kI64).i, INT64_MAX);
  EXPECT_EQ(Cast(from(1e30), DType::kU64).u, UINT64_MAX);
  EXPECT_EQ(Cast(from(2147483648.0), DType::kI32).i, INT32_MAX);
  EXPECT_EQ(Cast(from(kInf), DType::kI32).i, INT32_MAX);
  EXPECT_EQ(Cast(from(-kInf), DType::kI32).i, INT32_MIN);
  for (const types::DTypeRow& row : types::AllDTypes()) {
    if (!types::IsInteger(row.dtype)) continue;
    EXPECT_EQ(Cast(from(kNan), row.dtype).i, 0) << row.name;
  }
  EXPECT_EQ(Cast(from(kNan), DType::kBool).i, 1);
  EXPECT_EQ(Cast(from(-0.0), DType::kBool).i, 0);
  EXPECT_EQ(Cast(Scalar::Int(DType::kI32, -1), DType::kU8).i, 255);
  EXPECT_EQ(Cast(Scalar::Int(DType::kI32, 256), DType::kBool).i, 1);
  EXPECT_EQ(Cast(Scalar::Int(DType::kU64, -1), DType::kI64).i, -1);
  EXPECT_EQ(Cast(Scalar::Int(DType::kBool, 1), DType::kF16).f, 1);
  // One rounding from double: twice would give 1 + 2^-10.
  const double between = 1 + std::ldexp(1, -11) + std::ldexp(1, -30);
  EXPECT_EQ(Cast(Scalar::Float(DType::kF64, between), DType::kF16).f, 1 + std::ldexp(1, -10));
}

TEST(ScalarOp, CastsAgreeWithScalar) {
  std::mt19937_64 random(3);
  for (const types::DTypeRow& from : types::AllDTypes()) {
    for (const types::DTypeRow& to : types::AllDTypes()) {
      for (int i = 0; i < 50; ++i) {
        const uint64_t bits = random() >> (random() % 64);
        std::byte bytes[8];
        std::memcpy(bytes, &bits, 8);
        const Scalar value = types::IsBool(from.dtype) ? Scalar::Int(from.dtype, bits & 1)
                                                       : Scalar::FromBytes(from.dtype, bytes);
        const Scalar got = Cast(value, to.dtype), want = value.Cast(to.dtype);
        if (types::IsFloat(to.dtype) && std::isnan(want.f)) {
          EXPECT_TRUE(std::isnan(got.f));
        } else {
          EXPECT_EQ(got, want) << from.name << " " << value.ToString() << " to " << to.name;
        }
      }
    }
  }
}

TEST(ScalarOp, RoundsHalfToEven) {
  EXPECT_EQ(Float(ScalarOp::kRound, DType::kF32, 2.5), 2);
  EXPECT_EQ(Float(ScalarOp::kRound, DType::kF32, 3.5), 4);
  EXPECT_EQ(Float(ScalarOp::kRound, DType::kF64, -0.5), 0);
  EXPECT_TRUE(std::signbit(Float(ScalarOp::kRound, DType::kF64, -0.5)));
  EXPECT_TRUE(std::signbit(Float(ScalarOp::kNeg, DType::kF32, 0)));
  EXPECT_TRUE(std::signbit(Float(ScalarOp::kCopySign, DType::kBF16, 3, -0.0)));
}

TEST(ScalarOp, HalvesComputeInFloatAndRound) {
  // 2048 + 1 has no f16; 256 + 1 no bf16.
  EXPECT_EQ(Float(ScalarOp::kAdd, DType::kF16, 2048, 1), 2048);
  EXPECT_EQ(Float(ScalarOp::kAdd, DType::kBF16, 256, 1), 256);
  EXPECT_EQ(Float(ScalarOp::kMul, DType::kF16, 60000, 2), kInf);
  EXPECT_EQ(Float(ScalarOp::kAdd, DType::kF16, std::ldexp(1, -24), std::ldexp(1, -24)),
            std::ldexp(1, -23));
}

TEST(ScalarOp, FmaRoundsOnce) {
  std::mt19937 random(4);
  std::uniform_real_distribution<float> uniform(-2, 2);
  for (DType dtype : {DType::kF32, DType::kF64}) {
    for (int n = 1; n < 40; ++n) {
      std::vector<float> a(n), b(n), c(n);
      std::vector<double> x(n), y(n), z(n), wide(n);
      for (int i = 0; i < n; ++i) {
        x[i] = a[i] = uniform(random);
        y[i] = b[i] = uniform(random);
        z[i] = c[i] = -a[i] * b[i];
      }
      std::vector<float> narrow(n);
      auto bytes = [](auto& v) { return reinterpret_cast<std::byte*>(v.data()); };
      LaneFunction fma = LaneFunctionFor(ScalarOp::kFma, dtype, dtype);
      if (dtype == DType::kF32) fma(bytes(narrow), bytes(a), bytes(b), bytes(c), n);
      if (dtype == DType::kF64) fma(bytes(wide), bytes(x), bytes(y), bytes(z), n);
      for (int i = 0; i < n; ++i) {
        const bool narrow_ok = narrow[i] == std::fma(a[i], b[i], c[i]);
        const bool wide_ok = wide[i] == std::fma(x[i], y[i], z[i]);
        EXPECT_TRUE(dtype == DType::kF32 ? narrow_ok : wide_ok) << n << " " << i;
      }
    }
  }
}

TEST(ScalarOp, BitcastsAndWhere) {
  const Scalar one = Scalar::Float(DType::kF32, 1);
  EXPECT_EQ(Evaluate(ScalarOp::kBitcast, DType::kU32, {one}).u, 0x3f800000u);
  EXPECT_EQ(Evaluate(ScalarOp::kBitcast, DType::kF32, {Scalar::Int(DType::kI32, 0x3f800000)}), one);
  const Scalar yes = Scalar::Int(DType::kBool, 1), two = Scalar::Float(DType::kF32, 2);
  EXPECT_EQ(Evaluate(ScalarOp::kWhere, DType::kF32, {yes, one, two}), one);
}

// Every op on every dtype: any number of lanes gives what one lane at a time gives, in place too.
TEST(ScalarLanes, LanesDoNotMatter) {
  std::mt19937_64 random(5);
  constexpr int kMost = 37;
  for (const ScalarOpRow& row : AllScalarOps()) {
    for (const types::DTypeRow& operand : types::AllDTypes()) {
      for (const types::DTypeRow& result : types::AllDTypes()) {
        LaneFunction function = LaneFunctionFor(row.op, operand.dtype, result.dtype);
        if (function == nullptr) continue;
        alignas(64) std::byte in[3][kMost * 8], all[kMost * 8], each[kMost * 8];
        for (int k = 0; k < 3; ++k) {
          const bool is_bool =
              types::IsBool(operand.dtype) || (row.op == ScalarOp::kWhere && k == 0);
          for (std::byte& b : in[k]) b = static_cast<std::byte>(random() & (is_bool ? 1 : 255));
        }
        const int size = operand.bytes, out = result.bytes,
                  first = row.op == ScalarOp::kWhere ? 1 : size;
        function(all, in[0], in[1], in[2], kMost);
        for (int i = 0; i < kMost; ++i) {
          function(each + i * out, in[0] + i * first, in[1] + i * size, in[2] + i * size, 1);
        }
        for (int i = 0; i < kMost; ++i) {
          const Scalar a = Scalar::FromBytes(result.dtype, all + i * out);
          const Scalar b = Scalar::FromBytes(result.dtype, each + i * out);
          const bool both_nan = types::IsFloat(result.dtype) && std::isnan(a.f) && std::isnan(b.f);
          ASSERT_TRUE(both_nan || a == b) << row.name << " of " << operand.name << ", lane " << i;
        }
        if (operand.dtype != result.dtype || row.op == ScalarOp::kWhere) continue;
        function(in[0], in[0], in[1], in[2], kMost);
        EXPECT_EQ(std::memcmp(in[0], all, static_cast<size_t>(kMost * size)), 0) << row.name;
      }
    }
  }
}

TEST(ScalarLanes, BoolIsNoNumber) {
  for (ScalarOp op : {ScalarOp::kAdd, ScalarOp::kMul, ScalarOp::kShl, ScalarOp::kNeg,
                      ScalarOp::kFma, ScalarOp::kExp, ScalarOp::kFloorDiv}) {
    EXPECT_EQ(LaneFunctionFor(op, DType::kBool, DType::kBool), nullptr);
  }
  for (ScalarOp op : {ScalarOp::kAnd, ScalarOp::kXor, ScalarOp::kNot, ScalarOp::kMin, ScalarOp::kEq,
                      ScalarOp::kWhere, ScalarOp::kCast}) {
    EXPECT_NE(LaneFunctionFor(op, DType::kBool, DType::kBool), nullptr) << Row(op).name;
  }
  EXPECT_EQ(LaneFunctionFor(ScalarOp::kAnd, DType::kF32, DType::kF32), nullptr);
  EXPECT_EQ(LaneFunctionFor(ScalarOp::kExp, DType::kI32, DType::kI32), nullptr);
}

}  // namespace
}  // namespace tensord::ir
