// The publications of a daemon, without sessions.
#include "server/publications.h"

#include "engine/runtime/fault.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Publication Of(const std::string& owner, const std::string& name, size_t entries = 1) {
  Publication publication;
  publication.owner = owner;
  publication.name = name;
  publication.shared = true;
  for (size_t i = 0; i < entries; ++i) publication.entries[std::to_string(i)];
  return publication;
}

class PublicationsTest : public testing::Test {
 protected:
  absl::Status Publish(Publication publication) {
    return publications_.Publish(std::move(publication), now_).status();
  }

  const absl::Time now_ = absl::FromUnixSeconds(1'000'000);
  Publications publications_{{.names = 4, .entries = 10}};
};

TEST_F(PublicationsTest, ANameWithASlashIsReadEveryWayItCanBe) {
  ASSERT_TRUE(Publish(Of("team/a", "m")).ok());  // a token may stand for any name
  EXPECT_NE(publications_.Find("uid:1", "team/a/m", now_), nullptr);
  ASSERT_TRUE(Publish(Of("team", "a/n")).ok());
  EXPECT_EQ(publications_.Find("uid:1", "team/a/n", now_)->owner, "team");
  EXPECT_EQ(publications_.Find("uid:1", "a/n", now_), nullptr);
}

TEST_F(PublicationsTest, AWaiterIsCalledOnceAndNotAfterItWasForgotten) {
  std::vector<uint64_t> called;
  const auto wait = [&](uint64_t generation) {
    return publications_.Await("uid:1", "m", generation, now_, [&](const PublicationRef& found) {
      called.push_back(found->generation);
    });
  };
  wait(2);
  const uint64_t forgotten = wait(3);
  for (int i = 0; i < 2; ++i) ASSERT_TRUE(Publish(Of("uid:1", "m")).ok());
  EXPECT_THAT(called, ElementsAre(2));
  wait(1);  // there already
  EXPECT_THAT(called, ElementsAre(2, 2));
  publications_.Forget(forgotten);
  ASSERT_TRUE(Publish(Of("uid:1", "m")).ok());
  EXPECT_THAT(called, ElementsAre(2, 2));
}

TEST_F(PublicationsTest, AWaiterThatPublishesWakesOthersAfterItReturned) {
  std::vector<std::string> order;
  publications_.Await("uid:1", "a", 1, now_, [&](const PublicationRef&) {
    ASSERT_TRUE(Publish(Of("uid:1", "b")).ok());
    order.push_back("a");
  });
  publications_.Await("uid:1", "b", 1, now_, [&](const PublicationRef&) { order.push_back("b"); });
  ASSERT_TRUE(Publish(Of("uid:1", "a")).ok());
  EXPECT_THAT(order, ElementsAre("a", "b"));
}

TEST_F(PublicationsTest, APrincipalHasRoomForSoManyEntries) {
  ASSERT_TRUE(Publish(Of("uid:1", "a", 6)).ok());
  ASSERT_TRUE(Publish(Of("uid:1", "b", 4)).ok());
  const absl::Status status = Publish(Of("uid:1", "c"));
  EXPECT_EQ(runtime::ReasonOf(status), "LIMIT");
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("11 entries in its publications, at most 10"));
  EXPECT_TRUE(Publish(Of("uid:2", "c")).ok());
  EXPECT_TRUE(Publish(Of("uid:1", "a", 6)).ok());  // in place of as many
  ASSERT_TRUE(publications_.Unpublish("uid:1", "b", now_).ok());
  EXPECT_TRUE(Publish(Of("uid:1", "c", 4)).ok());
  EXPECT_EQ(publications_.size(), 3u);
}

TEST_F(PublicationsTest, APrincipalHasRoomForSoManyNamesEver) {
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(Publish(Of("uid:1", name)).ok());
    ASSERT_TRUE(publications_.Unpublish("uid:1", name, now_).ok());
  }
  EXPECT_EQ(runtime::ReasonOf(Publish(Of("uid:1", "e"))), "LIMIT");
  EXPECT_TRUE(Publish(Of("uid:1", "b")).ok());
  EXPECT_EQ(publications_.Find("uid:1", "b", now_)->generation, 2u);
  EXPECT_EQ(publications_.size(), 1u);
}

}  // namespace
}  // namespace tensord::server
