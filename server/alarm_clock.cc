#include "server/alarm_clock.h"

#include <utility>
#include <vector>

#include "absl/time/clock.h"

namespace tensord::server {

void AlarmClock::Set(absl::Time at, Ring ring) {
  bool is_first = false;
  {
    const std::lock_guard lock(mutex_);
    const auto added = alarms_.emplace(at, std::move(ring));
    is_first = added == alarms_.begin();
  }
  if (is_first) ticker_.Wake();
}

absl::Duration AlarmClock::RingThoseDue() {
  const absl::Time now = absl::Now();
  std::vector<Ring> due;
  absl::Duration wait = absl::InfiniteDuration();
  {
    const std::lock_guard lock(mutex_);
    while (!alarms_.empty() && alarms_.begin()->first <= now) {
      due.push_back(std::move(alarms_.begin()->second));
      alarms_.erase(alarms_.begin());
    }
    if (!alarms_.empty()) wait = alarms_.begin()->first - now;
  }
  for (const Ring& ring : due) ring(now);
  return wait;
}

}  // namespace tensord::server
