// Lookups that wait, and the order of a session's own Publishes.
#include "tests/server/publish_items.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SessionLookupTest : public SharingTest {};

// ------------------------------------------------------------------ waiting

TEST_F(SessionLookupTest, AWaitingLookupIsWokenByThePublish) {
  v1::Lookup& lookup = AddLookup(stranger_, "uid:1/m");
  lookup.set_min_generation(2);
  const uint64_t id = lookup.first_id();
  const uint64_t seq = stranger_.Send();
  EXPECT_EQ(stranger_.Describe(id).state(), v1::VALUE_STATE_PENDING);
  const uint64_t other = stranger_.PutFloats({5});  // items that do not need it go on
  EXPECT_THAT(stranger_.FetchFloats(stranger_.Node("neg", {other})), ElementsAre(-5));
  const uint64_t twice = stranger_.Node("add", {id, id});  // this one waits, and what follows
  stranger_.Fetch(twice);
  stranger_.Send();
  EXPECT_LT(stranger_.applied(), stranger_.seq());
  PublishFloats(writer_, "m", {1});
  EXPECT_EQ(stranger_.Waiting([](const v1::Reply& reply) { return reply.has_found(); }), 0u);
  PublishFloats(writer_, "m", {2, 3});
  const v1::Reply found = stranger_.Await([](const v1::Reply& reply) { return reply.has_found(); });
  EXPECT_EQ(found.of_seq(), seq);
  EXPECT_EQ(found.found().generation(), 2u);
  const v1::Reply data = stranger_.Await([](const v1::Reply& reply) { return reply.has_data(); });
  EXPECT_THAT(FromBytes<float>(data.data().inline_()), ElementsAre(4, 6));
  stranger_.Pull();
  EXPECT_EQ(stranger_.applied(), stranger_.seq());
  EXPECT_THAT(stranger_.Describe(id).type().dims().sizes(), ElementsAre(2));
}

TEST_F(SessionLookupTest, AnExecuteOfWhatIsAwaitedRunsWhenItIsThere) {
  reader_.AddProgram(1, DecrementBody());
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(1);
  const uint64_t id = lookup.first_id();
  reader_.Fetch(reader_.Execute(1, {id, reader_.PutFloats({1, 1, 1, 1})}));
  reader_.Send();
  PublishFloats(writer_, "m", {1, 2, 3, 4});
  const v1::Reply data = reader_.Await([](const v1::Reply& reply) { return reply.has_data(); });
  EXPECT_THAT(FromBytes<float>(data.data().inline_()), ElementsAre(0, 1, 2, 3));
}

TEST_F(SessionLookupTest, ADownloadOfWhatIsAwaitedComesWhenItIsThere) {
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(1);
  v1::DownloadRequest request;
  request.set_id(lookup.first_id());
  reader_.Send();
  std::optional<uint64_t> length;
  reader_.session().Download(request, [&](absl::StatusOr<SessionCore::Part> part) {
    ASSERT_TRUE(part.ok()) << part.status();
    length = part->length;
  });
  EXPECT_EQ(length, std::nullopt);
  PublishFloats(writer_, "m", {1, 2, 3});
  reader_.Await([](const v1::Reply& reply) { return reply.has_found(); });
  EXPECT_EQ(length, 12u);
}

TEST_F(SessionLookupTest, AWaitingLookupTimesOutAndPoisonsWhatDependsOnIt) {
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(2);
  lookup.set_timeout_us(5'000'000);
  const uint64_t id = lookup.first_id();
  const uint64_t dependent = reader_.Node("neg", {id});
  reader_.Send();
  world_.Pass(absl::Seconds(4));
  reader_.session().OnTick(world_.now());
  EXPECT_THAT(reader_.TakeFaults(), IsEmpty());
  world_.Pass(absl::Seconds(2));
  reader_.session().OnTick(world_.now());
  const v1::Fault fault = reader_.TakeFault();
  EXPECT_EQ(fault.code(), kNotFound);
  EXPECT_EQ(fault.reason(), "NAME_UNKNOWN");
  EXPECT_THAT(fault.message(), HasSubstr("generation 2 of \"m\" was not published in time"));
  ASSERT_EQ(fault.poisoned_size(), 1);
  EXPECT_EQ(fault.poisoned(0).first(), id);
  EXPECT_EQ(reader_.FetchFault(dependent).cause(), id);
  PublishFloats(writer_, "m", {1});  // nobody waits any more
  PublishFloats(writer_, "m", {2});
  EXPECT_EQ(reader_.Waiting([](const v1::Reply& reply) { return reply.has_found(); }), 0u);
}

TEST_F(SessionLookupTest, ALookupThatWaitsIsCancelled) {
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(1);
  const uint64_t id = lookup.first_id();
  reader_.Send();
  reader_.Item().mutable_cancel()->add_ids()->set_first(id);
  reader_.Send();
  EXPECT_EQ(reader_.TakeFault().code(), kCancelled);
  EXPECT_EQ(reader_.Describe(id).state(), v1::VALUE_STATE_POISONED);
}

TEST_F(SessionLookupTest, ASessionThatEndsWaitsNoMore) {
  auto gone = std::make_unique<TestClient>(world_);
  AddLookup(*gone, "m").set_min_generation(1);
  gone->Send();
  const std::weak_ptr<Strand> session = gone->session().weak_from_this();
  gone = nullptr;
  EXPECT_TRUE(session.expired());
  EXPECT_EQ(PublishFloats(writer_, "m", {1}), 1u);
}

