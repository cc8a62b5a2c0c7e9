// What answers the calls of tensord.v1.Compute: the seam between transport and session core.
//
// The transport admits, authenticates, counts and logs; it parses the requests of tools; it leaves
// frames, and whose data an upload belongs to, to the handler. Every method is called on transport
// threads, from several at once, and must return soon: long work answers later through its Reply.
#pragma once

#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/principal.h"
#include "server/stream_handler.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::server {

// The answer to a unary call: to be called once, at any time, on any thread. Dropped uncalled, it
// answers INTERNAL.
template <typename T>
class Reply {
 public:
  using Send = absl::AnyInvocable<void(absl::StatusOr<T>)>;

  Reply(StreamPtr stream, Send send) : stream_(std::move(stream)), send_(std::move(send)) {}
  Reply(Reply&& other) noexcept
      : stream_(std::move(other.stream_)), send_(std::exchange(other.send_, nullptr)) {}
  Reply& operator=(Reply&&) = delete;
  ~Reply() {
    if (send_) send_(absl::InternalError("the call was not answered"));
  }

  void operator()(absl::StatusOr<T> answer) {
    if (auto send = std::exchange(send_, nullptr)) send(std::move(answer));
  }

  // Whether the caller has gone: work for it may stop.
  bool cancelled() const { return stream_->cancelled(); }

 private:
  StreamPtr stream_;
  Send send_;
};

// A session's right to shared memory (tensord/v1/shared_memory.proto), charged for its own life.
class RingLease {
 public:
  virtual ~RingLease() = default;
  // The session is over, or its credentials are.
  virtual bool ended() const = 0;
};

class ComputeHandler {
 public:
  virtual ~ComputeHandler() = default;

  // Streams. The handler's object is destroyed after its OnDetached.
  //
  // Who a session acts for is decided by its first item: an identified peer is its own principal,
  // any other needs credentials (Authenticator, server/credentials.h).
  virtual std::unique_ptr<StreamHandler> OpenSession(const Peer& peer, StreamPtr stream) = 0;
  virtual std::unique_ptr<UploadSink> OpenUpload(const Peer& peer, StreamPtr stream) = 0;
  virtual absl::StatusOr<std::unique_ptr<DownloadSource>> OpenDownload(
      const Peer& peer, const v1::DownloadRequest& request, StreamPtr stream) = 0;
  // Errors: UNAUTHENTICATED, RESOURCE_EXHAUSTED.
  virtual absl::StatusOr<std::unique_ptr<RingLease>> OpenRing(const std::string& session,
                                                              std::string_view token,
                                                              int64_t bytes) = 0;
  virtual absl::StatusOr<std::unique_ptr<EventSource>> OpenWatch(const Principal& principal,
                                                                 const v1::WatchRequest& request,
                                                                 StreamPtr stream) = 0;

  // Unary forms of the above: a serialised ClientFrame in, a serialised ServerFrame out; one chunk.
  // The bytes and pieces are valid during the call.
  virtual void Submit(const Peer& peer, std::string_view frame, Reply<SharedBytes> reply) = 0;
  virtual void UploadPart(const Peer& peer, const ChunkHeader& header,
                          std::span<const std::string_view> pieces,
                          Reply<v1::UploadStatus> reply) = 0;

  // Tools.
  virtual void Run(const Principal& principal, v1::RunRequest request,
                   Reply<v1::RunReply> reply) = 0;
  virtual absl::StatusOr<v1::Welcome> Negotiate(const Principal& principal,
                                                const v1::Hello& hello) = 0;
  virtual absl::StatusOr<v1::ListOpsReply> ListOps() = 0;
  virtual absl::StatusOr<v1::ListDevicesReply> ListDevices() = 0;

  // Once a second, on a thread of the server's own: leases, parked items, TTLs.
  virtual void OnTick(absl::Time now) = 0;

  // The daemon stops in `deadline`: tell every session (GoingAway) and take no new ones.
  virtual void OnGoingAway(absl::Duration deadline) = 0;

  // Whether no session has work left to do or answers left to send: the drain may end early.
  virtual bool Idle() const = 0;
};

}  // namespace tensord::server
