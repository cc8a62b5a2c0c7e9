#include <gtest/gtest.h>

#include "engine/types/sym.h"

namespace tensord::types {
namespace {

class MaskTest : public ::testing::Test {
 protected:
  const Sym i = Sym::Variable("i", 0, 15), j = Sym::Variable("j", 0, 7),
            k = Sym::Variable("k", 0, 2);
  Mask mask;
};

TEST_F(MaskTest, WhatAlwaysHoldsVanishes) {
  mask.Require(i, 0, 15);
  mask.Require(i + j, -3, 100);
  EXPECT_TRUE(mask.always());
  EXPECT_EQ(mask.ToString(), "always");
}

TEST_F(MaskTest, WhatCannotHoldIsNever) {
  mask.Require(i, 3, 5);
  mask.Require(i, 7, 9);
  EXPECT_TRUE(mask.never());
  EXPECT_EQ(mask, Mask::Never());
  EXPECT_FALSE(mask.Holds({{"i", 4}}));
}

TEST_F(MaskTest, BoundsAreNormal) {
  mask.Require(6 - 2 * i, -7, 3);  // 2 <= i <= 6
  ASSERT_EQ(mask.bounds().size(), 1u);
  EXPECT_EQ(mask.bounds()[0], (Bound{i, 2, 6}));
  EXPECT_EQ(mask.ToString(), "2 <= i <= 6");
}

TEST_F(MaskTest, QuotientsLeaveBounds) {
  mask.Require(FloorDiv(i, 4), 1, 2);
  EXPECT_EQ(mask.ToString(), "4 <= i <= 11");
  mask.Require(Mod(FloorDiv(Sym::Variable("x", 0, 99), 4), 3), 1, 1);
  EXPECT_EQ(mask.bounds().size(), 2u);
}

TEST_F(MaskTest, ModulosOverOneMultipleLeaveToo) {
  mask.Require(Mod(j + 2, 6), 0, 0);  // j == 4
  EXPECT_EQ(mask.ToString(), "j == 4");
}

TEST_F(MaskTest, ImpliedBoundsAreDropped) {
  mask.Require(i, 3, 15);
  mask.Require(i + j, 3, 22);
  EXPECT_EQ(mask.bounds().size(), 1u);
  mask.Require(i * 2 + j, 5, 40);
  EXPECT_EQ(mask.bounds().size(), 1u);
  Mask other;
  other.Require(i + j, 3, 22);
  other.Require(i, 3, 15);
  EXPECT_EQ(mask, other);
}

TEST_F(MaskTest, ABoundNarrowsAnother) {
  mask.Require(Mod(i, 3), 0, 1);
  mask.Require(i, 3, 5);
  EXPECT_EQ(mask.ToString(), "3 <= i <= 4");
}

TEST_F(MaskTest, EqualMasksHashAlike) {
  Mask other;
  mask.Require(i, 1, 5);
  mask.Require(j + k, 2, 3);
  other.Require(k + j, 2, 3);
  other.Require(-i, -5, -1);
  EXPECT_EQ(mask, other);
  EXPECT_EQ(mask.hash(), other.hash());
}

TEST_F(MaskTest, SubstitutionSettles) {
  mask.Require(i + k - 1, 0, 14);
  const Sym w = Sym::Variable("w", 0, 12);
  EXPECT_TRUE(mask.Substitute({{"i", w + 1}}).always());
  EXPECT_TRUE(mask.Substitute({{"i", -w - 3}}).never());
  EXPECT_TRUE(mask.DependsOn("k"));
  EXPECT_FALSE(mask.DependsOn("j"));
}

TEST_F(MaskTest, SimplifyUnderUsesBounds) {
  mask.Require(i, 4, 7);
  EXPECT_EQ(SimplifyUnder(FloorDiv(i, 4), mask), Sym(1));
  EXPECT_EQ(SimplifyUnder(Mod(i, 4), mask), i - 4);
  mask.Require(2 * i + j - 8, 0, 7);
  EXPECT_EQ(SimplifyUnder(FloorDiv(2 * i + j, 8), mask), Sym(1));
}

TEST_F(MaskTest, SimplifyUnderUsesEquations) {
  mask.Require(Mod(i, 2), 0, 0);
  EXPECT_EQ(SimplifyUnder(FloorDiv(i, 2) * 2 + j, mask), i + j);
  mask.Require(j, 5, 5);
  EXPECT_EQ(SimplifyUnder(FloorDiv(i + j * 16, 16), mask), Sym(5));
  EXPECT_EQ(SimplifyUnder(i, Mask::Never()), i);
}

TEST_F(MaskTest, ManyBoundsAreStillRight) {
  for (int b = 0; b < 40; ++b) mask.Require(i * (b + 2) + j * 3 + k * b, 5 + b, 200 + b);
  for (int64_t v = 0; v < 16; ++v) {
    bool holds = true;
    for (int b = 0; b < 40; ++b) {
      const int64_t e = v * (b + 2) + 4 * 3 + b;
      holds = holds && e >= 5 + b && e <= 200 + b;
    }
    EXPECT_EQ(mask.Holds({{"i", v}, {"j", 4}, {"k", 1}}), holds) << v;
  }
}

}  // namespace
}  // namespace tensord::types
