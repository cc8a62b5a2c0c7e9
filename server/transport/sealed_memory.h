// Memory that another process may have too: without a name, and of a size that nobody can change.
#pragma once

#include <cstddef>

#include "absl/status/statusor.h"
#include "engine/base/file.h"

namespace tensord::server::transport {

// What the other process writes there may change at any time: read it once.
class SealedMemory {
 public:
  // Zeroed. Errors: RESOURCE_EXHAUSTED.
  static absl::StatusOr<SealedMemory> Make(size_t bytes);
  ~SealedMemory();  // unmaps; the memory lives while others have it
  SealedMemory(SealedMemory&& other) noexcept;
  SealedMemory& operator=(SealedMemory&&) = delete;

  char* data() const { return data_; }
  size_t size() const { return size_; }
  // What another process maps; sealed against growing, shrinking and further seals.
  int fd() const { return fd_.get(); }

 private:
  SealedMemory(base::Fd fd, char* data, size_t size)
      : fd_(std::move(fd)), data_(data), size_(size) {}

  base::Fd fd_;
  char* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tensord::server::transport
