// What may end the daemon from outside: SIGTERM, SIGINT, and the death of its parent; and SIGHUP.
#pragma once

#include <sys/types.h>

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
    kReload,      // SIGHUP: read the configuration again
  };

  // Takes SIGTERM, SIGINT and SIGHUP over and ignores SIGPIPE. Where standard input is a terminal,
  // SIGHUP says that it is gone, and counts as SIGINT.
  static absl::StatusOr<Signals> Install();

  // From now on the parent's death, and the closing of a standard input that is a pipe or socket,
  // are events too.
  void WatchParent();

  // The next event, or kNone after `timeout`.
  Event Wait(absl::Duration timeout) const;

 private:
  Signals() = default;
  Event Poll(int milliseconds) const;

  base::Fd event_;
  bool watch_parent_ = false;
  bool watch_stdin_ = false;
  pid_t parent_ = 0;
};

}  // namespace tensord::server
