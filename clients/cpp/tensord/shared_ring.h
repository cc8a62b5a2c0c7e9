// Bulk transfers through shared memory, to a daemon on this host: tensord/v1/shared_memory.proto.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/chunk.h"
#include "tensord/v1/shared_memory.pb.h"

namespace tensord::client {

// One connection with its memory. Not thread-safe.
class SharedRing {
 public:
  // By the Unix socket `path`. Errors: the daemon's, UNAVAILABLE when it has no shared memory.
  static absl::StatusOr<std::unique_ptr<SharedRing>> Open(const std::string& path,
                                                          const std::string& session,
                                                          const std::string& token);
  ~SharedRing();
  SharedRing(const SharedRing&) = delete;

  // The bytes of an upload from its offset `from` on; returns when the daemon has them. After an
  // error the connection is of no more use. Errors: the daemon's, UNAVAILABLE when it is gone.
  absl::Status Upload(uint64_t number, std::string_view bytes, uint64_t from);
  // What `request` asks for. Likewise.
  absl::Status Download(const v1::DownloadRequest& request, absl::Time deadline,
                        Received& received);

 private:
  SharedRing(int fd, int descriptor) : fd_(fd), descriptor_(descriptor) {}

  absl::Status Map(const v1::RingOpened& opened);
  absl::Status Send(const v1::RingRequest& request);
  absl::StatusOr<v1::RingReply> Receive(absl::Time deadline);
  absl::Status AwaitMore(absl::Time deadline) const;
  absl::Status ReceiveMore(absl::Time deadline);
  absl::StatusOr<uint32_t> AwaitUploaded();
  char* SlotAt(uint32_t slot) const { return memory_ + size_t{slot} * slot_bytes_; }

  const int fd_;
  int descriptor_;  // of the memory, once it has come; -1 before
  char* memory_ = nullptr;
  uint32_t slots_ = 0, slot_bytes_ = 0;
  std::string in_;  // what has come and was not taken
};

// A session's ring, if there can be one: opened by the first transfer that is worth it, and anew
// when the daemon has closed it. Thread-safe.
class SharedLane {
 public:
  // `path` may be empty: no ring.
  SharedLane(std::string path, std::string session, std::string token)
      : path_(std::move(path)), session_(std::move(session)), token_(std::move(token)) {}

  // As SharedRing's. UNAVAILABLE: it is to be done in another way, from where it stopped; also when
  // another thread's transfer is under way.
  absl::Status Upload(uint64_t number, std::string_view bytes);
  absl::Status Download(const v1::DownloadRequest& request, absl::Time deadline,
                        Received& received);

 private:
  absl::Status Open();

  const std::string path_, session_, token_;
  std::mutex mutex_;
  std::unique_ptr<SharedRing> ring_;
  absl::Time again_ = absl::InfinitePast();  // when to try to open one next
};

}  // namespace tensord::client
