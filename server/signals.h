// What reaches the daemon from outside: SIGTERM, SIGINT and the death of its parent, which end it,
// and SIGHUP.
#pragma once

#include <sys/types.h>

#include <functional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/file.h"

namespace tensord::server {

// One per process. The signal handler only writes to an eventfd.
class Signals {
 public:
  enum class Event {
    kNone,        // the time is up
    kTerminate,   // SIGTERM: drain with its delay
    kInterrupt,   // SIGINT: somebody at a terminal; drain without delay
    kParentGone,  // nobody is left to serve: stop
  };

  // Takes SIGTERM, SIGINT and SIGHUP over and ignores SIGPIPE.
  static absl::StatusOr<Signals> Install();

  // `reload` is called on SIGHUP, inside Wait.
  void OnReload(std::function<void()> reload) { reload_ = std::move(reload); }

  // From now on the parent's death, and the closing of a standard input that is a pipe or socket,
  // are events too.
  void WatchParent();

  // The next event, or kNone after `timeout`.
  Event Wait(absl::Duration timeout) const;

 private:
  Signals() = default;
  Event Poll(int milliseconds) const;

  base::Fd event_;
  std::function<void()> reload_ = [] {};
  bool watch_parent_ = false;
  bool watch_stdin_ = false;
  pid_t parent_ = 0;
};

}  // namespace tensord::server
