// One connection of tensord/v1/shared_memory.proto: a session's bulk transfers through a ring of
// slots in shared memory.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/file.h"
#include "server/transport/method.h"
#include "server/transport/sealed_memory.h"
#include "tensord/v1/shared_memory.pb.h"

namespace tensord::server::transport {

// What a client sends before its first message. gRPC's connections begin with another byte.
inline constexpr std::string_view kRingMagic = "tensord\x01";

// Not thread-safe; never waits.
class Ring {
 public:
  struct Geometry {
    uint32_t slots = 8;
    uint32_t slot_bytes = 512 << 10;
    int64_t bytes() const { return int64_t{slots} * slot_bytes; }
  };
  // `fd` does not block; nothing of it has been read. `stream` wakes the ring's owner, who then
  // calls OnWake. `services` outlive it.
  Ring(base::Fd fd, const Peer& peer, const Services& services, StreamPtr stream);
  ~Ring();
  Ring(const Ring&) = delete;

  // Each answers whether the connection is to live on.
  bool OnReadable(absl::Time now);
  bool OnWake();
  bool OnTick(absl::Time now) const;

  int fd() const { return fd_.get(); }
  // Whose it is has been proved.
  bool opened() const { return memory_.has_value(); }

 private:
  bool HandleAll();
  bool Handle(const v1::RingRequest& request);
  bool Open(const v1::RingOpen& open);
  bool OnUpload(const v1::RingUpload& upload);
  absl::StatusOr<v1::UploadStatus> Add(const v1::RingUpload& upload);
  bool OnDownload(v1::DownloadRequest request);
  bool OnRelease(uint32_t slot);
  // Fills free slots with the download's next pieces.
  bool Fill();
  absl::StatusOr<Pull> NextPiece();
  bool SendPiece();
  bool EndDownload(const absl::Status& status);
  void StopDownload();
  bool SendEnd(const absl::Status& status);
  // The same; counts and logs a token that was none of the session's.
  absl::Status Counted(absl::Status refusal) const;
  bool Send(const v1::RingReply& reply, int descriptor = -1);

  const base::Fd fd_;
  const Peer peer_;
  const Services& services_;
  const StreamPtr stream_;
  const Geometry geometry_;
  absl::Time used_;
  bool greeted_ = false;  // the magic has come
  std::string in_;        // what has come of a message
  std::string session_, token_;
  std::unique_ptr<RingLease> lease_;
  std::optional<SealedMemory> memory_;
  std::unique_ptr<UploadSink> sink_;  // of upload `upload_`
  uint64_t upload_ = 0;
  std::unique_ptr<DownloadSource> source_;  // of the download under way
  std::deque<uint32_t> free_slots_;         // of those that the download has been lent
  OutChunk piece_;                          // what is left of the latest; maybe nothing
};

}  // namespace tensord::server::transport
