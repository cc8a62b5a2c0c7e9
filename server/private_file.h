// Files that hold secrets, and files that are read again when they change.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace tensord::server {

// The whole of a file that belongs to this user or root and is closed to everyone else; `what` it
// is, for messages. FAILED_PRECONDITION says which command mends it. At most 1 MiB.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, std::string_view what);

// Tells whether any of some files has changed: replaced, written, or gone. Not thread-safe.
class FileWatch {
 public:
  FileWatch() = default;
  // Empty paths are left out.
  explicit FileWatch(std::vector<std::string> paths);

  // Since it was made, or since the last call that answered true.
  bool Changed();

 private:
  struct Stamp {
    uint64_t device = 0, inode = 0;
    int64_t bytes = -1, modified_ns = 0;  // bytes -1: it is not there
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> Look() const;

  std::vector<std::string> paths_;
  std::vector<Stamp> seen_;
};

}  // namespace tensord::server
