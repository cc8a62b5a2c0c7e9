// What watchers of the event bus hear.
#include "server/events.h"

#include "absl/time/clock.h"
#include "server/watcher.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A Watch call of some principal.
class TestWatcher {
 public:
  TestWatcher(EventBus& bus, const std::string& principal,
              const std::vector<v1::EventKind>& kinds = {}, uint64_t stats_interval_ms = 0) {
    v1::WatchRequest request;
    for (v1::EventKind kind : kinds) request.add_kinds(kind);
    request.set_stats_interval_ms(stats_interval_ms);
    auto source = bus.Watch({principal, 1}, request, stream);
    TENSORD_CHECK(source.ok(), source.status().ToString());
    source_ = *std::move(source);
  }
  ~TestWatcher() { source_->OnDetached(); }

  std::vector<v1::Event> Take() {
    std::vector<v1::Event> events;
    v1::Event event;
    while (source_->NextEvent(&event) == Pull::kMessage) events.push_back(event);
    return events;
  }
  // Of those that are there when there are that many, or after two seconds.
  size_t AwaitCount(size_t count) {
    for (int i = 0; i < 2000 && waiting_.size() < count; ++i) {
      for (v1::Event& event : Take()) waiting_.push_back(std::move(event));
      absl::SleepFor(absl::Milliseconds(1));
    }
    return waiting_.size();
  }
  v1::Event Await() { return AwaitCount(1) == 0 ? v1::Event() : waiting_.front(); }
  // "KIND message" of each.
  std::vector<std::string> TakeTexts() {
    std::vector<std::string> texts;
    for (const v1::Event& event : Take()) {
      texts.push_back(StrCat(v1::EventKind_Name(event.kind()).substr(strlen("EVENT_KIND_")),
                             event.message().empty() ? "" : " ", event.message()));
    }
    return texts;
  }

  const std::shared_ptr<FakeStream> stream = std::make_shared<FakeStream>();

 private:
  std::unique_ptr<EventSource> source_;
  std::vector<v1::Event> waiting_;
};

class EventsTest : public testing::Test {
 protected:
  SessionTag Tag(const std::string& principal) { return {principal, "0123456789abcdef", "train"}; }

  SessionWorld world_;
  EventBus& bus_ = world_.events();
};

TEST_F(EventsTest, TellsOfStreamsThatComeAndGo) {
  TestClient client(world_);
  TestWatcher watcher(bus_, "uid:1");
  client.LoseStream();
  ASSERT_TRUE(client.Resume().has_welcome());
  EXPECT_THAT(watcher.TakeTexts(), ElementsAre("SESSION_DETACHED", "SESSION_RESUMED"));
}

TEST_F(EventsTest, ASessionIsToldFromBeginToEnd) {
  TestWatcher watcher(bus_, "uid:1");
  std::string name;
  {
    TestClient client(world_);
    name = client.welcome().session();
    client.Fetch(99);
    client.Ask();
  }
  const std::vector<v1::Event> events = watcher.Take();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind(), v1::EVENT_KIND_SESSION_OPENED);
  EXPECT_EQ(events[1].kind(), v1::EVENT_KIND_FAULT);
  EXPECT_THAT(events[1].message(), HasSubstr("UNKNOWN_ID: fetch"));
  EXPECT_EQ(events[2].kind(), v1::EVENT_KIND_SESSION_CLOSED);
  for (const v1::Event& event : events) {
    EXPECT_EQ(event.principal(), "uid:1");
    EXPECT_EQ(event.session(), name);
    EXPECT_EQ(event.unix_us(), static_cast<uint64_t>(absl::ToUnixMicros(world_.now())));
  }
  EXPECT_GE(watcher.stream->wakes, 3);
}

TEST_F(EventsTest, ABreachIsTheReasonOfTheEnd) {
  TestClient client(world_);
  TestWatcher watcher(bus_, "uid:1", {v1::EVENT_KIND_SESSION_CLOSED});
  client.SendRaw("\xff\xff");
  EXPECT_THAT(watcher.TakeTexts(), ElementsAre("SESSION_CLOSED the bytes are no ClientFrame"));
}

