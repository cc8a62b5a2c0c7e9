// Deadlines and Cancel: of what waits, of what a device has queued, and that both leave no memory.
#include <future>

#include "engine/runtime/counters.h"
#include "tests/ops/devices.h"
#include "tests/server/held_device.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kSecond = 1'000'000;  // of timeout_us

class SessionDeadlineTest : public testing::TestWithParam<std::string> {
 protected:
  SessionDeadlineTest() {
    BodyWriter body;
    const uint64_t a = body.Input(F32({4})), b = body.Input(F32({4}));
    body.Output(body.Node("add", {a, b}));
    client_.AddProgram(1, body.Bytes());
    BodyWriter update;
    const uint64_t w = update.Input(F32({4})), g = update.Input(F32({4}));
    update.Output(update.Node("sub", {w, g}));
    update.Donate(0);
    client_.AddProgram(2, update.Bytes());
    x_ = client_.PutFloats({1, 2, 3, 4});
    warm_ = client_.Execute(1, {x_, x_});  // what runs later is compiled
    client_.Execute(2, {client_.PutFloats({1, 2, 3, 4}), x_});
    client_.FetchFloats(client_.Node("neg", {client_.PutFloats({4, 3, 2, 1})}));
    EXPECT_FALSE(client_.Barrier());
    memory_ = Memory();
  }

  int64_t Memory() { return world_.engine().devices()[0].memory_used; }
  uint64_t Stopped() { return world_.engine().counters().runs_stopped; }
  v1::Item& LastItem() { return *client_.frame().mutable_items(client_.frame().items_size() - 1); }
  // An Execute of x + x within a second.
  uint64_t ExecuteSoon() {
    const uint64_t sum = client_.Execute(1, {x_, x_});
    LastItem().mutable_execute()->set_timeout_us(kSecond);
    return sum;
  }
  void PassSeconds(int seconds) {
    world_.Pass(absl::Seconds(seconds));
    client_.session().OnTick(world_.now());
  }
  void CancelFrame(uint64_t seq) {
    client_.Item().mutable_cancel()->set_first_seq(seq);
    LastItem().mutable_cancel()->set_last_seq(seq);
    client_.Send();
  }
  // Every value but x and the first sum is freed: memory is what it was.
  void ExpectMemoryAsBefore(uint64_t from) {
    client_.Free(from, static_cast<uint32_t>(client_.NextId() - from));
    client_.Send();
    for (int i = 0; i < 1000 && Memory() != memory_; ++i) absl::SleepFor(absl::Milliseconds(1));
    EXPECT_EQ(Memory(), memory_);
  }

  SessionWorld world_{GetParam()};
  TestClient client_{world_};
  uint64_t x_ = 0, warm_ = 0;
  int64_t memory_ = 0;
};

TEST_P(SessionDeadlineTest, AnExecuteThatWaitsForAnUploadIsLate) {
  const uint64_t late = client_.NextId();
  client_.Bind(late, F32({4}), 1);
  const uint64_t sum = client_.Execute(1, {late, x_});
  LastItem().mutable_execute()->set_timeout_us(kSecond);
  client_.Send();
  PassSeconds(2);
  const v1::Fault fault = client_.TakeFault();
  EXPECT_EQ(fault.reason(), "DEADLINE");
  EXPECT_EQ(fault.poisoned(0).first(), sum);
  EXPECT_EQ(client_.Describe(sum).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_.Describe(late).state(), v1::VALUE_STATE_PENDING);
  ExpectMemoryAsBefore(sum);
}

TEST_P(SessionDeadlineTest, AnExecuteThatTheDeviceHasQueuedIsLate) {
  HeldDevice held(world_.engine());
  const uint64_t sum = ExecuteSoon();
  client_.Send();
  PassSeconds(2);
  held.Release();
  const v1::Fault fault = client_.TakeFault();
  EXPECT_EQ(fault.reason(), "DEADLINE");
  EXPECT_EQ(fault.code(), 4u);
  EXPECT_EQ(client_.FetchFault(sum).cause(), sum);
  EXPECT_EQ(Stopped(), 1u);
  ExpectMemoryAsBefore(sum);
}

