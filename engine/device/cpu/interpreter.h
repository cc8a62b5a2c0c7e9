// Executes decoded kernels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/types/span.h"
#include "engine/base/thread_pool.h"
#include "engine/device/cpu/decode.h"
#include "engine/device/host_queue.h"

namespace tensord::device::cpu {

// A kernel of the cpu device. Parallel loops and grids run on `pool`, which must outlive it.
//
// A work-group's items take turns on one thread: each runs up to the next barrier or its end, with
// a frame of its own.
class CpuProgram : public HostProgram {
 public:
  CpuProgram(Decoded program, base::ThreadPool* pool) : program_(std::move(program)), pool_(pool) {}

  absl::Status Run(absl::Span<std::byte* const> buffers,
                   absl::Span<const int64_t> variables) const override;

 private:
  class Worker;
  void RunParallel(const Worker& parent, int32_t at) const;
  void RunGrid(const Worker& parent, int32_t at) const;

  const Decoded program_;
  base::ThreadPool* const pool_;
};

}  // namespace tensord::device::cpu
