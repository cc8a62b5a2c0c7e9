// Connections that have not begun a call. Whoever connects and says nothing, half a TLS handshake,
// or a byte of HTTP/2 a second, is cut off after a while; and of too many at one time the oldest
// go. gRPC has no such limit for descriptors that it is given, and none at all on their number.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <list>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "engine/base/file.h"
#include "engine/base/mutex.h"
#include "server/metrics.h"

namespace tensord::server::transport {

// The name of a connection: the same for gRPC's words for a call's peer ("ipv4:10.0.0.1:40312",
// "ipv6:%5B::1%5D:40312", "fd:7") and for the address of its socket.
std::string ConnectionName(std::string_view grpc_peer);
std::string ConnectionName(const sockaddr_storage& peer);

// Thread-safe.
class NewConnections {
 public:
  struct Limits {
    size_t most = 1024;
    absl::Duration time = absl::Seconds(10);
  };
  NewConnections(const Limits& limits, Metrics& metrics) : limits_(limits), metrics_(metrics) {}

  // `fd` is somebody else's, to be given to gRPC after this; a duplicate of it is kept while the
  // connection is new.
  void Add(const std::string& name, int fd, absl::Time now);
  // A call has come from it, by somebody who may call.
  void OnCall(std::string_view grpc_peer);
  // Cuts off what is too old, and forgets what has been closed; to be called about once a second.
  void OnTick(absl::Time now);

  // Forgets all of them: nobody serves them any more.
  void Clear();

  size_t size() const { return size_; }

 private:
  struct Connection {
    std::string name;
    base::Fd fd;
    absl::Time since;
  };
  using List = std::list<Connection>;  // oldest first
  void Remove(List::iterator at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CutOff(List::iterator at, std::string_view why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;
  Metrics& metrics_;
  std::atomic<size_t> size_ = 0;
  Mutex mutex_;
  List connections_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, List::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tensord::server::transport
