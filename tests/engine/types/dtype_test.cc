#include "engine/types/dtype.h"

#include <gtest/gtest.h>

#include "engine/types/capabilities.h"

namespace tensord::types {
namespace {

using D = DType;

TEST(DType, RowsAreInWireOrder) {
  int number = 1;
  for (const DTypeRow& row : AllDTypes()) {
    EXPECT_EQ(static_cast<int>(row.dtype), number++);
    EXPECT_EQ(DTypeFromName(row.name), row.dtype);
    EXPECT_EQ(DTypeFromName(row.numpy), row.dtype);
    EXPECT_EQ(DTypeFromNumber(static_cast<int>(row.dtype)), row.dtype);
    EXPECT_EQ(&Row(row.dtype), &row);
  }
  EXPECT_EQ(AllDTypes().size(), 13u);
}

TEST(DType, UnknownNumbersAreInvalid) {
  EXPECT_EQ(DTypeFromNumber(0), std::nullopt);
  EXPECT_EQ(DTypeFromNumber(14), std::nullopt);
  EXPECT_EQ(DTypeFromNumber(-1), std::nullopt);
  EXPECT_EQ(DTypeFromNumber(1000), std::nullopt);
  EXPECT_EQ(DTypeFromNumber(30), D::kWeakInt);
  EXPECT_EQ(DTypeFromName("f8"), std::nullopt);
  EXPECT_EQ(Name(static_cast<D>(99)), "invalid");
  EXPECT_EQ(Bytes(D::kInvalid), 0);
}

TEST(DType, PromotesAsJaxDoes) {
  EXPECT_EQ(Promote(D::kU8, D::kI8), D::kI16);
  EXPECT_EQ(Promote(D::kU32, D::kI32), D::kI64);
  EXPECT_EQ(Promote(D::kU64, D::kI64), D::kWeakFloat);
  EXPECT_EQ(Promote(D::kF16, D::kBF16), D::kF32);
  EXPECT_EQ(Promote(D::kI64, D::kF16), D::kF16);
  EXPECT_EQ(Promote(D::kBool, D::kU8), D::kU8);
  EXPECT_EQ(Promote(D::kWeakInt, D::kU8), D::kU8);
  EXPECT_EQ(Promote(D::kWeakFloat, D::kBF16), D::kBF16);
  EXPECT_EQ(Promote(D::kWeakFloat, D::kI32), D::kWeakFloat);
  EXPECT_EQ(Promote(D::kWeakInt, D::kBool), D::kWeakInt);
  EXPECT_EQ(Promote(D::kF32, D::kF64), D::kF64);
  EXPECT_EQ(Promote(D::kInvalid, D::kF64), D::kInvalid);
}

TEST(DType, PromotionIsALattice) {
  std::vector<D> all = {D::kWeakInt, D::kWeakFloat};
  for (const DTypeRow& row : AllDTypes()) all.push_back(row.dtype);
  for (D a : all) {
    EXPECT_EQ(Promote(a, a), a);
    for (D b : all) {
      EXPECT_EQ(Promote(a, b), Promote(b, a));
      EXPECT_NE(Promote(a, b), D::kInvalid);
      for (D c : all) EXPECT_EQ(Promote(Promote(a, b), c), Promote(a, Promote(b, c)));
    }
  }
}

TEST(DType, StrongAndFloat) {
  EXPECT_EQ(Strong(D::kWeakInt), D::kI32);
  EXPECT_EQ(Strong(D::kWeakFloat), D::kF32);
  EXPECT_EQ(Strong(D::kU8), D::kU8);
  EXPECT_EQ(FloatOf(D::kI64), D::kF32);
  EXPECT_EQ(FloatOf(D::kBF16), D::kBF16);
  EXPECT_EQ(FloatOf(D::kBool), D::kF32);
}

TEST(DType, SumsAccumulateWide) {
  EXPECT_EQ(Row(D::kBool).sum, D::kI32);
  EXPECT_EQ(Row(D::kU8).sum, D::kU32);
  EXPECT_EQ(Row(D::kI64).sum, D::kI64);
  EXPECT_EQ(Row(D::kF16).sum, D::kF32);
}

TEST(Capabilities, NativeDTypesAndLanes) {
  Capabilities c;
  c.vector_bytes = 32;
  c.SetNative(D::kF32);
  EXPECT_TRUE(c.Supports(D::kF32));
  EXPECT_FALSE(c.Supports(D::kF16));
  EXPECT_EQ(c.VectorLanes(D::kF32), 8);
  EXPECT_EQ(c.VectorLanes(D::kBool), 32);
  EXPECT_STREQ(DeviceKindName(c.kind), "cpu");
}

}  // namespace
}  // namespace tensord::types
