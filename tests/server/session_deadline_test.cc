// Deadlines and cancellation of what a session asked for: they act before the first kernel, fail
// the values alone, and leave everything else going.
#include "tests/server/session_bad_input.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

inline constexpr uint32_t kCancelled = 1, kDeadlineExceeded = 4;

class SessionDeadlineTest : public testing::Test {
 protected:
  // A value whose bytes never come, and one that would be computed of it.
  void SetUp() override {
    stuck_ = client_.NextId();
    client_.Bind(stuck_, F32({4}), 77);
    late_ = client_.Node("neg", {stuck_});
    x_ = client_.PutFloats({1, 2, 3, 4});
    client_.Send();
  }

  void ExpectTheSessionGoesOn() {
    EXPECT_THAT(client_.FetchFloats(client_.Node("neg", {x_})), ElementsAre(-1, -2, -3, -4));
    EXPECT_FALSE(client_.stream().closed().has_value());
  }

  SessionWorld world_{"cpu"};
  TestClient client_{world_};
  uint64_t stuck_ = 0, late_ = 0, x_ = 0;
};

TEST_F(SessionDeadlineTest, AnEvaluateThatDoesNotBeginInTimeFails) {
  client_.Evaluate({late_});
  client_.frame().mutable_items(0)->mutable_evaluate()->set_timeout_us(2'000'000);
  client_.Send();
  world_.Pass(absl::Seconds(1));
  client_.session().OnTick(world_.now());
  EXPECT_THAT(client_.TakeFaults(), testing::IsEmpty());
  world_.Pass(absl::Seconds(2));
  client_.session().OnTick(world_.now());
  const v1::Fault fault = client_.TakeFault();
  EXPECT_THAT(fault, IsFault(kDeadlineExceeded, "DEADLINE"));
  EXPECT_EQ(fault.poisoned(0).first(), late_);
  EXPECT_EQ(client_.Describe(late_).state(), v1::VALUE_STATE_POISONED);
  ExpectTheSessionGoesOn();
}

TEST_F(SessionDeadlineTest, AFetchThatDoesNotBeginInTimeFailsAlone) {
  client_.Fetch(late_).set_timeout_us(1'000'000);
  client_.Send();
  world_.Pass(absl::Seconds(2));
  client_.session().OnTick(world_.now());
  const std::vector<v1::Fault> faults = client_.TakeFaults(1);
  ASSERT_FALSE(faults.empty());
  for (const v1::Fault& fault : faults) EXPECT_THAT(fault, IsFault(kDeadlineExceeded, "DEADLINE"));
  ExpectTheSessionGoesOn();
}

TEST_F(SessionDeadlineTest, ADonatedInputOfALateExecuteIsGivenUpWithIt) {
  BodyWriter body;
  const uint64_t w = body.Input(F32({4})), g = body.Input(F32({4}));
  body.Output(body.Node("sub", {w, g}));
  body.Donate(0);
  client_.AddProgram(1, body.Bytes());
  const uint64_t out = client_.Execute(1, {x_, stuck_});
  client_.frame().mutable_items(1)->mutable_execute()->set_timeout_us(1'000'000);
  client_.Send();
  world_.Pass(absl::Seconds(2));
  client_.session().OnTick(world_.now());
  EXPECT_THAT(client_.TakeFault(), IsFault(kDeadlineExceeded, "DEADLINE"));
  EXPECT_EQ(client_.Describe(out).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_.Describe(x_).state(), v1::VALUE_STATE_DONATED);
}

TEST_F(SessionDeadlineTest, CancelByFrameEndsWhatHasNotBegun) {
  client_.Evaluate({late_});
  const uint64_t frame = client_.Send();
  EXPECT_LT(client_.completed(), frame);
  v1::Cancel& cancel = *client_.Item().mutable_cancel();
  cancel.set_first_seq(frame);
  cancel.set_last_seq(frame);
  client_.Send();
  EXPECT_THAT(client_.TakeFault(), IsFault(kCancelled, "CANCELLED"));
  EXPECT_EQ(client_.Describe(late_).state(), v1::VALUE_STATE_POISONED);
  EXPECT_EQ(client_.completed(), client_.seq());
  ExpectTheSessionGoesOn();
}

TEST_F(SessionDeadlineTest, CancelByValueEndsWhatWouldComputeIt) {
  const uint64_t other = client_.Node("abs", {stuck_});
  client_.Evaluate({late_});
  client_.Evaluate({other});
  client_.Send();
  client_.Item().mutable_cancel()->add_ids()->set_first(late_);
  client_.Send();
  const v1::Fault fault = client_.TakeFault();
  EXPECT_THAT(fault, IsFault(kCancelled, "CANCELLED"));
  EXPECT_EQ(fault.poisoned(0).first(), late_);
  EXPECT_EQ(client_.Describe(other).state(), v1::VALUE_STATE_PENDING);
  ExpectTheSessionGoesOn();
}

TEST_F(SessionDeadlineTest, CancellingWhatIsDoneOrUnknownDoesNothing) {
  const uint64_t y = client_.Node("neg", {x_});
  EXPECT_THAT(client_.FetchFloats(y), ElementsAre(-1, -2, -3, -4));
  v1::Cancel& cancel = *client_.Item().mutable_cancel();
  cancel.set_first_seq(1);
  cancel.set_last_seq(2);
  cancel.add_ids()->set_first(y);
  cancel.add_ids()->set_first(123'456);
  client_.Send();
  EXPECT_THAT(client_.FetchFloats(y), ElementsAre(-1, -2, -3, -4));
  EXPECT_THAT(client_.TakeFaults(), testing::IsEmpty());
}

TEST_F(SessionDeadlineTest, ABarrierOverIdsAnswersForThemAlone) {
  v1::Barrier& barrier = *client_.Item().mutable_barrier();
  barrier.add_ids()->set_first(client_.Node("abs", {x_}));
  client_.frame().mutable_items()->SwapElements(0, 1);  // the node first
  const v1::Reply reply = client_.Ask();
  ASSERT_TRUE(reply.has_barrier_done()) << reply.ShortDebugString();
  EXPECT_FALSE(reply.barrier_done().any_poisoned());  // though `stuck_` still waits
}

}  // namespace
}  // namespace tensord::server
