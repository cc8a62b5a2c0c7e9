// Content-addressed files that survive the process: plans and machine code.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "engine/base/sha256.h"

namespace tensord::runtime {

// A directory owned by this user with mode 0700; anything else is refused, because it holds machine
// code. Each entry carries its format, the build, the full key and the payload's SHA-256; a
// mismatch of any is a miss and the file is removed. Written aside, synced, renamed. Thread-safe.
class DiskCache {
 public:
  // "" : a cache that holds nothing. Makes the directory. PERMISSION_DENIED when it is not private.
  static absl::StatusOr<DiskCache> Open(const std::string& directory);

  // The payload stored under `kind` ("plan", "kernel") and `key`, compared whole.
  std::optional<std::string> Find(std::string_view kind, std::string_view key) const;
  // Failures are logged and forgotten: a cache never fails its user.
  void Store(std::string_view kind, std::string_view key, std::string_view payload) const;

 private:
  explicit DiskCache(std::string directory) : directory_(std::move(directory)) {}
  std::string PathOf(std::string_view kind, const base::Digest& digest) const;
  std::string directory_;
};

}  // namespace tensord::runtime
