// One Watch call: which events it wants, and the queue of those that it has not been sent.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "server/stream_handler.h"

namespace tensord::server {

// Thread-safe.
class Watcher {
 public:
  // Events that wait for a slow client; LOST among them.
  static constexpr size_t kMostWaiting = 1024;
  static constexpr absl::Duration kLeastInterval = absl::Milliseconds(100);

  // Why a request can't be served.
  static absl::Status Check(const v1::WatchRequest& request);

  // REQUIRES: Check.
  Watcher(std::string principal, const v1::WatchRequest& request, StreamPtr stream);

  // Whether it is of a wanted kind, and the daemon's or of its principal.
  bool Wants(const v1::Event& event) const;
  // Queues it; false: there was no room.
  bool Add(const v1::Event& event);
  Pull Next(v1::Event* event);
  void Wake() { stream_->Wake(); }

  // How often it wants STATS; zero: never.
  absl::Duration interval() const { return interval_; }
  absl::Time due;  // the next STATS; the bus's

 private:
  v1::Event TakeLost() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string principal_;
  const absl::Duration interval_;
  const StreamPtr stream_;
  uint64_t kinds_ = 0;  // a bit each

  Mutex mutex_;
  std::deque<v1::Event> events_ ABSL_GUARDED_BY(mutex_);
  uint64_t lost_ ABSL_GUARDED_BY(mutex_) = 0;     // since the last of events_
  uint64_t lost_us_ ABSL_GUARDED_BY(mutex_) = 0;  // when the last of them was
};

}  // namespace tensord::server
