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

// Until either side ends; then both do.
void Pump(int from, int to) {
  char bytes[1 << 16];
  for (ssize_t n; (n = read(from, bytes, sizeof(bytes))) > 0;) {
    for (ssize_t at = 0, put; at < n; at += put) {
      put = send(to, bytes + at, static_cast<size_t>(n - at), MSG_NOSIGNAL);
      if (put <= 0) n = at = 0, put = 0;
      if (n == 0) break;
    }
    if (n == 0) break;
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

}  // namespace

CuttingProxy::CuttingProxy(const std::string& target) : target_(target.substr(strlen(kPrefix))) {
  char folder[] = "/tmp/tensord-proxy.XXXXXX";
  folder_ = mkdtemp(folder);
  address_ = kPrefix + folder_ + "/s.sock";
  listener_ = socket(AF_UNIX, SOCK_STREAM, 0);
  const sockaddr_un own = AddressOf(folder_ + "/s.sock");
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
  unlink((folder_ + "/s.sock").c_str());
  rmdir(folder_.c_str());
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