TEST_F(EventsTest, ARefusalByALimitIsAFaultAndALimit) {
  world_.limits().set_max_inline_bytes(8);
  TestClient client(world_);
  TestWatcher watcher(bus_, "uid:1");
  client.PutFloats({1, 2, 3});
  client.Send();
  const std::vector<std::string> texts = watcher.TakeTexts();
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_THAT(texts[0], HasSubstr("FAULT LIMIT: "));
  EXPECT_THAT(texts[1], HasSubstr("LIMIT LIMIT: "));
  EXPECT_THAT(texts[1], HasSubstr("max_inline_bytes"));
}

TEST_F(EventsTest, OtherPrincipalsSessionsAreNotSeen) {
  TestWatcher mine(bus_, "uid:1"), theirs(bus_, "uid:2");
  TestClient client(world_, true, "uid:2");
  client.Fetch(99);
  client.Ask();
  bus_.StateChanged("draining");
  EXPECT_THAT(mine.TakeTexts(), ElementsAre("STATE draining"));
  EXPECT_THAT(theirs.TakeTexts(),
              ElementsAre("SESSION_OPENED", HasSubstr("FAULT"), "STATE draining"));
}

TEST_F(EventsTest, OnlyTheKindsThatWereAskedForComeInTheirOrder) {
  TestWatcher watcher(
      bus_, "uid:1",
      {v1::EVENT_KIND_SESSION_RESUMED, v1::EVENT_KIND_COMPILED, v1::EVENT_KIND_SESSION_DETACHED});
  bus_.SessionOpened(Tag("uid:1"));
  bus_.SessionDetached(Tag("uid:1"));
  bus_.Compiled(2, absl::Microseconds(3));
  bus_.StateChanged("ready");
  bus_.SessionResumed(Tag("uid:1"));
  const std::vector<v1::Event> events = watcher.Take();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind(), v1::EVENT_KIND_SESSION_DETACHED);
  EXPECT_EQ(events[0].label(), "train");
  EXPECT_EQ(events[1].message(), "2 kernels compiled");
  EXPECT_EQ(events[1].count(), 3000u);
  EXPECT_EQ(events[2].kind(), v1::EVENT_KIND_SESSION_RESUMED);
}

TEST_F(EventsTest, AnEarlierKindAfterALaterOneIsNoMatterOfOrder) {
  TestWatcher watcher(bus_, "uid:1");
  bus_.StateChanged("ready");
  bus_.SessionOpened(Tag("uid:1"));
  EXPECT_THAT(watcher.TakeTexts(), ElementsAre("STATE ready", "SESSION_OPENED"));
}

TEST_F(EventsTest, ASlowWatcherHearsHowManyItLostAndWhere) {
  TestWatcher slow(bus_, "uid:1", {v1::EVENT_KIND_STATE}), quick(bus_, "uid:1");
  const size_t most = Watcher::kMostWaiting;
  for (size_t i = 0; i < most + 10; ++i) {
    bus_.StateChanged(StrCat(i));
    EXPECT_THAT(quick.TakeTexts(), ElementsAre(StrCat("STATE ", i)));
  }
  std::vector<v1::Event> events = slow.Take();
  ASSERT_EQ(events.size(), most + 1);
  EXPECT_EQ(events[most - 1].message(), StrCat(most - 1));
  EXPECT_EQ(events[most].kind(), v1::EVENT_KIND_LOST);
  EXPECT_EQ(events[most].count(), 10u);
  EXPECT_EQ(world_.metrics().Get(Metric::events_lost), 10);
  bus_.StateChanged("later");
  EXPECT_THAT(slow.TakeTexts(), ElementsAre("STATE later"));
}

