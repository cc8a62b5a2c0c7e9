// Calls without a session.
#include "clients/cpp/tensord/daemon.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "clients/cpp/tensord/errors.h"
#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class DaemonTest : public testing::Test {
 protected:
  const Daemon daemon_ = *Daemon::At({.address = SharedAddress()});
};

TEST_F(DaemonTest, NegotiatesWithoutMakingASession) {
  const auto welcome = daemon_.Negotiate();
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->version(), 1u);
  EXPECT_TRUE(welcome->session().empty());
}

TEST_F(DaemonTest, RunsOneGraph) {
  v1::RunRequest request;
  request.set_text("function(%0: f32[2]) -> (%1) {\n  %1 = neg %0 : f32[2]\n}\n");
  request.set_numbers(true);
  request.add_inputs()->mutable_numbers()->Add(3);
  request.mutable_inputs(0)->add_numbers(4);
  const auto reply = daemon_.Run(request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->outputs(0).numbers(), ElementsAre(-3, -4));
}

TEST_F(DaemonTest, ARefusedRunTellsItsReason) {
  v1::RunRequest request;
  request.set_text("function(%0: f32[2]) -> (%1) {\n  %1 = neg %0 : f32[2]\n}\n");
  const auto reply = daemon_.Run(request);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FaultOf(reply.status())->reason, "ARITY");
}

TEST_F(DaemonTest, CountersAreAskedForByName) {
  const auto stats = daemon_.GetStats({"launches", "sessions"});
  ASSERT_TRUE(stats.ok()) << stats.status();
  ASSERT_EQ(stats->counters_size(), 2);
  EXPECT_EQ(stats->counters(0).name(), "launches");
}

TEST_F(DaemonTest, WatchTellsOfSessions) {
  std::atomic<bool> over = false;
  absl::Status status;
  std::thread watcher([&] {
    status = daemon_.Watch({}, [](v1::Event&) { return false; });
    over = true;
  });
  EXPECT_TRUE(
      Eventually([&] { return over || !Session::Connect({.address = SharedAddress()}).ok(); }));
  watcher.join();
  EXPECT_TRUE(status.ok()) << status;
}

}  // namespace
}  // namespace tensord::client
