#include "server/watcher.h"

#include <algorithm>
#include <utility>

#include "engine/base/status.h"

namespace tensord::server {
namespace {

// Intervals beyond a year are one.
absl::Duration IntervalOf(const v1::WatchRequest& request) {
  constexpr uint64_t kYear = uint64_t{365} * 24 * 3600 * 1000;
  return absl::Milliseconds(static_cast<int64_t>(std::min(request.stats_interval_ms(), kYear)));
}

}  // namespace

absl::Status Watcher::Check(const v1::WatchRequest& request) {
  if (request.stats_interval_ms() != 0 && IntervalOf(request) < kLeastInterval) {
    return InvalidArgument("watch: stats_interval_ms is ", request.stats_interval_ms(),
                           ", at least 100 is allowed, or 0 for no STATS");
  }
  for (int kind : request.kinds()) {
    if (kind != v1::EVENT_KIND_UNSPECIFIED && v1::EventKind_IsValid(kind)) continue;
    return Unimplemented("watch: events of kind ", kind, " are not known to this daemon");
  }
  return absl::OkStatus();
}

Watcher::Watcher(std::string principal, const v1::WatchRequest& request, StreamPtr stream)
    : principal_(std::move(principal)),
      interval_(IntervalOf(request)),
      stream_(std::move(stream)),
      kinds_(request.kinds().empty() ? ~uint64_t{0} : 0) {
  for (int kind : request.kinds()) kinds_ |= uint64_t{1} << kind;
}

bool Watcher::Wants(const v1::Event& event) const {
  if ((kinds_ >> event.kind() & 1) == 0) return false;
  return event.principal().empty() || event.principal() == principal_;
}

v1::Event Watcher::TakeLost() {
  v1::Event event;
  event.set_kind(v1::EVENT_KIND_LOST);
  event.set_unix_us(lost_us_);
  event.set_count(std::exchange(lost_, 0));
  event.set_message("the watcher was too slow for these");
  return event;
}

bool Watcher::Add(const v1::Event& event) {
  MutexLock lock(mutex_);
  if (events_.size() + (lost_ > 0 ? 2 : 1) > kMostWaiting) {
    ++lost_;
    lost_us_ = event.unix_us();
    return false;
  }
  if (lost_ > 0) events_.push_back(TakeLost());
  events_.push_back(event);
  return true;
}

Pull Watcher::Next(v1::Event* event) {
  MutexLock lock(mutex_);
  if (events_.empty() && lost_ == 0) return Pull::kNothing;
  if (events_.empty()) {
    *event = TakeLost();
    return Pull::kMessage;
  }
  *event = std::move(events_.front());
  events_.pop_front();
  return Pull::kMessage;
}

}  // namespace tensord::server
