// When a lane's threads may rest.
//
// gRPC lets one thread of the process poll all sockets and wakes the others when an event is
// theirs. A bulk thread that polls would so take the control lane's events first, and pass each on
// through a wake-up, which costs a session's frame more than its work. So threads of the bulk lane
// poll only while there are transfers; the control lane hears of new ones.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace tensord::server::transport {

// Thread-safe.
class LaneRest {
 public:
  void OnCallStarted() {
    {
      std::lock_guard lock(mutex_);
      ++calls_;
    }
    changed_.notify_all();
  }
  void OnCallEnded() {
    std::lock_guard lock(mutex_);
    --calls_;
  }
  // No more rest.
  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  // Returns true while there is something to poll for, and false now and then when there is not: a
  // look is due, because gRPC answers calls of unknown methods on a queue of its own choice.
  bool Rest() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kNap, [this] { return calls_ > 0 || stopped_; });
  }

 private:
  static constexpr std::chrono::milliseconds kNap{100};

  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  bool stopped_ = false;
};

}  // namespace tensord::server::transport
