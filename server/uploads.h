// Bytes that a session uploads, until something takes them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "engine/runtime/engine.h"
#include "engine/runtime/id_set.h"
#include "server/session_env.h"
#include "server/stream_handler.h"

namespace tensord::server {

// Thread-safe: chunks come from the bulk lane.
class Uploads {
 public:
  struct Limits {
    int64_t max_uploads = 256;
    int64_t max_bytes = int64_t{1} << 40;  // of one upload
  };
  // The bytes of a whole upload. `charge` counts them as staged.
  struct Content {
    runtime::BufferPtr buffer;
    size_t size = 0;
    std::unique_ptr<Charge> charge;
    char* data() const { return reinterpret_cast<char*>(buffer->memory->host()); }
    std::string_view view() const { return {data(), size}; }
  };

  // Bytes are gathered in staging memory of `engine`, which outlives this. `on_complete` is called,
  // without locks held, with the number of an upload that is whole.
  Uploads(runtime::Engine& engine, Limits limits, std::shared_ptr<Ledger> staging,
          std::function<void(uint64_t number)> on_complete);

  // A chunk, or empty data to ask how much there is. The errors of tensord.v1.UploadChunk.
  absl::StatusOr<v1::UploadStatus> Add(const ChunkHeader& header,
                                       std::span<const std::string_view> pieces, absl::Time now);

  // The content of a complete upload, which ends with it; nullptr when it is not there or not
  // whole.
  std::unique_ptr<Content> Take(uint64_t number);

  enum class State : uint8_t { kUnknown, kUnderWay, kComplete, kTaken };
  State StateOf(uint64_t number) const;
  // When the upload last grew; InfinitePast when it has not begun.
  absl::Time LastProgress(uint64_t number) const;

  // Where staged bytes of the session are charged.
  const std::shared_ptr<Ledger>& staging() const { return staging_; }
  // Whether none is under way or waits to be taken.
  bool empty() const {
    MutexLock lock(mutex_);
    return uploads_.empty();
  }
  // Ends an upload: what comes for it later is refused.
  void Drop(uint64_t number);
  // Ends complete uploads that nobody took, and others that stand still, since `before`.
  void Expire(absl::Time before);
  // Ends all, and refuses what comes later.
  void Close();

 private:
  struct Upload {
    uint64_t total = 0, committed = 0;
    Content content;
    absl::Time progress;
  };

  absl::StatusOr<Upload*> FindOrBegin(const ChunkHeader& header)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static absl::Status Append(const ChunkHeader& header, std::span<const std::string_view> pieces,
                             Upload& upload);

  runtime::Engine& engine_;
  const Limits limits_;
  const std::shared_ptr<Ledger> staging_;
  const std::function<void(uint64_t)> on_complete_;
  mutable Mutex mutex_;
  absl::flat_hash_map<uint64_t, Upload> uploads_ ABSL_GUARDED_BY(mutex_);
  runtime::IdSet taken_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace tensord::server