TEST_F(EventsTest, WhatIsLostIsToldBeforeWhatComesAfterIt) {
  v1::WatchRequest request;
  Watcher watcher("uid:1", request, std::make_shared<FakeStream>());
  v1::Event event;
  const auto add = [&](uint64_t count) {
    event.set_count(count);
    return watcher.Add(event);
  };
  for (size_t i = 0; i < Watcher::kMostWaiting; ++i) ASSERT_TRUE(add(i));
  EXPECT_FALSE(add(7000));
  ASSERT_EQ(watcher.Next(&event), Pull::kMessage);
  EXPECT_FALSE(add(7001));  // there is room for one, and LOST needs it
  for (int i = 0; i < 5; ++i) ASSERT_EQ(watcher.Next(&event), Pull::kMessage);
  EXPECT_TRUE(add(8000));
  std::vector<v1::Event> rest;
  while (watcher.Next(&event) == Pull::kMessage) rest.push_back(event);
  ASSERT_GE(rest.size(), 2u);
  EXPECT_EQ(rest[rest.size() - 2].kind(), v1::EVENT_KIND_LOST);
  EXPECT_EQ(rest[rest.size() - 2].count(), 2u);
  EXPECT_EQ(rest.back().count(), 8000u);
}

TEST_F(EventsTest, AWatcherThatLeftHearsNothing) {
  auto watcher = std::make_unique<TestWatcher>(bus_, "uid:1");
  const std::shared_ptr<FakeStream> stream = watcher->stream;
  EXPECT_EQ(world_.metrics().Get(Metric::watchers), 1);
  watcher = nullptr;
  const int wakes = stream->wakes;
  bus_.StateChanged("ready");
  EXPECT_EQ(stream->wakes, wakes);
  EXPECT_EQ(world_.metrics().Get(Metric::watchers), 0);
  EXPECT_EQ(stream.use_count(), 1);
}

// ------------------------------------------------------------------ STATS

// The bus tells STATS on a thread of its own too: whoever comes first, each is told once.

TEST_F(EventsTest, StatsComeAtTheirInterval) {
  TestWatcher often(bus_, "uid:1", {v1::EVENT_KIND_STATS}, 1000);
  TestWatcher seldom(bus_, "uid:1", {v1::EVENT_KIND_STATS}, 2500), never(bus_, "uid:1");
  for (int i = 0; i < 10; ++i) {
    world_.Pass(absl::Milliseconds(500));
    EXPECT_LE(bus_.TellStats(), absl::Seconds(1));
  }
  EXPECT_EQ(often.AwaitCount(5), 5u);
  EXPECT_EQ(seldom.AwaitCount(2), 2u);
  EXPECT_THAT(never.Take(), IsEmpty());
}

TEST_F(EventsTest, StatsCarryTheNumbers) {
  TestWatcher watcher(bus_, "uid:1", {v1::EVENT_KIND_STATS}, 100);
  world_.metrics().Add(Metric::executes, 5);
  world_.Pass(absl::Milliseconds(100));
  bus_.TellStats();
  std::map<std::string, uint64_t> numbers;
  const v1::Event event = watcher.Await();
  for (const v1::Counter& counter : event.counters()) {
    numbers[counter.name()] = counter.value();
  }
  EXPECT_EQ(numbers["executes"], 5u);
  EXPECT_EQ(numbers["watchers"], 1u);
  EXPECT_EQ(numbers.count("resident_bytes"), 1u);
}

TEST_F(EventsTest, MissedStatsAreNotMadeUpFor) {
  TestWatcher watcher(bus_, "uid:1", {v1::EVENT_KIND_STATS}, 100);
  world_.Pass(absl::Seconds(100));
  bus_.TellStats();
  bus_.TellStats();
  EXPECT_EQ(watcher.AwaitCount(1), 1u);
}

TEST_F(EventsTest, RefusesShortIntervalsAndUnknownKinds) {
  v1::WatchRequest request;
  request.set_stats_interval_ms(99);
  absl::Status status = bus_.Watch({}, request, std::make_shared<FakeStream>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("stats_interval_ms is 99"));
  request.set_stats_interval_ms(0);
  request.add_kinds(static_cast<v1::EventKind>(77));
  status = bus_.Watch({}, request, std::make_shared<FakeStream>()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("kind 77"));
  EXPECT_EQ(world_.metrics().Get(Metric::watchers), 0);
}

}  // namespace
}  // namespace tensord::server
