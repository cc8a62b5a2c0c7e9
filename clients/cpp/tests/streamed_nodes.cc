#include "clients/cpp/tests/streamed_nodes.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "clients/cpp/tensord/ops.h"

namespace tensord::client {
namespace {

constexpr int64_t kDropEvery = 10'000;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A chain of ops on values of its own, so that none has been there before.
void StreamChain(Session& session, int64_t nodes) {
  const Tensor a = session.Put<float>({8, 8}, std::vector<float>(64, 1)),
               b = session.Put<float>({8}, std::vector<float>(8, 1));
  Tensor h = a;
  for (int64_t made = 0; made < nodes; made += 8) {
    h = ops::Relu(h + b);
    h = h * a - b;
    h = ops::Matmul(h, a);
    h = ops::Permute(h, {1, 0});
    h = ops::Reshape(h, {8, 8});
    h = ops::Maximum(h, b);
  }
}

std::string HttpGet(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  std::string page;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char bytes[1 << 14];
    for (ssize_t n; (n = recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
      page.append(bytes, static_cast<size_t>(n));
    }
  }
  close(fd);
  return page;
}

}  // namespace

absl::Status StreamNodes(Session& session, int64_t nodes) {
  for (int64_t made = 0; made < nodes; made += kDropEvery) {
    StreamChain(session, std::min(kDropEvery, nodes - made));
  }
  for (int i = 0; i < 2; ++i) {  // the first takes the last frees along, and they are applied
    if (absl::Status status = session.Barrier(); !status.ok()) return status;
  }
  return session.Ping().status();
}

absl::StatusOr<double> ReadMetric(int port, const std::string& name) {
  std::istringstream page(HttpGet(port, "/metrics"));
  double sum = 0;
  bool answered = false, found = false;
  for (std::string line; std::getline(page, line); answered = true) {
    if (!line.starts_with(name) || (line[name.size()] != '{' && line[name.size()] != ' ')) continue;
    sum += std::stod(line.substr(line.rfind(' ') + 1));
    found = true;
  }
  if (!answered) return absl::UnavailableError("no metrics");
  if (!found) return absl::NotFoundError(name);
  return sum;
}

int64_t ResidentBytes(pid_t pid) {
  int64_t pages = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  close(fd);
  return ntohs(address.sin_port);
}

}  // namespace tensord::client
