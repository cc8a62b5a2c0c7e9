// Publications: who reads them, how long they last, who pays; what is refused.
#include <thread>

#include "absl/time/clock.h"
#include "engine/runtime/counters.h"
#include "tests/server/publish_items.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SessionPublishTest : public SharingTest {
 protected:
  // Waits for it: a device's thread may still hold what it was done with.
  bool ResidentBecomes(int64_t bytes) {
    for (int i = 0; i < 5000 && world_.table().resident_bytes() != bytes; ++i) {
      absl::SleepFor(absl::Milliseconds(1));
    }
    return world_.table().resident_bytes() == bytes;
  }
};

TEST_F(SessionPublishTest, AnotherSessionReadsWhatWasPublished) {
  const uint64_t x = writer_.PutFloats({1, 2, 3});
  const uint64_t y = writer_.Node("add", {x, x});  // described only: publishing evaluates it
  AddPublish(writer_, "model/layer.0", {{"x", x}, {"y", y}});
  const v1::Published published = writer_.Ask().published();
  EXPECT_EQ(published.name(), "uid:1/model/layer.0");
  EXPECT_EQ(published.generation(), 1u);

  const uint64_t first = AddLookup(reader_, "model/layer.0", {"y", "x"}).first_id();
  const v1::Found found = reader_.Ask().found();
  EXPECT_EQ(found.name(), "uid:1/model/layer.0");
  EXPECT_EQ(found.generation(), 1u);
  ASSERT_EQ(found.entries_size(), 2);
  EXPECT_EQ(found.entries(0).path(), "y");
  EXPECT_EQ(found.entries(1).id(), first + 1);
  EXPECT_THAT(found.entries(1).type().dims().sizes(), ElementsAre(3));
  EXPECT_THAT(reader_.FetchFloats(reader_.Node("mul", {first, first + 1})), ElementsAre(2, 8, 18));
}

TEST_F(SessionPublishTest, WithoutPathsTheEntriesAreListed) {
  AddPublish(writer_, "m", {{"b", writer_.PutFloats({1})}, {"a", writer_.PutFloats({1, 2})}});
  writer_.Ask();
  AddLookup(reader_, "uid:1/m", {});
  const v1::Found found = reader_.Ask().found();
  ASSERT_EQ(found.entries_size(), 2);
  EXPECT_EQ(found.entries(0).path(), "a");
  EXPECT_EQ(found.entries(0).id(), 0u);
  EXPECT_THAT(found.entries(0).type().dims().sizes(), ElementsAre(2));
  EXPECT_EQ(found.entries(1).path(), "b");
}

TEST_F(SessionPublishTest, GenerationsGrowByOneAndAreNotUsedAgain) {
  EXPECT_EQ(PublishFloats(writer_, "m", {1}), 1u);
  EXPECT_EQ(PublishFloats(reader_, "m", {2}), 2u);
  EXPECT_EQ(PublishFloats(writer_, "n", {1}), 1u);
  EXPECT_EQ(PublishFloats(stranger_, "m", {1}), 1u);
  Unpublish(writer_, "m");
  EXPECT_EQ(LookupFault(reader_, "m").reason(), "NAME_UNKNOWN");
  EXPECT_EQ(PublishFloats(writer_, "m", {3}), 3u);
  EXPECT_THAT(writer_.TakeFaults(), IsEmpty());
}

TEST_F(SessionPublishTest, ARacingReaderSeesOneGenerationWhole) {
  constexpr int kGenerations = 200;
  std::thread writing([&] {
    for (int i = 1; i <= kGenerations; ++i) {
      const auto value = static_cast<float>(i);
      AddPublish(writer_, "m",
                 {{"a", writer_.PutFloats({value})}, {"b", writer_.PutFloats({value})}});
      EXPECT_EQ(writer_.Ask().published().generation(), static_cast<uint64_t>(i));
    }
  });
  uint64_t generation = 0, seen = 0;
  while (generation < kGenerations) {
    v1::Lookup& lookup = AddLookup(reader_, "m", {"a", "b"});
    lookup.set_min_generation(generation + 1);
    const uint64_t first = lookup.first_id();
    const v1::Found found = reader_.Ask().found();
    EXPECT_GT(found.generation(), generation);
    generation = found.generation();
    EXPECT_THAT(reader_.FetchFloats(first), ElementsAre(static_cast<float>(generation)));
    EXPECT_THAT(reader_.FetchFloats(first + 1), ElementsAre(static_cast<float>(generation)));
    reader_.Free(first, 2);
    if (++seen > kGenerations) break;
  }
  writing.join();
  EXPECT_EQ(generation, static_cast<uint64_t>(kGenerations));
}

