// What happens in the daemon, told to whoever watches (Compute.Watch).
//
//   std::unique_ptr<EventSource> source = *bus.Watch(principal, request, stream);
//   bus.SessionOpened({principal.name, session, label});
//
// A watcher hears of its own principal's sessions, and of the daemon itself. Each has a queue of a
// fixed length: what does not fit is dropped, counted, and told as LOST in its place.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "server/metrics.h"
#include "server/principal.h"
#include "server/stream_handler.h"
#include "server/ticker.h"

namespace tensord::server {

class Watcher;

// Whose event it is.
struct SessionTag {
  std::string_view principal;
  std::string_view session;  // the public name
  std::string_view label;
};

// Thread-safe. Wakes streams, without locks held, on the thread of whoever tells an event. Outlives
// its watchers' streams.
class EventBus {
 public:
  using Now = std::function<absl::Time()>;
  explicit EventBus(Metrics& metrics, Now now = absl::Now);
  ~EventBus();

  // INVALID_ARGUMENT for an interval below 100 ms, UNIMPLEMENTED for a kind that is not known.
  absl::StatusOr<std::unique_ptr<EventSource>> Watch(const Principal& principal,
                                                     const v1::WatchRequest& request,
                                                     StreamPtr stream);

  // Of sessions, for their principal's watchers.
  void SessionOpened(const SessionTag& tag);
  void SessionDetached(const SessionTag& tag);
  void SessionResumed(const SessionTag& tag);
  void SessionClosed(const SessionTag& tag, std::string_view why);
  void FaultSent(const SessionTag& tag, const v1::Fault& fault);  // LIMIT too, if it is one

  // Of the daemon, for everybody.
  void StateChanged(std::string_view state);
  void Compiled(uint64_t kernels, absl::Duration time);

  // Sends STATS to the watchers that want them by now; how long until the next. The bus does this
  // by itself, on a thread that runs once somebody wants STATS.
  absl::Duration TellStats();

 private:
  class Source;
  using WatcherRef = std::shared_ptr<Watcher>;

  void TellOf(const SessionTag& tag, v1::EventKind kind, std::string_view message);
  void Tell(v1::Event event);
  void Send(v1::Event event, const std::vector<WatcherRef>& to);
  std::vector<WatcherRef> All() const;
  void Remove(const WatcherRef& watcher);

  Metrics& metrics_;
  const Now now_;
  std::atomic<int> count_ = 0;  // of watchers: nothing is built for nobody
  mutable Mutex mutex_;
  std::vector<WatcherRef> watchers_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<Ticker> ticker_ ABSL_GUARDED_BY(mutex_);  // of TellStats
};

}  // namespace tensord::server
