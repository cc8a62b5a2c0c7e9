// A thousand sessions that each run a Program and fetch its result, again and again: that none of
// them stands still, how long they wait and how evenly they get on.
//
//   bench_wire_active ADDRESS SESSIONS SECONDS   prints its rows, one JSON object a line
//
// ADDRESS as gRPC writes it.
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_format.h"
#include "clients/cpp/tests/active_sessions.h"
#include "tests/bench/row.h"

namespace tensord::bench {
namespace {

constexpr absl::Duration kWindow = absl::Seconds(5);

int Main(const std::string& address, int sessions, int seconds) {
  const absl::StatusOr<client::Activity> activity = client::RunActiveSessions(
      address, {.sessions = sessions, .time = absl::Seconds(seconds), .window = kWindow});
  if (!activity.ok()) {
    std::fprintf(stderr, "bench_wire_active: %s\n", activity.status().ToString().c_str());
    return 1;
  }
  const std::string name = absl::StrFormat("%d active sessions, ", sessions);
  const auto least = static_cast<double>(activity->least_in_window);
  Print({.name = name + "round trip, median", .unit = "s", .ours = Median(activity->round_trips)});
  Print({.name = name + "round trip, p99",
         .unit = "s",
         .ours = Quantile(activity->round_trips, 0.99)});
  Print({.name = name + "round trips, all",
         .unit = "1/s",
         .ours = static_cast<double>(activity->round_trips.size()) / seconds});
  Print({.name = name + "fairness (Jain)", .unit = "", .ours = activity->Fairness()});
  Print({.name = name + "round trips, least in 5 s", .unit = "", .ours = least});
  if (least > 0) return 0;
  std::fprintf(stderr, "bench_wire_active: a session stood still for five seconds\n");
  return 1;
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  if (argc == 4) return tensord::bench::Main(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
  std::fprintf(stderr, "usage: %s ADDRESS SESSIONS SECONDS\n", argv[0]);
  return 2;
}
