// Content-addressed files that survive the process: plans and machine code.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/mutex.h"
#include "engine/base/sha256.h"
#include "engine/runtime/cache_order.h"

namespace tensord::runtime {

// A directory owned by this user with mode 0700; anything else is refused, because it holds machine
// code. Each entry carries its format, the build, the full key and the payload's SHA-256; a
// mismatch of any is a miss and the file is removed. Written aside, synced, renamed. Bounded (see
// CacheOrder): an entry's last use is its file's time; who made it is known to this process alone.
// Thread-safe.
class DiskCache {
 public:
  // "" : a cache that holds nothing. Makes the directory. PERMISSION_DENIED when it is not private.
  static absl::StatusOr<DiskCache> Open(const std::string& directory, CacheLimits limits = {});

  // The payload stored under `kind` ("plan", "kernel") and `key`, compared whole; `owner` uses it.
  std::optional<std::string> Find(std::string_view kind, std::string_view key,
                                  uint64_t owner) const;
  // Failures are logged and forgotten: a cache never fails its user. Answers how many entries left.
  int Store(std::string_view kind, std::string_view key, std::string_view payload,
            uint64_t owner) const;

 private:
  struct Index {
    explicit Index(CacheLimits limits) : order(limits) {}
    Mutex mutex;
    CacheOrder order ABSL_GUARDED_BY(mutex);  // by name
    bool complete ABSL_GUARDED_BY(mutex) = false;
  };
  DiskCache(std::string directory, CacheLimits limits)
      : directory_(std::move(directory)), index_(std::make_unique<Index>(limits)) {}
  static std::string NameOf(std::string_view kind, std::string_view key);
  std::string PathOf(const std::string& name) const { return directory_ + "/" + name; }
  void Complete(Index& index) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(index.mutex);
  int MakeRoom(const std::string& name, uint64_t owner, int64_t bytes) const;

  std::string directory_;
  std::unique_ptr<Index> index_;
};

}  // namespace tensord::runtime
