#include "engine/base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <unordered_set>
#include <vector>

namespace tensord::base {
namespace {

TEST(Hash, IsTheSameForTheSameValuesAndOrderMatters) {
  EXPECT_EQ(HashOf(1, 2, std::string_view("x")), HashOf(1, 2, std::string_view("x")));
  EXPECT_NE(HashOf(1, 2), HashOf(2, 1));
  EXPECT_NE(HashCombine(1, 2), HashCombine(2, 1));
}

TEST(Hash, TellsWhereOneTextEndsAndTheNextBegins) {
  const std::string_view a = "a", b = "b", ab = "ab", none = "";
  EXPECT_NE(HashOf(a, b), HashOf(ab, none));
  EXPECT_NE(HashValue(std::string_view("\0", 1)), HashValue(none));
  EXPECT_NE(HashRange(std::vector<int>{0}), HashRange(std::vector<int>{0, 0}));
}

TEST(Hash, TellsApartZerosOfBothSignsAndEqualsItselfForNaN) {
  EXPECT_NE(HashValue(0.0), HashValue(-0.0));
  EXPECT_EQ(HashValue(__builtin_nan("")), HashValue(__builtin_nan("")));
}

TEST(Hash, HasNoCollisionAmongAMillionSmallTriples) {
  std::unordered_set<uint64_t> seen;
  for (int a = 0; a < 100; ++a) {
    for (int b = 0; b < 100; ++b) {
      for (int c = 0; c < 100; ++c) seen.insert(HashOf(a, b, c));
    }
  }
  EXPECT_EQ(seen.size(), 1'000'000u);
}

TEST(Hash, FlipsAboutHalfOfItsBitsForOneInputBit) {
  int flipped = 0, trials = 0;
  for (uint64_t value = 1; value < 100; ++value) {
    for (int bit = 0; bit < 64; ++bit, ++trials) {
      const uint64_t other = value ^ (uint64_t{1} << bit);
      flipped += std::popcount(HashCombine(7, value) ^ HashCombine(7, other));
    }
  }
  EXPECT_NEAR(static_cast<double>(flipped) / trials, 32.0, 0.5);
}

TEST(Hash, SpreadsTextsThatDifferInOneByteAtAnyPlace) {
  std::unordered_set<uint64_t> seen;
  for (size_t size = 1; size <= 40; ++size) {
    for (size_t at = 0; at < size; ++at) {
      for (const char c : {'a', 'b', 'c', '\0'}) {
        std::string text(size, 'x');
        text[at] = c;
        seen.insert(HashValue(std::string_view(text)));
      }
    }
  }
  EXPECT_EQ(seen.size(), 4u * 40 * 41 / 2);
}

}  // namespace
}  // namespace tensord::base
