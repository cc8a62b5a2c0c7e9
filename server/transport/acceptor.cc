#include "server/transport/acceptor.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/time/clock.h"
#include "engine/base/log.h"

namespace tensord::server::transport {

Acceptor::Acceptor(std::vector<base::Fd> sockets, std::string name)
    : sockets_(std::move(sockets)), name_(std::move(name)) {}

absl::Status Acceptor::Start(OnConnection on_connection) {
  stop_ = base::Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_.valid()) return base::ErrnoStatus(errno, "eventfd", name_);
  on_connection_ = std::move(on_connection);
  thread_ = std::thread([this] { Loop(); });
  return absl::OkStatus();
}

void Acceptor::Stop() {
  if (thread_.joinable()) {
    eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  sockets_.clear();
}

Acceptor::~Acceptor() { Stop(); }

void Acceptor::Loop() {
  std::vector<pollfd> watched = {{stop_.get(), POLLIN, 0}};
  for (const base::Fd& socket : sockets_) watched.push_back({socket.get(), POLLIN, 0});
  for (;;) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return;
    if (watched[0].revents != 0) return;
    for (size_t i = 1; i < watched.size(); ++i) {
      if (watched[i].revents != 0) AcceptOne(watched[i].fd);
    }
  }
}

void Acceptor::AcceptOne(int socket) {
  base::Fd fd(accept4(socket, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd.valid()) return on_connection_(std::move(fd));
  if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
  LOG_WARNING("cannot accept", {"error", std::strerror(errno)}, {"socket", name_});
  absl::SleepFor(absl::Milliseconds(100));  // the connection waits in the backlog
}

}  // namespace tensord::server::transport
