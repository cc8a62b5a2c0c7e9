#include "server/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <utility>

#include "absl/strings/numbers.h"
#include "engine/base/file.h"
#include "engine/base/strings.h"

namespace tensord::server {
namespace {

std::string Take(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  unsetenv(name);
  return text;
}

// systemd measures reloads by this clock.
int64_t MonotonicMicros() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace

ServiceManager ServiceManager::FromEnvironment() {
  std::string socket = Take("NOTIFY_SOCKET");
  const std::string usec = Take("WATCHDOG_USEC"), pid = Take("WATCHDOG_PID");
  int64_t micros = 0, wanted = 0;
  const bool mine = pid.empty() || (absl::SimpleAtoi(pid, &wanted) && wanted == getpid());
  if (!mine || !absl::SimpleAtoi(usec, &micros) || micros < 0) micros = 0;
  return ServiceManager(std::move(socket), absl::Microseconds(micros));
}

void ServiceManager::Notify(std::string_view state) const {
  sockaddr_un address = {};
  if (socket_.size() < 2 || socket_.size() >= sizeof(address.sun_path)) return;
  if (socket_[0] != '/' && socket_[0] != '@') return;
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';
  const base::Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const timeval patience = {.tv_sec = 1};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address), size);
}

void ServiceManager::Ready(std::string_view status) const {
  Notify(StrCat("READY=1\nSTATUS=", status));
}

void ServiceManager::Reloading() const {
  Notify(StrCat("RELOADING=1\nMONOTONIC_USEC=", MonotonicMicros()));
}

void ServiceManager::Stopping(absl::Duration at_most) const {
  Notify(StrCat("STOPPING=1\nSTATUS=draining\nEXTEND_TIMEOUT_USEC=",
                absl::ToInt64Microseconds(at_most)));
}

}  // namespace tensord::server
