#include "clients/cpp/tests/cutting_proxy.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace tensord::client {
namespace {

constexpr char kPrefix[] = "unix://";

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

bool SendAll(int to, const char* bytes, ssize_t count) {
  for (ssize_t sent; count > 0; bytes += sent, count -= sent) {
    sent = send(to, bytes, static_cast<size_t>(count), MSG_NOSIGNAL);
    if (sent <= 0) return false;
  }
  return true;
}

// Until either side ends; then both do.
void Pump(int from, int to) {
  char bytes[1 << 16];
  for (ssize_t n; (n = read(from, bytes, sizeof(bytes))) > 0 && SendAll(to, bytes, n);) {
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& target) : target_(target.substr(strlen(kPrefix))) {
  const std::string path = folder_ / "s.sock";
  address_ = kPrefix + path;
  listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un own = AddressOf(path);
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) std::abort();
  if (listen(listener_, 16) != 0) std::abort();
  acceptor_ = std::thread([this] { Accept(); });
}

CuttingProxy::~CuttingProxy() {
  stop_ = true;
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  Cut();
  for (std::thread& pump : pumps_) pump.join();
  for (const int fd : sockets_) close(fd);
  close(listener_);
}

void CuttingProxy::Accept() {
  while (!stop_) {
    const int client = accept(listener_, nullptr, nullptr);
    if (client < 0) continue;
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    const sockaddr_un there = AddressOf(target_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0) {
      close(client);
      close(server);
      continue;
    }
    const std::lock_guard lock(mutex_);
    sockets_.insert(sockets_.end(), {client, server});
    pumps_.emplace_back(Pump, client, server);
    pumps_.emplace_back(Pump, server, client);
  }
}

void CuttingProxy::Cut() {
  const std::lock_guard lock(mutex_);
  for (const int fd : sockets_) shutdown(fd, SHUT_RDWR);
}

}  // namespace tensord::client
