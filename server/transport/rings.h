// The connections of a Unix socket, before it is known what they speak, and the rings among them.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "engine/base/file.h"
#include "server/transport/method.h"

namespace tensord::server::transport {

class Ring;
class RingInbox;

// One thread serves them all. Thread-safe, but for Start and Stop.
class Rings {
 public:
  struct Events {
    // A connection that speaks something else; nothing of it has been read.
    std::function<void(base::Fd fd)> on_other;
    // Whose ring it is has been proved.
    std::function<void(int fd)> on_opened;
  };
  // `services` outlive it, and `max_rings` at a time.
  explicit Rings(const Services& services, size_t max_rings = 256);
  ~Rings();  // stops
  Rings(const Rings&) = delete;

  // Events come on the thread that this starts.
  absl::Status Start(Events events);
  // A connection that does not block.
  void Add(base::Fd fd, const Peer& peer);
  // Ends the thread and every connection that is still here. Idempotent.
  void Stop();

 private:
  struct Connection {
    base::Fd fd;  // of one that has said nothing yet
    Peer peer;
    std::unique_ptr<Ring> ring;
    bool announced = false;
  };

  void Loop();
  bool OnNews();
  void Watch(base::Fd fd, const Peer& peer);
  void OnReadable(int fd);
  // Reads the first byte, and so what the connection speaks; false: it is no ring.
  bool Classify(int fd, Connection& connection);
  void OnWake(int fd);
  void OnTick();
  void Unwatch(int fd);

  const Services services_;
  const size_t max_rings_;
  Events events_;
  base::Fd epoll_;
  const std::shared_ptr<RingInbox> inbox_;
  absl::flat_hash_map<int, Connection> connections_;  // by descriptor; the thread's own
  size_t rings_ = 0;                                  // among them
  std::thread thread_;
};

}  // namespace tensord::server::transport
