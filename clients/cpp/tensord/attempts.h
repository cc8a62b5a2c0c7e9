// How a call or stream that is lost is followed by another one: pauses that grow, with jitter, for
// as long as patience lasts without progress. Not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace tensord::client {

// Whether what ended so may go on in another call: what the network does, and another stream of the
// same session that came late and overtook this one.
inline bool CanGoOn(const absl::Status& status) {
  return status.ok() || absl::IsUnavailable(status) || absl::IsCancelled(status) ||
         absl::IsUnknown(status) || absl::IsInternal(status) || absl::IsAborted(status);
}

class Attempts {
 public:
  // The pause before the next attempt; none when it is not to be made. `progress` tells a failure
  // after some work from one more in a row.
  std::optional<absl::Duration> Next(uint64_t progress, absl::Duration patience) {
    const absl::Time now = absl::Now();
    if (std::exchange(progress_, progress) != progress) failures_ = 0;
    if (failures_++ == 0) since_ = now;
    if (now - since_ >= patience) return std::nullopt;
    const absl::Duration pause = std::min(kLongest, kFirst * (1 << std::min(failures_, 10)));
    return pause * std::uniform_real_distribution<double>(0.5, 1)(jitter_);
  }

 private:
  static constexpr absl::Duration kFirst = absl::Milliseconds(10), kLongest = absl::Seconds(1);
  uint64_t progress_ = 0;
  int failures_ = 0;
  absl::Time since_;
  std::minstd_rand jitter_{std::random_device{}()};
};

}  // namespace tensord::client
