// A session by unary calls.
#include <future>

#include "tests/server/faults.h"
#include "tests/server/session_harness.h"

namespace tensord::server {
namespace {

using testing::ElementsAre;

class SessionSubmitTest : public testing::Test {
 protected:
  SessionSubmitTest() {
    frame_.add_items()->mutable_hello()->set_max_version(1);
    welcome_ = Submit().value().replies(0).welcome();
  }
  ~SessionSubmitTest() override {
    if (const auto session = world_.table().Find(welcome_.session())) session->End();
  }

  // Sends what gathered as the next frame of the session.
  absl::StatusOr<v1::ServerFrame> Submit() {
    frame_.set_seq(++seq_);
    frame_.set_acked(seen_);
    frame_.set_session(welcome_.session());
    frame_.set_token(welcome_.resume_secret());
    last_ = frame_.SerializeAsString();
    frame_.Clear();
    return SubmitBytes(last_);
  }

  absl::StatusOr<v1::ServerFrame> SubmitBytes(const std::string& bytes) {
    std::promise<absl::StatusOr<SharedBytes>> answer;
    Reply<SharedBytes> reply(
        std::make_shared<FakeStream>(),
        [&](absl::StatusOr<SharedBytes> given) { answer.set_value(std::move(given)); });
    SubmitFrame(world_.env(), world_.table(), peer_, bytes, std::move(reply));
    auto future = answer.get_future();
    while (future.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready) {
      for (const auto& session : world_.table().All()) session->OnTick(world_.now());
    }
    absl::StatusOr<SharedBytes> given = future.get();
    if (!given.ok()) return given.status();
    v1::ServerFrame frame;
    EXPECT_TRUE(frame.ParseFromArray(given->view.data(), static_cast<int>(given->view.size())));
    if (frame.seq() != 0) seen_ = frame.seq();
    return frame;
  }

  void Put(uint64_t id, float value) {
    v1::Put& put = *frame_.add_items()->mutable_put();
    put.set_id(id);
    *put.mutable_type() = F32({1});
    put.set_data(BytesOf<float>({value}));
  }
  void Fetch(uint64_t id) { frame_.add_items()->mutable_fetch()->set_id(id); }

  // Polls until there is a reply.
  v1::Reply Await() {
    for (;;) {
      frame_.set_wait_us(1'000'000);
      const v1::ServerFrame frame = Submit().value();
      if (frame.replies_size() > 0) return frame.replies(0);
    }
  }

