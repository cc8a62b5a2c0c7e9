// A kernel's machine code with what it takes to launch it: the regions in order, parallel loops
// spread over a pool of threads, scratch and frame memory.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/base/thread_pool.h"
#include "engine/codegen/llvm_text.h"
#include "engine/device/host_queue.h"
#include "engine/device/llvm/jit.h"
#include "engine/kernel/linear.h"

namespace tensord::device::llvm {

// 64-byte aligned memory that grows when asked for more, forgetting what it held.
class GrowingMemory {
 public:
  absl::Status Reserve(int64_t bytes);
  void* get() const { return memory_.get(); }

 private:
  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<void, Free> memory_;
  int64_t bytes_ = 0;
};

// What the programs of one device share while they run. One launch at a time.
class Launcher {
 public:
  explicit Launcher(int threads) : pool_(threads), scratch_(static_cast<size_t>(threads)) {}

  int threads() const { return pool_.threads(); }
  // Runs the regions of `table`. `cost_ns` is about what one core needs for the whole kernel: it
  // decides how many threads are worth waking.
  absl::Status Run(const codegen::KernelTable& table, void* const* arguments,
                   const int64_t* variables, double cost_ns);

 private:
  void RunParallel(const codegen::KernelRegion& region, void* const* arguments,
                   const int64_t* variables, double cost_ns);

  std::mutex mutex_;
  base::ThreadPool pool_;
  std::vector<GrowingMemory> scratch_;  // one per thread
  GrowingMemory frame_;
};

class LlvmProgram : public HostProgram {
 public:
  // `code`'s entry is a KernelTable.
  LlvmProgram(const kernel::Linear& kernel, std::unique_ptr<LoadedCode> code,
              std::shared_ptr<Launcher> launcher);

  // INVALID_ARGUMENT for a buffer that is aligned less than the kernel says.
  absl::Status Run(absl::Span<std::byte* const> buffers,
                   absl::Span<const int64_t> variables) const override;

 private:
  double CostNs(absl::Span<const int64_t> variables) const;

  const kernel::Linear kernel_;
  const std::unique_ptr<LoadedCode> code_;
  const std::shared_ptr<Launcher> launcher_;
  mutable std::mutex mutex_;
  mutable std::vector<int64_t> costed_variables_;  // of the last launch
  mutable double cost_ns_ = -1;
};

}  // namespace tensord::device::llvm