// ------------------------------------------------------------------ whose names

TEST_F(SessionPublishTest, WhatIsNotSharedLooksUnknownToOthers) {
  AddPublish(writer_, "secret", {{"w", writer_.PutFloats({1})}});
  writer_.Ask();
  v1::Fault hidden = LookupFault(stranger_, "uid:1/secret");
  v1::Fault absent = LookupFault(stranger_, "uid:1/absent");
  EXPECT_EQ(hidden.code(), kNotFound);
  EXPECT_EQ(hidden.reason(), "NAME_UNKNOWN");
  EXPECT_EQ(absent.code(), hidden.code());
  EXPECT_EQ(absent.reason(), hidden.reason());
  EXPECT_EQ(hidden.message(), "there is no publication \"uid:1/secret\" for this principal");
  EXPECT_EQ(absent.message(), "there is no publication \"uid:1/absent\" for this principal");
  AddLookup(reader_, "uid:1/secret");
  EXPECT_TRUE(reader_.Ask().has_found());
}

TEST_F(SessionPublishTest, AWaitingLookupDoesNotSeeWhatIsNotShared) {
  v1::Lookup& lookup = AddLookup(stranger_, "uid:1/m");
  lookup.set_min_generation(1);
  stranger_.Send();
  AddPublish(writer_, "m", {{"w", writer_.PutFloats({1})}});
  writer_.Ask();
  EXPECT_EQ(stranger_.Waiting([](const v1::Reply& reply) { return reply.has_found(); }), 0u);
  PublishFloats(writer_, "m", {2});
  const v1::Reply found = stranger_.Await([](const v1::Reply& reply) { return reply.has_found(); });
  EXPECT_EQ(found.found().generation(), 2u);
}

TEST_F(SessionPublishTest, OnlyTheOwnerEndsAPublication) {
  PublishFloats(writer_, "m", {1});
  Unpublish(stranger_, "m");
  EXPECT_EQ(stranger_.TakeFault().reason(), "NAME_UNKNOWN");
  EXPECT_EQ(world_.publications().size(), 1u);
}

TEST_F(SessionPublishTest, AnOwnNameComesBeforeAnotherPrincipals) {
  TestClient alice(world_, true, "alice");
  PublishFloats(alice, "m", {1});
  AddLookup(reader_, "alice/m");
  EXPECT_EQ(reader_.Ask().found().name(), "alice/m");
  PublishFloats(writer_, "alice/m", {2});
  AddLookup(reader_, "alice/m");
  EXPECT_EQ(reader_.Ask().found().name(), "uid:1/alice/m");
}

// ------------------------------------------------------------------ what is refused

TEST_F(SessionPublishTest, RefusesNamesThatAreNone) {
  const uint64_t x = writer_.PutFloats({1});
  for (const std::string& name :
       {std::string(), std::string("/a"), std::string("a/"), std::string("a//b"),
        std::string("a b"), std::string("uid:1/a"), std::string(257, 'a')}) {
    AddPublish(writer_, name, {{"w", x}});
    const v1::Fault fault = writer_.Ask().fault();
    EXPECT_EQ(fault.code(), kInvalidArgument) << name;
    EXPECT_EQ(fault.reason(), "NAME") << name;
    Unpublish(writer_, name);
    EXPECT_EQ(writer_.TakeFault().reason(), "NAME") << name;
  }
  EXPECT_EQ(LookupFault(reader_, "a b").reason(), "NAME");
  EXPECT_EQ(LookupFault(reader_, std::string(2000, '/')).reason(), "NAME");
  AddPublish(writer_, std::string(256, 'a'), {{"w", x}});
  EXPECT_TRUE(writer_.Ask().has_published());
  EXPECT_EQ(world_.publications().size(), 1u);
}

TEST_F(SessionPublishTest, RefusesPathsThatAreLongOrTwice) {
  const uint64_t x = writer_.PutFloats({1});
  AddPublish(writer_, "m", {{"a", x}, {"b", x}, {"a", x}});
  v1::Fault fault = writer_.Ask().fault();
  EXPECT_EQ(fault.reason(), "NAME");
  EXPECT_THAT(fault.message(), HasSubstr("path \"a\" is there twice"));
  AddPublish(writer_, "m", {{std::string(257, 'p'), x}});
  EXPECT_THAT(writer_.Ask().fault().message(), HasSubstr("a path of 257 bytes"));
  EXPECT_EQ(world_.publications().size(), 0u);
}

