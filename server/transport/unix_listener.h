// A Unix socket that knows who connects.
//
// gRPC 1.51 does not tell a call's peer credentials, so the daemon accepts connections itself,
// asks the kernel (SO_PEERCRED), and hands the descriptor to gRPC, whose calls then come from the
// peer "fd:N". Each descriptor number belongs to one uid for the life of the process: a call that
// is still on its way when its connection closes can never be taken for another user's.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/file.h"
#include "server/principal.h"
#include "server/transport/acceptor.h"

namespace tensord::server::transport {

// The uid behind each descriptor number. Thread-safe.
class DescriptorOwners {
 public:
  // A descriptor for the same connection whose number no other uid has ever had; `fd` itself, or a
  // duplicate (then `fd` is closed). Invalid when the process has none left.
  base::Fd Claim(base::Fd fd, uid_t uid, pid_t pid);

  // The peer behind gRPC's "fd:N"; not identified for any other text.
  Peer Find(std::string_view grpc_peer) const;

 private:
  struct Owner {
    bool taken = false;
    uid_t uid = 0;
    pid_t pid = 0;  // of the latest connection
  };

  mutable std::mutex mutex_;
  std::vector<Owner> owners_;
};

class UnixListener {
 public:
  // Binds, with mode 0660. A socket that nobody listens on is replaced; a living one is an error.
  static absl::StatusOr<std::unique_ptr<UnixListener>> Bind(const std::string& path);
  ~UnixListener();  // stops, and removes the socket if it is still this one

  // Gives each connection away, on a thread of the listener's own.
  using OnConnection = std::function<void(base::Fd fd, uid_t uid, pid_t pid)>;
  absl::Status Start(OnConnection on_connection);
  void Stop();

  const std::string& path() const { return path_; }

 private:
  UnixListener(std::string path, base::Fd socket);

  const std::string path_;
  ino_t inode_ = 0;
  Acceptor acceptor_;
};

}  // namespace tensord::server::transport
