#include "engine/base/strings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tensord {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Strings, JoinEveryKindOfTextAndNumbers) {
  const std::string_view view = "view";
  EXPECT_EQ(StrCat(view, " ", std::string("string"), " ", ToAbsl("absl"), 1.5),
            "view string absl1.5");
  std::string text = "a";
  StrAppend(&text, view, int64_t{-1});
  EXPECT_EQ(text, "aview-1");
}

TEST(Strings, SplitAtAnyDelimiterAndSkipEmptyPieces) {
  EXPECT_THAT(Split("a,b;;c,", ",;"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(Split(",,", ","), IsEmpty());
  EXPECT_THAT(Split("", ","), IsEmpty());
}

}  // namespace
}  // namespace tensord