  SessionWorld world_{"cpu"};
  Peer peer_{"test", true, {"uid:1", 1}};
  v1::ClientFrame frame_;
  v1::Welcome welcome_;
  std::string last_;
  uint64_t seq_ = 0, seen_ = 0;
};

TEST_F(SessionSubmitTest, ValuesComeByPolling) {
  Put(1, 5);
  Fetch(1);
  const auto frame = Submit();
  ASSERT_TRUE(frame.ok()) << frame.status();
  const v1::Reply reply = frame->replies_size() > 0 ? frame->replies(0) : Await();
  EXPECT_THAT(FromBytes<float>(reply.data().inline_()), ElementsAre(5));
}

TEST_F(SessionSubmitTest, ACallMayBeRepeated) {
  Put(1, 5);
  frame_.add_items()->mutable_ping()->set_nonce(9);
  const auto first = Submit();
  seen_ = 1;  // the answer was lost: only the Welcome is acked
  const auto again = SubmitBytes(last_);
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(again->seq(), first->seq());
  EXPECT_EQ(again->replies(0).pong().nonce(), 9u);
  Fetch(1);
  EXPECT_THAT(FromBytes<float>(Await().data().inline_()), ElementsAre(5)) << "Put once";
}

TEST_F(SessionSubmitTest, ATokenThatIsNotTheSessionsIsRefused) {
  v1::ClientFrame frame;
  frame.set_seq(2);
  frame.set_session(welcome_.session());
  frame.set_token(std::string(32, 'x'));
  EXPECT_EQ(SubmitBytes(frame.SerializeAsString()).status().code(), absl::StatusCode::kNotFound);
  frame.set_session("nobody");
  EXPECT_EQ(SubmitBytes(frame.SerializeAsString()).status().code(), absl::StatusCode::kNotFound);
  frame.clear_session();
  EXPECT_EQ(SubmitBytes(frame.SerializeAsString()).status().code(),
            absl::StatusCode::kUnauthenticated);
}

TEST_F(SessionSubmitTest, TheLeaseCountsFromTheLastCall) {
  const auto tick = [&](absl::Duration time) {
    world_.Pass(time);
    for (const auto& session : world_.table().All()) session->OnTick(world_.now());
  };
  tick(absl::Seconds(50));
  ASSERT_TRUE(Submit().ok());
  tick(absl::Seconds(50));
  EXPECT_EQ(world_.table().sessions(), 1u);
  tick(absl::Seconds(11));
  EXPECT_EQ(world_.table().sessions(), 0u);
}

TEST_F(SessionSubmitTest, ResumeTakesTheSessionUpByUnaryCalls) {
  Put(1, 5);
  ASSERT_TRUE(Submit().ok());
  v1::ClientFrame frame;
  v1::Resume& resume = *frame.add_items()->mutable_resume();
  resume.set_session(welcome_.session());
  resume.set_resume_secret(welcome_.resume_secret());
  resume.set_epoch(welcome_.epoch());
  resume.set_last_seen(seen_);
  const auto answer = SubmitBytes(frame.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_TRUE(answer->replies(0).welcome().resumed());
  EXPECT_EQ(answer->replies(0).welcome().applied(), seq_);
  // Until the client uses the new secret the one before serves, for unary calls too.
  Fetch(1);
  EXPECT_THAT(FromBytes<float>(Await().data().inline_()), ElementsAre(5));
  welcome_ = answer->replies(0).welcome();
  Fetch(1);
  EXPECT_THAT(FromBytes<float>(Await().data().inline_()), ElementsAre(5));
}

TEST_F(SessionSubmitTest, ByeEndsIt) {
  frame_.add_items()->mutable_bye();
  ASSERT_TRUE(Submit().ok());
  EXPECT_EQ(world_.table().sessions(), 0u);
  EXPECT_EQ(world_.table().resident_bytes(), 0);
}

TEST_F(SessionSubmitTest, CallsEndWithTheCredentialsUntilOneResumesWithBetterOnes) {
  const auto resume = [&](absl::Time until) {
    peer_.principal.expires = until;
    v1::ClientFrame frame;
    v1::Resume& item = *frame.add_items()->mutable_resume();
    item.set_session(welcome_.session());
    item.set_resume_secret(welcome_.resume_secret());
    item.set_epoch(welcome_.epoch());
    item.set_last_seen(seen_);
    const auto answer = SubmitBytes(frame.SerializeAsString());
    if (answer.ok() && answer->replies_size() > 0) welcome_ = answer->replies(0).welcome();
    return answer.status();
  };
  ASSERT_TRUE(resume(world_.now() + absl::Seconds(10)).ok());
  Put(1, 5);
  ASSERT_TRUE(Submit().ok());
  world_.Pass(absl::Seconds(10));
  Put(2, 6);
  const absl::Status expired = Submit().status();
  EXPECT_EQ(expired.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(std::string(expired.message()), testing::HasSubstr("expired"));
  ASSERT_TRUE(resume(world_.now() + absl::Seconds(10)).ok());
  EXPECT_TRUE(SubmitBytes([&] {
                v1::ClientFrame again;
                again.ParseFromString(last_);
                again.set_token(welcome_.resume_secret());
                return again.SerializeAsString();
              }())
                  .ok());
}

}  // namespace
}  // namespace tensord::server
