// A thread that accepts connections on listening sockets.
#pragma once

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "engine/base/file.h"

namespace tensord::server::transport {

// Connections that the kernel holds for a listener until they are accepted.
inline constexpr int kBacklog = 1024;

class Acceptor {
 public:
  // `sockets` listen and do not block; `name` is for logs.
  Acceptor(std::vector<base::Fd> sockets, std::string name);
  ~Acceptor();  // stops
  Acceptor(const Acceptor&) = delete;

  // Gives each connection away, on a thread of the acceptor's own. When the process has no
  // descriptor left, connections wait in the backlog.
  using OnConnection = std::function<void(base::Fd fd)>;
  absl::Status Start(OnConnection on_connection);
  // Joins the thread and closes the sockets. Idempotent.
  void Stop();

 private:
  void Loop();
  void AcceptOne(int socket);

  std::vector<base::Fd> sockets_;
  const std::string name_;
  base::Fd stop_;
  OnConnection on_connection_;
  std::thread thread_;
};

}  // namespace tensord::server::transport
