#include "engine/base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace tensord::base {
namespace {

constexpr const char* kAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(ToHex(Sha256("abc")), kAbc);
}

TEST(Sha256, GivesTheSameDigestForTheSameBytesInPieces) {
  Sha256Stream stream;
  EXPECT_EQ(ToHex(stream.Add("a").Add("").Add("bc").Finish()), kAbc);
  EXPECT_EQ(ToHex(stream.Add("abc").Finish()), kAbc) << "a finished stream starts anew";
}

TEST(Sha256, ReadsBackTheHexThatItPrints) {
  const Digest digest = Sha256("abc");
  ASSERT_TRUE(DigestFromHex(ToHex(digest)).ok());
  EXPECT_EQ(*DigestFromHex(ToHex(digest)), digest);
}

TEST(Sha256, RefusesTextThatIsNoDigest) {
  EXPECT_EQ(DigestFromHex("abc").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DigestFromHex(std::string(64, 'g')).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DigestFromHex(std::string(66, 'a')).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace tensord::base
