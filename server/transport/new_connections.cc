#include "server/transport/new_connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "engine/base/log.h"
#include "engine/base/strings.h"

namespace tensord::server::transport {
namespace {

std::string NameOf(const in6_addr& address, int port) {
  std::string name(reinterpret_cast<const char*>(&address), sizeof(address));
  return StrCat(name, ":", port);
}

// IPv4 as IPv6 maps it.
in6_addr Mapped(const in_addr& v4) {
  in6_addr mapped = {};
  mapped.s6_addr[10] = mapped.s6_addr[11] = 0xff;
  std::memcpy(&mapped.s6_addr[12], &v4, sizeof(v4));
  return mapped;
}

std::string Unescaped(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::string byte = absl::HexStringToBytes(ToAbsl(text.substr(i + 1, 2)));
      out += byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool IsClosed(int fd) {
  pollfd watched = {fd, 0, 0};
  return poll(&watched, 1, 0) == 1 && (watched.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

std::string ConnectionName(const sockaddr_storage& peer) {
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    return NameOf(Mapped(v4.sin_addr), ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
  return NameOf(v6.sin6_addr, ntohs(v6.sin6_port));
}

std::string ConnectionName(std::string_view grpc_peer) {
  if (!grpc_peer.starts_with("ipv4:") && !grpc_peer.starts_with("ipv6:")) {
    return std::string(grpc_peer);
  }
  const bool v4 = grpc_peer[3] == '4';
  std::string text = Unescaped(grpc_peer.substr(5));
  const size_t colon = text.rfind(':');
  int port = 0;
  if (colon == text.npos || !absl::SimpleAtoi(text.substr(colon + 1), &port)) return text;
  std::string host = text.substr(0, colon);
  if (host.starts_with("[")) host = host.substr(1, host.find_first_of("]%") - 1);
  in_addr address4 = {};
  in6_addr address6 = {};
  if (v4 && inet_pton(AF_INET, host.c_str(), &address4) == 1) address6 = Mapped(address4);
  if (!v4) inet_pton(AF_INET6, host.c_str(), &address6);
  return NameOf(address6, port);
}

void NewConnections::Add(const std::string& name, int fd, absl::Time now) {
  base::Fd own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  MutexLock lock(mutex_);
  // The kernel uses names again once a connection is closed.
  if (const auto it = by_name_.find(name); it != by_name_.end()) Remove(it->second);
  connections_.push_back({name, std::move(own), now});
  by_name_[name] = std::prev(connections_.end());
  ++size_;
  if (connections_.size() > limits_.most) {
    CutOff(connections_.begin(), "too many have not begun a call (max-new-connections)");
  }
}

void NewConnections::OnCall(std::string_view grpc_peer) {
  if (size_ == 0) return;
  const std::string name = ConnectionName(grpc_peer);
  MutexLock lock(mutex_);
  if (const auto it = by_name_.find(name); it != by_name_.end()) Remove(it->second);
}

void NewConnections::OnTick(absl::Time now) {
  MutexLock lock(mutex_);
  for (auto it = connections_.begin(); it != connections_.end();) {
    const auto at = it++;
    if (IsClosed(at->fd.get())) {
      Remove(at);
    } else if (at->since + limits_.time <= now) {
      CutOff(at, "it began no call in time (first-call)");
    }
  }
}

void NewConnections::Clear() {
  MutexLock lock(mutex_);
  by_name_.clear();
  connections_.clear();
  size_ = 0;
}

void NewConnections::Remove(List::iterator at) {
  by_name_.erase(at->name);
  connections_.erase(at);
  --size_;
}

// The descriptor is gRPC's, but the socket behind it is this one too: gRPC reads its end.
void NewConnections::CutOff(List::iterator at, std::string_view why) {
  shutdown(at->fd.get(), SHUT_RDWR);
  metrics_.Add(Metric::connections_cut);
  LOG_INFO("connection cut off", {"why", why});
  Remove(at);
}

}  // namespace tensord::server::transport
