// Many sessions that work at the same time: none of them stands still.
#include "clients/cpp/tests/active_sessions.h"

#include "clients/cpp/tests/daemon_process.h"

namespace tensord::client {
namespace {

TEST(ActiveSessions, EveryOneGetsSomewhereAllTheTime) {
  const DaemonProcess daemon;
  const absl::StatusOr<Activity> activity = RunActiveSessions(
      daemon.address(), {.sessions = 200, .time = absl::Seconds(3), .window = absl::Seconds(1)});
  ASSERT_TRUE(activity.ok()) << activity.status();
  EXPECT_GE(activity->least_in_window, 1u);
  EXPECT_GE(activity->Fairness(), 0.8);
  EXPECT_EQ(activity->rounds.size(), 200u);
}

TEST(ActiveSessions, FairnessIsJainsIndex) {
  EXPECT_EQ((Activity{.rounds = {3, 3, 3, 3}}).Fairness(), 1);
  EXPECT_EQ((Activity{.rounds = {8, 0, 0, 0}}).Fairness(), 0.25);
}

}  // namespace
}  // namespace tensord::client