TEST_F(SessionPublishTest, RefusesIdsThatNameNoValue) {
  AddPublish(writer_, "m", {{"a", 99}});
  const v1::Fault fault = writer_.Ask().fault();
  EXPECT_EQ(fault.reason(), "UNKNOWN_ID");
  EXPECT_THAT(fault.message(), HasSubstr("publish: entry \"a\""));
  const uint64_t x = writer_.PutFloats({1});
  PublishFloats(reader_, "n", {1});
  v1::Lookup& lookup = *writer_.Item().mutable_lookup();
  lookup.set_name("n");
  lookup.add_paths("w");
  lookup.set_first_id(x);
  EXPECT_EQ(writer_.Ask().fault().reason(), "ID_USED");
  EXPECT_THAT(writer_.FetchFloats(x), ElementsAre(1));
}

TEST_F(SessionPublishTest, RefusesMoreEntriesThanAFrameHasItems) {
  SessionWorld small;
  small.limits().set_max_items_per_frame(2);
  TestClient client(small);
  const uint64_t x = client.PutFloats({1});
  AddPublish(client, "m", {{"a", x}, {"b", x}, {"c", x}});
  const v1::Fault fault = client.Ask().fault();
  EXPECT_EQ(fault.limit(), "max_items_per_frame");
  EXPECT_EQ(fault.used(), 3u);
}

TEST_F(SessionPublishTest, ALookupOfAnEntryThatIsNotThereNamesIt) {
  PublishFloats(writer_, "m", {1});
  const v1::Fault fault = LookupFault(reader_, "m", {"w", "v"});
  EXPECT_EQ(fault.reason(), "NAME_UNKNOWN");
  EXPECT_THAT(fault.message(), HasSubstr("no entry \"v\""));
  ASSERT_EQ(fault.poisoned_size(), 1);
  EXPECT_EQ(fault.poisoned(0).count(), 2u);
}

TEST_F(SessionPublishTest, APoisonedEntryPublishesNothing) {
  const uint64_t good = writer_.PutFloats({1}), bad = writer_.NextId();
  writer_.Bind(bad, F32({1}), 1);
  AddPublish(writer_, "m", {{"good", good}, {"bad", bad}});
  const uint64_t seq = writer_.Send();
  ASSERT_TRUE(writer_.Upload(1, std::string(8, 'x'), 8).ok());  // twice the type's bytes
  const v1::Reply reply = writer_.Await([&](const v1::Reply& r) {
    return r.of_seq() == seq && r.of_item() == 2;  // after put and bind
  });
  EXPECT_THAT(reply.fault().message(), HasSubstr("entry \"bad\" (id 2) is poisoned"));
  EXPECT_EQ(reply.fault().cause(), bad);
  EXPECT_EQ(LookupFault(reader_, "m").reason(), "NAME_UNKNOWN");
  EXPECT_EQ(PublishFloats(writer_, "m", {1}), 1u);
}

// ------------------------------------------------------------------ how long, and who pays