TEST_F(SessionLookupTest, AChainOfSessionsThatPublishWhatTheyWaitedFor) {
  constexpr int kLinks = 800;
  std::vector<std::unique_ptr<TestClient>> links;
  for (int i = 0; i < kLinks; ++i) {
    TestClient& link = *links.emplace_back(std::make_unique<TestClient>(world_));
    v1::Lookup& lookup = AddLookup(link, StrCat("m", i));
    lookup.set_min_generation(1);
    AddPublish(link, StrCat("m", i + 1), {{"w", lookup.first_id()}});
    link.Send();
  }
  PublishFloats(writer_, "m0", {7});
  v1::Lookup& last = AddLookup(reader_, StrCat("m", kLinks));
  last.set_min_generation(1);
  const uint64_t id = last.first_id();
  EXPECT_TRUE(reader_.Ask().has_found());
  EXPECT_THAT(reader_.FetchFloats(id), ElementsAre(7));
}

TEST_F(SessionLookupTest, WhatIsParkedEndsWithTheSession) {
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(1);
  reader_.Node("neg", {lookup.first_id()});
  reader_.Item().mutable_bye();
  reader_.Send();
  EXPECT_FALSE(reader_.ended());
  PublishFloats(writer_, "m", {1});
  reader_.Pull();
  EXPECT_TRUE(reader_.ended());
}

TEST_F(SessionLookupTest, SpansOfAnyLengthAreRefusedAtOnceWhileALookupWaits) {
  reader_.AddProgram(1, DecrementBody());
  v1::Lookup& lookup = AddLookup(reader_, "m");
  lookup.set_min_generation(1);
  const uint64_t id = lookup.first_id();
  v1::Execute& execute = *reader_.Item().mutable_execute();
  execute.set_slot(1);
  execute.set_first_out(reader_.NextId());
  for (int i = 0; i < 1000; ++i) {
    execute.add_in()->set_first(id + 1);
    execute.mutable_in(i)->set_count(4'000'000'000);
  }
  EXPECT_EQ(reader_.Ask().fault().reason(), "ARITY");
}

// Two Lookups under way: what needs both waits for both.
TEST_F(SessionLookupTest, ANodeOfTwoAwaitedValuesWaitsForBoth) {
  v1::Lookup& first = AddLookup(reader_, "a");
  first.set_min_generation(1);
  const uint64_t a = first.first_id();
  v1::Lookup& second = AddLookup(reader_, "b");
  second.set_min_generation(1);
  const uint64_t b = second.first_id();
  reader_.Fetch(reader_.Node("add", {a, b}));
  reader_.Send();
  PublishFloats(writer_, "a", {1});
  EXPECT_LT(reader_.applied(), reader_.seq());
  PublishFloats(writer_, "b", {2});
  const v1::Reply data = reader_.Await([](const v1::Reply& reply) { return reply.has_data(); });
  EXPECT_THAT(FromBytes<float>(data.data().inline_()), ElementsAre(3));
}

// ------------------------------------------------------------------ order within a session

TEST_F(SessionLookupTest, PublishesOfOneNameKeepTheirOrder) {
  const uint64_t slow = writer_.NextId(), fast = writer_.PutFloats({2});
  writer_.Bind(slow, F32({1}), 1);
  AddPublish(writer_, "m", {{"w", slow}});
  AddPublish(writer_, "m", {{"w", fast}});
  v1::Lookup& lookup = AddLookup(writer_, "uid:1/m");  // comes after both
  const uint64_t id = lookup.first_id();
  writer_.Send();
  EXPECT_EQ(LookupFault(reader_, "m").reason(), "NAME_UNKNOWN");
  ASSERT_TRUE(writer_.Upload(1, BytesOf<float>({1}), 4).ok());
  const v1::Reply found = writer_.Await([](const v1::Reply& reply) { return reply.has_found(); });
  EXPECT_EQ(found.found().generation(), 2u);
  EXPECT_THAT(writer_.FetchFloats(id), ElementsAre(2));
}

TEST_F(SessionLookupTest, AnUnpublishComesAfterThePublishBeforeIt) {
  const uint64_t slow = writer_.NextId();
  writer_.Bind(slow, F32({1}), 1);
  AddPublish(writer_, "m", {{"w", slow}});
  Unpublish(writer_, "m");
  ASSERT_TRUE(writer_.Upload(1, BytesOf<float>({1}), 4).ok());
  writer_.Await([](const v1::Reply& reply) { return reply.has_published(); });
  EXPECT_FALSE(writer_.Barrier());
  EXPECT_EQ(world_.publications().size(), 0u);
  EXPECT_THAT(writer_.TakeFaults(), IsEmpty());
}

TEST_F(SessionLookupTest, APublishIsCancelledWithItsFrame) {
  const uint64_t slow = writer_.NextId();
  writer_.Bind(slow, F32({1}), 1);
  AddPublish(writer_, "m", {{"w", slow}});
  const uint64_t seq = writer_.Send();
  v1::Cancel& cancel = *writer_.Item().mutable_cancel();
  cancel.set_first_seq(seq);
  cancel.set_last_seq(seq);
  writer_.Send();
  EXPECT_EQ(writer_.TakeFault().code(), kCancelled);
  ASSERT_TRUE(writer_.Upload(1, BytesOf<float>({1}), 4).ok());
  EXPECT_THAT(writer_.FetchFloats(slow), ElementsAre(1));
  EXPECT_EQ(world_.publications().size(), 0u);
}

}  // namespace
}  // namespace tensord::server
