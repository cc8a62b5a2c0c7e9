#include "server/transport/tcp_listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "engine/base/status.h"
#include "server/transport/acceptor.h"

namespace tensord::server::transport {
namespace {

void SetPort(sockaddr* address, int port) {
  const auto number = htons(static_cast<uint16_t>(port));
  if (address->sa_family == AF_INET) reinterpret_cast<sockaddr_in*>(address)->sin_port = number;
  if (address->sa_family == AF_INET6) reinterpret_cast<sockaddr_in6*>(address)->sin6_port = number;
}

int PortOf(int socket) {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.ss_family == AF_INET
                   ? reinterpret_cast<const sockaddr_in&>(address).sin_port
                   : reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
}

// Invalid, with errno set, when it fails.
base::Fd Listen(const addrinfo& at) {
  base::Fd fd(socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fd;
  const int on = 1, off = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // connections inherit it
  if (at.ai_family == AF_INET6) {
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  const bool listens =
      bind(fd.get(), at.ai_addr, at.ai_addrlen) == 0 && listen(fd.get(), kBacklog) == 0;
  const int error = errno;
  if (!listens) fd.Close();
  errno = error;
  return fd;
}

}  // namespace

absl::StatusOr<TcpSockets> ListenTcp(const std::string& host, int port) {
  const std::string name = StrCat(host, ":", port);
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return InvalidArgument("listen ", name, ": ", gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, freeaddrinfo);
  TcpSockets listening{.port = port};
  absl::Status failure;
  for (addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SetPort(at->ai_addr, listening.port);
    base::Fd fd = Listen(*at);
    if (!fd.valid()) {
      const int error = errno;
      failure = base::ErrnoStatus(error, "cannot listen on", name);
      // A name like localhost may have an address of a family that this machine does not have.
      if (error != EADDRNOTAVAIL && error != EAFNOSUPPORT) return failure;
      continue;
    }
    listening.port = PortOf(fd.get());
    listening.sockets.push_back(std::move(fd));
  }
  if (listening.sockets.empty()) return failure;
  return listening;
}

}  // namespace tensord::server::transport
