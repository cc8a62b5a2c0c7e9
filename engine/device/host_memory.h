// Device memory that is the host's own: for devices whose kernels run on the host's processor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "engine/device/device.h"

namespace tensord::device {

// What an allocator of `options` may hand out: its memory_limit, or three quarters of what the
// machine and the cgroup allow this process.
int64_t HostMemoryLimit(const DeviceOptions& options);

// Hands out host memory up to a limit. Freed blocks are kept by size class and reused, because the
// first touch of fresh pages costs more than most kernels; they are returned to the system when the
// limit is near, and the oldest of them when more is held than twice what was ever in use and 64
// MiB: sizes that vary would else gather a block of every class for each user there ever was.
// Blocks of 2 MiB and more are aligned to 2 MiB and ask for huge pages, others are aligned to 64
// bytes. A size is rounded up by at most a quarter, and counted rounded. Thread-safe. Memory may
// outlive the allocator.
class HostAllocator : public Allocator {
 public:
  explicit HostAllocator(int64_t limit);
  ~HostAllocator() override;

  absl::StatusOr<std::unique_ptr<Memory>> Allocate(int64_t bytes) override;
  int64_t bytes_in_use() const override;
  int64_t bytes_limit() const override;

  int64_t bytes_cached() const;  // freed and kept; not part of bytes_in_use
  void DropCache();

 private:
  struct State;
  class Block;
  std::shared_ptr<State> state_;
};

// The error of an allocation that doesn't fit, worded alike on every device.
absl::Status OutOfMemory(int64_t asked, int64_t in_use, int64_t limit);

}  // namespace tensord::device
