// When a session tells what it has done.
#include "server/session_outbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tensord::server {
namespace {

class SessionOutboxTest : public testing::Test {
 protected:
  // The next frame; none when there is nothing to say.
  std::optional<v1::ServerFrame> Next() {
    SharedBytes bytes;
    if (outbox_.Next(&bytes) != Pull::kMessage) return std::nullopt;
    v1::ServerFrame frame;
    EXPECT_TRUE(frame.ParseFromArray(bytes.view.data(), static_cast<int>(bytes.view.size())));
    return frame;
  }
  static v1::Reply Pong() {
    v1::Reply reply;
    reply.mutable_pong();
    return reply;
  }

  SessionOutbox outbox_;
};

TEST_F(SessionOutboxTest, TellsAtOnceWhatAnIdleSessionHasApplied) {
  outbox_.SetApplied(1);
  EXPECT_TRUE(outbox_.HasNews());
  const auto frame = Next();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->applied(), 1u);
  EXPECT_FALSE(outbox_.HasNews());
}

TEST_F(SessionOutboxTest, AcksAloneWaitForTheEndOfTheWork) {
  outbox_.SetBusy(true);
  outbox_.SetApplied(3);
  EXPECT_FALSE(outbox_.HasNews());
  EXPECT_FALSE(Next().has_value());
  outbox_.SetCompleted(3);
  outbox_.SetBusy(false);
  EXPECT_TRUE(outbox_.HasNews());
  EXPECT_EQ(Next()->completed(), 3u);
}

TEST_F(SessionOutboxTest, AReplyTakesThemAlong) {
  outbox_.SetBusy(true);
  outbox_.SetApplied(3);
  outbox_.Add(Pong());
  EXPECT_EQ(Next()->applied(), 3u);
  outbox_.SetBusy(false);
  EXPECT_FALSE(outbox_.HasNews());
}

TEST_F(SessionOutboxTest, ManyDoNotWait) {
  outbox_.SetBusy(true);
  outbox_.SetApplied(15);
  EXPECT_FALSE(outbox_.HasNews());
  outbox_.SetApplied(16);
  EXPECT_EQ(Next()->applied(), 16u);
  outbox_.SetApplied(31);
  EXPECT_FALSE(outbox_.HasNews());
}

TEST_F(SessionOutboxTest, CreditThatIsNeededDoesNotWait) {
  outbox_.SetBusy(true);
  outbox_.SetCredit(100, 100, false);
  EXPECT_FALSE(outbox_.HasNews());
  outbox_.SetCredit(200, 200, true);
  EXPECT_EQ(Next()->max_items(), 200u);
  EXPECT_FALSE(outbox_.HasNews());
}

TEST_F(SessionOutboxTest, TheEndTellsAll) {
  outbox_.SetBusy(true);
  outbox_.SetApplied(2);
  outbox_.End();
  EXPECT_EQ(Next()->applied(), 2u);
  SharedBytes bytes;
  EXPECT_EQ(outbox_.Next(&bytes), Pull::kEnd);
}

}  // namespace
}  // namespace tensord::server
