// drain: the wire has no message for it. A drain begins with SIGTERM, so the process that listens
// on the Unix socket is found by its peer credentials and signalled.
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "clients/cpp/tensorctl/commands.h"

namespace tensord::ctl {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  const int number_;
};

// Who listens on a socket: the process that called listen().
absl::StatusOr<ucred> ListenerOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(absl::StrCat("the socket path is too long: ", path));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const Descriptor socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(socket_fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return absl::UnavailableError(absl::StrCat(path, ": ", std::strerror(errno)));
  }
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (getsockopt(socket_fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return absl::InternalError(absl::StrCat(path, ": SO_PEERCRED: ", std::strerror(errno)));
  }
  return peer;
}

// That a signal may be sent, and hits a daemon: the listener may be systemd, or live in another
// container.
absl::Status CheckListener(const ucred& peer) {
  std::string name;
  std::getline(std::ifstream(absl::StrCat("/proc/", peer.pid, "/comm")), name);
  if (peer.pid <= 1 || !name.starts_with("tensord")) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the socket's listener (process ", peer.pid, ", \"", name,
        "\") is no tensord that can be signalled from here; stop it where it was started"));
  }
  if (geteuid() == 0 || geteuid() == peer.uid) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("the daemon runs as user ", peer.uid,
                                                  ", this is user ", geteuid(),
                                                  "; run tensorctl as that user, or as root"));
}

absl::Status AwaitEnd(int process, absl::Duration timeout) {
  pollfd end = {process, POLLIN, 0};
  const int64_t milliseconds = std::min<int64_t>(absl::ToInt64Milliseconds(timeout), INT32_MAX);
  if (poll(&end, 1, static_cast<int>(milliseconds)) == 1) return absl::OkStatus();
  return absl::DeadlineExceededError("the daemon drains, but has not ended within --timeout");
}

absl::Status DrainListener(const Arguments& arguments, const std::string& path, pid_t* pid) {
  const absl::StatusOr<ucred> peer = ListenerOf(path);
  if (!peer.ok()) return peer.status();
  // Held before it is checked: the number can't come to mean another process in between.
  const Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, peer->pid, 0)));
  if (absl::Status status = CheckListener(*peer); !status.ok()) return status;
  if (process.get() < 0 ||
      syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0) {
    return absl::InternalError(
        absl::StrCat("can't signal process ", peer->pid, ": ", std::strerror(errno)));
  }
  *pid = peer->pid;
  return arguments.wait ? AwaitEnd(process.get(), arguments.timeout) : absl::OkStatus();
}

}  // namespace

ExitCode Drain(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  if (daemon->target().path.empty()) {
    return Report(absl::FailedPreconditionError(
        absl::StrCat("drain reaches a daemon by its Unix socket only, not ", daemon->address(),
                     "; send SIGTERM to it on its own machine")));
  }
  pid_t pid = 0;
  const absl::Status status = DrainListener(arguments, daemon->target().path, &pid);
  if (!status.ok()) return Report(status);
  return Print(arguments, {{{"pid", "process"}, {"state", "state"}},
                           {{int64_t{pid}, std::string(arguments.wait ? "ended" : "draining")}},
                           true});
}

}  // namespace tensord::ctl
