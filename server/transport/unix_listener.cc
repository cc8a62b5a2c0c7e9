#include "server/transport/unix_listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/numbers.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "server/transport/acceptor.h"

namespace tensord::server::transport {
namespace {

constexpr mode_t kMode = 0660;

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof(address.sun_path) - 1));
  return address;
}

// Removes a socket that a daemon left behind when it was killed.
absl::Status RemoveStale(const std::string& path) {
  struct stat info = {};
  if (lstat(path.c_str(), &info) != 0) return absl::OkStatus();
  if (!S_ISSOCK(info.st_mode)) {
    return FailedPrecondition(path, " exists and is no socket; remove it or listen elsewhere");
  }
  base::Fd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_un address = AddressOf(path);
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return FailedPrecondition("another process listens on ", path);
  }
  if (unlink(path.c_str()) != 0) return base::ErrnoStatus(errno, "unlink", path);
  return absl::OkStatus();
}

// Bound and of its mode before the first connection is possible.
absl::StatusOr<base::Fd> BindAndListen(const std::string& path) {
  base::Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return base::ErrnoStatus(errno, "socket", path);
  const sockaddr_un address = AddressOf(path);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return base::ErrnoStatus(errno, "bind", path);
  }
  if (chmod(path.c_str(), kMode) != 0) return base::ErrnoStatus(errno, "chmod", path);
  if (listen(fd.get(), kBacklog) != 0) return base::ErrnoStatus(errno, "listen", path);
  return fd;
}

std::vector<base::Fd> OneOf(base::Fd socket) {
  std::vector<base::Fd> sockets;
  sockets.push_back(std::move(socket));
  return sockets;
}

}  // namespace

base::Fd DescriptorOwners::Claim(base::Fd fd, uid_t uid, pid_t pid) {
  std::lock_guard lock(mutex_);
  while (fd.valid()) {
    const auto number = static_cast<size_t>(fd.get());
    if (number >= owners_.size()) owners_.resize(number + 1);
    if (!owners_[number].taken || owners_[number].uid == uid) {
      owners_[number] = {true, uid, pid};
      return fd;
    }
    fd = base::Fd(fcntl(fd.get(), F_DUPFD_CLOEXEC, fd.get() + 1));
  }
  return fd;
}

Peer DescriptorOwners::Find(std::string_view grpc_peer) const {
  Peer peer{.address = std::string(grpc_peer)};
  size_t number = 0;
  if (!grpc_peer.starts_with("fd:") || !absl::SimpleAtoi(ToAbsl(grpc_peer.substr(3)), &number)) {
    return peer;
  }
  std::lock_guard lock(mutex_);
  if (number >= owners_.size() || !owners_[number].taken) return peer;
  const Owner& owner = owners_[number];
  peer.address = StrCat("unix:uid=", owner.uid, ",pid=", owner.pid);
  peer.identified = true;
  peer.principal = {StrCat("uid:", owner.uid), owner.uid};
  return peer;
}

absl::StatusOr<std::unique_ptr<UnixListener>> UnixListener::Bind(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (!folder.empty()) RETURN_IF_ERROR(base::MakeDirs(folder, 0755));
  RETURN_IF_ERROR(RemoveStale(path));
  ASSIGN_OR_RETURN(base::Fd socket, BindAndListen(path));
  return std::unique_ptr<UnixListener>(new UnixListener(path, std::move(socket)));
}

UnixListener::UnixListener(std::string path, base::Fd socket)
    : path_(std::move(path)), acceptor_(OneOf(std::move(socket)), path_) {
  struct stat info = {};
  if (lstat(path_.c_str(), &info) == 0) inode_ = info.st_ino;
}

absl::Status UnixListener::Start(OnConnection on_connection) {
  return acceptor_.Start([on_connection = std::move(on_connection)](base::Fd fd) {
    ucred credentials = {};
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
    on_connection(std::move(fd), credentials.uid, credentials.pid);
  });
}

void UnixListener::Stop() { acceptor_.Stop(); }

UnixListener::~UnixListener() {
  Stop();
  struct stat info = {};
  if (lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_) unlink(path_.c_str());
}

}  // namespace tensord::server::transport