TEST_P(SessionDeadlineTest, AnEvaluateThatTheDeviceHasQueuedIsLate) {
  HeldDevice held(world_.engine());
  const uint64_t y = client_.Node("neg", {x_});
  client_.Evaluate({y});
  LastItem().mutable_evaluate()->set_timeout_us(kSecond);
  client_.Send();
  PassSeconds(2);
  held.Release();
  EXPECT_EQ(client_.TakeFault().reason(), "DEADLINE");
  EXPECT_EQ(client_.Describe(y).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(Stopped(), 1u);
  ExpectMemoryAsBefore(y);
}

TEST_P(SessionDeadlineTest, AFetchIsAnsweredWhenItIsLate) {
  HeldDevice held(world_.engine());
  client_.Execute(1, {x_, x_});  // before the fetch on the device
  client_.Fetch(warm_).set_timeout_us(kSecond);
  const uint64_t seq = client_.Send();
  PassSeconds(2);  // the device is held still
  const v1::Reply reply = client_.Await([&](const v1::Reply& r) { return r.of_seq() == seq; });
  EXPECT_EQ(reply.fault().reason(), "DEADLINE");
  held.Release();
  EXPECT_THAT(client_.FetchFloats(warm_), ElementsAre(2, 4, 6, 8));  // the value is none the worse
  EXPECT_EQ(client_.Waiting([&](const v1::Reply& r) { return r.of_seq() == seq; }), 0u);
}

TEST_P(SessionDeadlineTest, AFetchOfWhatIsStillToBeComputedIsLate) {
  HeldDevice held(world_.engine());
  const uint64_t y = client_.Node("neg", {x_});
  client_.Fetch(y).set_timeout_us(kSecond);
  const uint64_t seq = client_.Send();
  PassSeconds(2);
  held.Release();
  const v1::Reply reply = client_.Await([&](const v1::Reply& r) { return r.of_seq() == seq; });
  EXPECT_EQ(reply.fault().reason(), "DEADLINE");
  ExpectMemoryAsBefore(y);
  EXPECT_EQ(Stopped(), 1u);
}

TEST_P(SessionDeadlineTest, WhatIsRecordedAgainAfterACancelIsComputed) {
  const uint64_t late = client_.NextId();
  client_.Bind(late, F32({4}), 1);
  const uint64_t first = client_.Node("add", {late, x_});
  client_.Evaluate({first});
  CancelFrame(client_.Send());
  EXPECT_EQ(client_.FetchFault(first).reason(), "CANCELLED");
  const uint64_t again = client_.Node("add", {late, x_});
  ASSERT_TRUE(client_.Upload(1, BytesOf<float>({1, 1, 1, 1}), 16).ok());
  EXPECT_THAT(client_.FetchFloats(again), ElementsAre(2, 3, 4, 5));
}

TEST_P(SessionDeadlineTest, WhatIsInTimeIsNotTouched) {
  const uint64_t sum = ExecuteSoon();
  EXPECT_THAT(client_.FetchFloats(sum), ElementsAre(2, 4, 6, 8));
  PassSeconds(2);
  EXPECT_THAT(client_.FetchFloats(sum), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(client_.TakeFaults(), IsEmpty());
  EXPECT_EQ(Stopped(), 0u);
}

TEST_P(SessionDeadlineTest, CancelsByFrameWhatWaits) {
  const uint64_t late = client_.NextId();
  client_.Bind(late, F32({4}), 1);
  client_.Send();
  const uint64_t sum = client_.Execute(1, {late, x_});
  CancelFrame(client_.Send());
  const v1::Fault fault = client_.TakeFault();
  EXPECT_EQ(fault.reason(), "CANCELLED");
  EXPECT_EQ(fault.code(), 1u);
  EXPECT_EQ(client_.Describe(sum).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_.Describe(late).state(), v1::VALUE_STATE_PENDING);
  ExpectMemoryAsBefore(sum);
}

TEST_P(SessionDeadlineTest, CancelsByIdWhatTheDeviceHasQueued) {
  HeldDevice held(world_.engine());
  const uint64_t first = client_.Execute(1, {x_, x_}), second = client_.Execute(1, {first, x_});
  const uint64_t other = client_.Execute(1, {x_, warm_});
  client_.Send();
  client_.Item().mutable_cancel()->add_ids()->set_first(first);
  client_.Send();
  held.Release();
  const v1::Fault fault = client_.FetchFault(second);
  EXPECT_EQ(fault.reason(), "CANCELLED");
  EXPECT_EQ(fault.cause(), first);
  EXPECT_THAT(client_.FetchFloats(other), ElementsAre(3, 6, 9, 12));
  EXPECT_EQ(Stopped(), 1u);
  ExpectMemoryAsBefore(first);
}

TEST_P(SessionDeadlineTest, CancelsAFetch) {
  HeldDevice held(world_.engine());
  client_.Execute(1, {x_, x_});  // a copy of a few bytes does not wait for others, but for this
  client_.Fetch(warm_);
  const uint64_t seq = client_.Send();
  CancelFrame(seq);
  const v1::Reply reply = client_.Await([&](const v1::Reply& r) { return r.of_seq() == seq; });
  EXPECT_EQ(reply.fault().reason(), "CANCELLED");
  held.Release();
  EXPECT_THAT(client_.FetchFloats(warm_), ElementsAre(2, 4, 6, 8));
}

TEST_P(SessionDeadlineTest, CancelBeforeAWriteInPlacePoisonsTheResultAndTheDonatedIdIsGone) {
  HeldDevice held(world_.engine());
  const uint64_t w = client_.PutFloats({10, 20, 30, 40});
  const uint64_t next = client_.Execute(2, {w, x_});
  CancelFrame(client_.Send());
  held.Release();
  EXPECT_EQ(client_.FetchFault(next).reason(), "CANCELLED");
  EXPECT_EQ(client_.FetchFault(w).reason(), "DONATED");
  EXPECT_EQ(Stopped(), 1u);
  ExpectMemoryAsBefore(w);
}

TEST_P(SessionDeadlineTest, CancelOfWhatIsDoneOrUnknownDoesNothing) {
  const uint64_t sum = client_.Execute(1, {x_, x_});
  const uint64_t seq = client_.Send();
  EXPECT_THAT(client_.FetchFloats(sum), ElementsAre(2, 4, 6, 8));
  CancelFrame(seq);
  v1::Cancel& cancel = *client_.Item().mutable_cancel();
  cancel.set_first_seq(1000);
  cancel.set_last_seq(UINT64_MAX);
  cancel.add_ids()->set_first(sum);
  cancel.add_ids()->set_first(123456);
  client_.Send();
  EXPECT_THAT(client_.FetchFloats(sum), ElementsAre(2, 4, 6, 8));
  EXPECT_THAT(client_.TakeFaults(), IsEmpty());
}

TEST_P(SessionDeadlineTest, ASessionThatEndsStopsWhatItHasQueued) {
  {
    HeldDevice held(world_.engine());
    {
      TestClient other(world_);
      const uint64_t x = other.PutFloats({1, 2});
      other.Evaluate({other.Node("exp", {x})});
      other.Send();
    }
  }
  for (int i = 0; i < 1000 && Memory() != memory_; ++i) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_EQ(Memory(), memory_);
}

INSTANTIATE_TEST_SUITE_P(Devices, SessionDeadlineTest,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord::server
