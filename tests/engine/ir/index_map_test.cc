#include "engine/ir/index_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace tensord::ir {
namespace {

using ::testing::ElementsAre;
using types::Dims;
using types::FloorDiv;
using types::Mask;
using types::Mod;
using types::Sym;
using Truth = LoopPiece::Truth;

Sym Var(const std::string& name, int64_t extent) { return Sym::Variable(name, 0, extent - 1); }

TEST(IndexMap, ReshapeOfSharedDimsLeavesThemAlone) {
  const Sym b = Var("b", 32), i = Var("i", 12), j = Var("j", 64);
  const Access in = ReshapeIndex({{b, i, j}, {}}, Dims{32, 12, 64}, Dims{32, 3, 4, 64});
  EXPECT_THAT(in.coords, ElementsAre(b, FloorDiv(i, 4), Mod(i, 4), j));
}

TEST(IndexMap, ReshapeBackIsIdentity) {
  const Sym i = Var("i", 6), j = Var("j", 35);
  Access a = ReshapeIndex({{i, j}, {}}, Dims{6, 35}, Dims{10, 21});
  a = ReshapeIndex(a, Dims{10, 21}, Dims{3, 7, 5, 2});
  a = ReshapeIndex(a, Dims{3, 7, 5, 2}, Dims{6, 35});
  EXPECT_THAT(a.coords, ElementsAre(i, j));
}

TEST(IndexMap, ReshapeOfSymbolicDims) {
  const Sym n = Sym::Variable("n", 1, 512);
  const Sym i = Var("i", 512), h = Var("h", 8), k = Var("k", 64), t = Var("t", 512);
  // [n, 8, 64] from [n, 512]: only the last two are joined.
  const Access joined = ReshapeIndex({{i, h, k}, {}}, Dims{n, 8, 64}, Dims{n, 512});
  EXPECT_THAT(joined.coords, ElementsAre(i, h * 64 + k));
  // [4, n, 64] -> [4*n, 64] and back.
  const Sym b = Var("b", 4);
  Access a = ReshapeIndex({{b, t, k}, {}}, Dims{4, n, 64}, Dims{4 * n, 64});
  EXPECT_THAT(a.coords, ElementsAre(b * n + t, k));
  a = ReshapeIndex(a, Dims{4 * n, 64}, Dims{4, n, 64});
  EXPECT_EQ(Flatten(a.coords, Dims{4, n, 64}), (b * n + t) * 64 + k);
}

TEST(IndexMap, ReshapeOfTheEmptyReadsNothing) {
  const Access in = ReshapeIndex({{Sym(0), Sym(0)}, {}}, Dims{0, 4}, Dims{2, 0});
  EXPECT_EQ(in.coords.size(), 2u);
  EXPECT_TRUE(in.mask.never());
}

TEST(IndexMap, ReshapeAddsAndDropsDimsOfOne) {
  const Sym i = Var("i", 5);
  const Access in = ReshapeIndex({{Sym(0), i}, {}}, Dims{1, 5}, Dims{5, 1, 1});
  EXPECT_THAT(in.coords, ElementsAre(i, Sym(0), Sym(0)));
}

TEST(IndexMap, PermuteExpandFlipStrideShrink) {
  const Sym i = Var("i", 3), j = Var("j", 4), k = Var("k", 5);
  EXPECT_THAT(PermuteIndex({{i, j, k}, {}}, {2, 0, 1}).coords, ElementsAre(j, k, i));
  EXPECT_THAT(ExpandIndex({{i, j}, {}}, Dims{3, 1}).coords, ElementsAre(i, Sym(0)));
  EXPECT_THAT(FlipIndex({{i, j}, {}}, Dims{3, 4}, {1}).coords, ElementsAre(i, 3 - j));
  EXPECT_THAT(StrideIndex({{i, j}, {}}, {1, 2}).coords, ElementsAre(i, j * 2));
  EXPECT_THAT(ShrinkIndex({{i, j}, {}}, Dims{2, 0}).coords, ElementsAre(i + 2, j));
}

TEST(IndexMap, PadGivesAMaskAndShrinkTakesItAway) {
  const Sym i = Var("i", 10);
  Access a = PadIndex({{i}, {}}, Dims{2}, Dims{5});
  EXPECT_EQ(a.mask.ToString(), "2 <= i <= 6");
  EXPECT_EQ(a.coords[0], i - 2);
  const Sym o = Var("o", 5);
  a = PadIndex(ShrinkIndex({{o}, {}}, Dims{2}), Dims{2}, Dims{5});
  EXPECT_TRUE(a.mask.always());
  EXPECT_EQ(a.coords[0], o);
}

TEST(IndexMap, PadOfASymbolicDim) {
  const Sym n = Sym::Variable("n", 1, 100), i = Var("i", 104);
  const Access a = PadIndex({{i}, {}}, Dims{2}, Dims{n});
  EXPECT_EQ(a.mask.bounds().size(), 2u);
  EXPECT_TRUE(a.mask.Holds({{"i", 5}, {"n", 4}}));
  EXPECT_FALSE(a.mask.Holds({{"i", 6}, {"n", 4}}));
  EXPECT_FALSE(a.mask.Holds({{"i", 1}, {"n", 4}}));
}

TEST(IndexMap, DilateKeepsTheMultiples) {
  const Sym i = Var("i", 9);
  const Access a = DilateIndex({{i}, {}}, {2});
  EXPECT_EQ(a.mask.ToString(), "i%2 == 0");
  EXPECT_EQ(a.coords[0], FloorDiv(i, 2));
  EXPECT_TRUE(DilateIndex(StrideIndex({{Var("j", 5)}, {}}, {2}), {2}).mask.always());
}

TEST(IndexMap, WindowAppendsThePosition) {
  const Sym o = Var("o", 4), k = Var("k", 3), c = Var("c", 2);
  const Window w = {{1}, {3}, {2}, {2}};
  EXPECT_EQ(WindowDims(Dims{2, 11}, w), (Dims{2, 4, 3}));
  EXPECT_THAT(WindowIndex({{c, o, k}, {}}, w).coords, ElementsAre(c, o * 2 + k * 2));
}

// The input gradient of a convolution of kernel 3, stride 2, padding 1, over 8 elements: output
// gradient of 4, dilated to 7, padded by 1 and 2, windowed, the kernel backwards.
Mask InputGradientMask() {
  const Sym i = Var("i", 8), k = Var("k", 3);
  Access a = FlipIndex({{i, k}, {}}, Dims{8, 3}, {1});
  a = WindowIndex(a, {{0}, {3}, {1}, {1}});
  a = PadIndex(a, Dims{1}, Dims{7});
  return DilateIndex(a, {2}).mask;
}

TEST(SplitPoints, SplitsByResidueWhereAMaskDependsOnOne) {
  // i + 1 - k must be even and in [0, 6]: an even i takes k == 1 alone, and always may; an odd one
  // takes 0 and 2, the last only 2.
  EXPECT_THAT(
      SplitPoints(InputGradientMask(), "i", 8),
      ElementsAre(LoopPiece{0, 8, 2, Truth::kSometimes}, LoopPiece{1, 7, 2, Truth::kSometimes},
                  LoopPiece{7, 8, 2, Truth::kSometimes}));
}

// Splits every variable of `mask` in turn and counts the points left, and those where it holds.
void CountSplit(const Mask& mask, std::vector<std::pair<std::string, int64_t>> variables,
                int64_t points, int64_t* left, int64_t* undecided) {
  if (mask.never()) return;
  if (variables.empty() || mask.always()) {
    for (const auto& [name, extent] : variables) points *= extent;
    *left += points;
    if (!mask.always()) *undecided += points;
    return;
  }
  const auto [name, extent] = variables.back();
  variables.pop_back();
  for (const LoopPiece& piece : SplitPoints(mask, name, extent)) {
    if (piece.truth == Truth::kNever || piece.count() == 0) continue;
    const Sym value = Sym::Variable(name + "2", 0, piece.count() - 1) * piece.step + piece.begin;
    CountSplit(mask.Substitute({{name, value}}), variables, points * piece.count(), left,
               undecided);
  }
}

TEST(SplitPoints, LeavesNoStructuralZero) {
  const Mask mask = InputGradientMask();
  int64_t left = 0, undecided = 0, holds = 0;
  CountSplit(mask, {{"k", 3}, {"i", 8}}, 1, &left, &undecided);
  for (int64_t i = 0; i < 8; ++i) {
    for (int64_t k = 0; k < 3; ++k) holds += mask.Holds({{"i", i}, {"k", k}}) ? 1 : 0;
  }
  EXPECT_EQ(left, holds);
  EXPECT_EQ(undecided, 0);
}

TEST(SplitPoints, CutsWhereAPadStartsAndEnds) {
  Mask mask;
  mask.Require(Var("i", 16), 3, 9);
  EXPECT_THAT(SplitPoints(mask, "i", 16),
              ElementsAre(LoopPiece{0, 3, 1, Truth::kNever}, LoopPiece{3, 10, 1, Truth::kAlways},
                          LoopPiece{10, 16, 1, Truth::kNever}));
}

TEST(SplitPoints, CutsWhereAnotherVariableStartsToMatter) {
  // A convolution of kernel 3 and padding 1 over 8 elements.
  Mask mask;
  mask.Require(Var("o", 8) + Var("k", 3) - 1, 0, 7);
  EXPECT_THAT(SplitPoints(mask, "o", 8),
              ElementsAre(LoopPiece{0, 1, 1, Truth::kSometimes}, LoopPiece{1, 7, 1, Truth::kAlways},
                          LoopPiece{7, 8, 1, Truth::kSometimes}));
}

TEST(SplitPoints, AMaskOfOthersIsOnePiece) {
  Mask mask;
  mask.Require(Var("j", 8), 2, 8);
  EXPECT_THAT(SplitPoints(mask, "i", 5), ElementsAre(LoopPiece{0, 5, 1, Truth::kSometimes}));
  EXPECT_THAT(SplitPoints(Mask(), "i", 5), ElementsAre(LoopPiece{0, 5, 1, Truth::kAlways}));
  EXPECT_THAT(SplitPoints(Mask::Never(), "i", 5), ElementsAre(LoopPiece{0, 5, 1, Truth::kNever}));
  EXPECT_TRUE(SplitPoints(mask, "i", 0).empty());
}

TEST(SplitPoints, PiecesCoverEachValueOnceAndTellTheTruth) {
  const Sym i = Var("i", 30), j = Var("j", 4);
  Mask mask;
  mask.Require(Mod(i + j * 2 + 1, 4), 0, 1);
  mask.Require(2 * i - 3 * j, 5, 41);
  std::set<int64_t> seen;
  for (const LoopPiece& piece : SplitPoints(mask, "i", 30)) {
    for (int64_t v = piece.begin; v < piece.end; v += piece.step) {
      EXPECT_TRUE(seen.insert(v).second) << v;
      for (int64_t w = 0; w < 4; ++w) {
        const bool holds = mask.Holds({{"i", v}, {"j", w}});
        EXPECT_FALSE(piece.truth == Truth::kNever && holds) << v << " " << w;
        EXPECT_FALSE(piece.truth == Truth::kAlways && !holds) << v << " " << w;
      }
    }
  }
  EXPECT_EQ(seen.size(), 30u);
}

TEST(ResiduePeriod, IsOfBoundsThatAskForOneResidue) {
  EXPECT_EQ(ResiduePeriod(InputGradientMask(), "i"), 2);
  EXPECT_EQ(ResiduePeriod(InputGradientMask(), "k"), 2);
  EXPECT_EQ(ResiduePeriod(InputGradientMask(), "j"), 1);
  Mask mask;
  mask.Require(Mod(Var("i", 64) + Var("k", 4) * 2, 6), 3, 3);
  EXPECT_EQ(ResiduePeriod(mask, "i"), 6);
  EXPECT_EQ(ResiduePeriod(mask, "k"), 3);
}

TEST(ResiduePeriod, IsOneForColumnsOfMergedRows) {
  // A bound of the column i % 8 is a boundary, not a residue.
  Mask mask;
  mask.Require(Mod(Var("i", 64), 8) + Var("k", 3) - 1, 0, 7);
  EXPECT_EQ(ResiduePeriod(mask, "i"), 1);
}

}  // namespace
}  // namespace tensord::ir
