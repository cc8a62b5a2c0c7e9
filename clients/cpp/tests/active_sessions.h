// Many sessions of one process that each run a Program and fetch its result, again and again, as
// bare streams on one completion queue: who gets ahead, and who waits how long.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace tensord::client {

struct ActivityOptions {
  int sessions = 1;
  absl::Duration time;
  absl::Duration window;  // in each of which every session is to get somewhere
};

struct Activity {
  std::vector<double> round_trips;  // seconds each, of all sessions
  std::vector<uint64_t> rounds;     // by session
  uint64_t least_in_window = 0;     // of any session in any whole window

  // Jain's index of the rounds: 1 when all sessions got as far, 1/n when one got all.
  double Fairness() const;
};

// `target` as gRPC writes it. Errors: a stream breaks off, or an answer is a fault.
absl::StatusOr<Activity> RunActiveSessions(const std::string& target,
                                           const ActivityOptions& options);

}  // namespace tensord::client
