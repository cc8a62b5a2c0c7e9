// Calls at given times, for deadlines that do not wait for the next tick.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "absl/time/time.h"
#include "server/ticker.h"

namespace tensord::server {

// Thread-safe.
class AlarmClock {
 public:
  // On the clock's own thread: must be quick.
  using Ring = std::function<void(absl::Time now)>;

  // Calls `ring` once, at `at` or a little later; not at all when the clock is gone by then.
  void Set(absl::Time at, Ring ring);

 private:
  absl::Duration RingThoseDue();

  std::mutex mutex_;
  std::multimap<absl::Time, Ring> alarms_;
  Ticker ticker_{[this] { return RingThoseDue(); }};
};

}  // namespace tensord::server
