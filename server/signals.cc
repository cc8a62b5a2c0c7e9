#include "server/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/time/clock.h"
#include "engine/base/status.h"

namespace tensord::server {
namespace {

// What each signal adds to the eventfd.
constexpr uint64_t kTerminate = 1;
constexpr uint64_t kReload = uint64_t{1} << 16;
constexpr uint64_t kInterrupt = uint64_t{1} << 32;
constexpr absl::Duration kParentPoll = absl::Milliseconds(250);

int signal_event = -1;

void OnSignal(int number) {
  const int saved = errno;
  eventfd_write(signal_event, number == SIGINT   ? kInterrupt
                              : number == SIGHUP ? kReload
                                                 : kTerminate);
  errno = saved;
}

bool IsPipe(int fd) {
  struct stat info = {};
  return fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

// Reads what is there and throws it away; true at its end.
bool AtEnd(int fd) {
  char bytes[256];
  return read(fd, bytes, sizeof(bytes)) == 0;
}

}  // namespace

absl::StatusOr<Signals> Signals::Install() {
  Signals signals;
  signals.event_ = base::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!signals.event_.valid()) return base::ErrnoStatus(errno, "eventfd", "signals");
  signal_event = signals.event_.get();
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGHUP, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

void Signals::WatchParent() {
  watch_parent_ = true;
  watch_stdin_ = IsPipe(STDIN_FILENO);
  parent_ = getppid();
}

Signals::Event Signals::Wait(absl::Duration timeout) const {
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    absl::Duration left = std::max(absl::ZeroDuration(), deadline - absl::Now());
    if (watch_parent_) left = std::min(left, kParentPoll);
    left = std::min(left, absl::Hours(1));
    const Event event = Poll(static_cast<int>(absl::ToInt64Milliseconds(left)));
    if (event != Event::kNone || absl::Now() >= deadline) return event;
  }
}

Signals::Event Signals::Poll(int milliseconds) const {
  pollfd watched[] = {{event_.get(), POLLIN, 0}, {watch_stdin_ ? STDIN_FILENO : -1, POLLIN, 0}};
  if (poll(watched, 2, milliseconds) < 0) return Event::kNone;
  eventfd_t value = 0;
  if (watched[0].revents != 0 && eventfd_read(event_.get(), &value) == 0) {
    if (value >= kInterrupt) return Event::kInterrupt;
    if (value % kReload >= kTerminate) return Event::kTerminate;
    reload_();
    return Event::kNone;
  }
  if (watched[1].revents != 0 && AtEnd(STDIN_FILENO)) return Event::kParentGone;
  if (watch_parent_ && getppid() != parent_) return Event::kParentGone;
  return Event::kNone;
}

}  // namespace tensord::server