TEST_F(SessionPublishTest, EndsWhenItsTimeIsOver) {
  AddPublish(writer_, "m", {{"w", writer_.PutFloats({1})}}).set_ttl_ms(10'000);
  writer_.Ask();
  world_.Pass(absl::Seconds(9));
  AddLookup(reader_, "m");
  EXPECT_TRUE(reader_.Ask().has_found());
  AddPublish(writer_, "m", {{"w", writer_.PutFloats({2})}}).set_ttl_ms(10'000);
  writer_.Ask();  // starts it anew
  world_.Pass(absl::Seconds(9));
  world_.publications().OnTick(world_.now());
  EXPECT_EQ(world_.publications().size(), 1u);
  world_.Pass(absl::Seconds(2));
  EXPECT_EQ(LookupFault(reader_, "m").reason(), "NAME_UNKNOWN");
  world_.publications().OnTick(world_.now());
  EXPECT_EQ(world_.publications().size(), 0u);
}

TEST_F(SessionPublishTest, ReadersKeepWhatTheyLookedUp) {
  PublishFloats(writer_, "m", {1, 2});
  const uint64_t old = AddLookup(stranger_, "uid:1/m").first_id();
  stranger_.Ask();
  PublishFloats(writer_, "m", {3, 4});
  const uint64_t next = AddLookup(stranger_, "uid:1/m").first_id();
  stranger_.Ask();
  Unpublish(writer_, "m");
  EXPECT_THAT(stranger_.FetchFloats(old), ElementsAre(1, 2));
  EXPECT_THAT(stranger_.FetchFloats(next), ElementsAre(3, 4));
}

TEST_F(SessionPublishTest, OutlivesItsSessionAndStaysChargedUntilItEnds) {
  auto short_lived = std::make_unique<TestClient>(world_);
  PublishFloats(*short_lived, "m", std::vector<float>(100, 7));
  short_lived->PutFloats(std::vector<float>(50));
  short_lived->Barrier();
  EXPECT_TRUE(ResidentBecomes(600));
  short_lived = nullptr;
  EXPECT_TRUE(ResidentBecomes(400));
  reader_.Item().mutable_ping();
  EXPECT_EQ(reader_.Ask().pong().resident_bytes(), 400u);  // the principal's
  const uint64_t id = AddLookup(reader_, "m").first_id();
  EXPECT_TRUE(reader_.Ask().has_found());
  Unpublish(reader_, "m");
  EXPECT_THAT(reader_.FetchFloats(id), testing::Each(7));
  EXPECT_EQ(world_.table().resident_bytes(), 400);  // the reader still has it
  reader_.Free(id);
  reader_.Send();
  EXPECT_TRUE(ResidentBecomes(0));
}

TEST_F(SessionPublishTest, ANewGenerationGivesTheOldOnesMemoryBack) {
  for (int i = 0; i < 5; ++i) {
    const uint64_t x = writer_.PutFloats(std::vector<float>(100));
    AddPublish(writer_, "m", {{"w", x}});
    writer_.Ask();
    writer_.Free(x);
    writer_.Send();
    EXPECT_TRUE(ResidentBecomes(400));
  }
}

TEST_F(SessionPublishTest, DonatingAPublishedValueCopiesIt) {
  const runtime::Counters& counters = world_.engine().counters();
  const uint64_t x = writer_.PutFloats({1, 2, 3, 4});
  AddPublish(writer_, "m", {{"w", x}});
  writer_.Ask();
  for (TestClient* client : {&writer_, &reader_}) {
    uint64_t mine = x;
    if (client == &reader_) {
      mine = AddLookup(reader_, "m").first_id();
      reader_.Ask();
    }
    client->AddProgram(1, DecrementBody());
    const uint64_t one = client->PutFloats({1, 1, 1, 1});
    EXPECT_THAT(client->FetchFloats(client->Execute(1, {mine, one})), ElementsAre(0, 1, 2, 3));
  }
  EXPECT_EQ(counters.donation_copied_bytes, 32u);
  EXPECT_EQ(counters.donated_bytes, 0u);
  const uint64_t id = AddLookup(reader_, "m").first_id();
  reader_.Ask();
  EXPECT_THAT(reader_.FetchFloats(id), ElementsAre(1, 2, 3, 4));
  Unpublish(writer_, "m");
  const uint64_t one = reader_.PutFloats({1, 1, 1, 1});  // the last holder may write in place
  EXPECT_THAT(reader_.FetchFloats(reader_.Execute(1, {id, one})), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(counters.donated_bytes, 16u);
}

TEST_F(SessionPublishTest, DonatingAValueOnItsWayToBePublishedCopiesIt) {
  writer_.AddProgram(1, DecrementBody());
  const uint64_t x = writer_.PutFloats({1, 2, 3, 4}), slow = writer_.NextId();
  writer_.Bind(slow, F32({1}), 1);
  AddPublish(writer_, "m", {{"w", x}, {"slow", slow}});
  const uint64_t y = writer_.Execute(1, {x, writer_.PutFloats({1, 1, 1, 1})});
  EXPECT_THAT(writer_.FetchFloats(y), ElementsAre(0, 1, 2, 3));
  ASSERT_TRUE(writer_.Upload(1, BytesOf<float>({1}), 4).ok());
  writer_.Await([](const v1::Reply& reply) { return reply.has_published(); });
  const uint64_t id = AddLookup(reader_, "m").first_id();
  reader_.Ask();
  EXPECT_THAT(reader_.FetchFloats(id), ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace tensord::server
