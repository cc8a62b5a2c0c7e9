#include "engine/device/llvm/program.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <utility>

#include "engine/base/status.h"

namespace tensord::device::llvm {
namespace {

// Rough speed of one core, for the decision to wake others.
constexpr double kFlopsPerNs = 20, kBytesPerNs = 16;
constexpr double kNsPerThread = 6000;  // waking a thread and waiting for it costs 2 to 5 µs
constexpr int64_t kChunksPerThread = 4;

}  // namespace

void GrowingMemory::Free::operator()(void* memory) const { std::free(memory); }

absl::Status GrowingMemory::Reserve(int64_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  constexpr int64_t kPage = 4096;
  const int64_t rounded = (bytes + kPage - 1) / kPage * kPage;
  memory_.reset();
  bytes_ = 0;
  memory_.reset(std::aligned_alloc(kPage, static_cast<size_t>(rounded)));
  if (memory_ == nullptr) return ResourceExhausted("no ", rounded, " bytes of scratch memory");
  bytes_ = rounded;
  return absl::OkStatus();
}

absl::Status Launcher::Run(const codegen::KernelTable& table, void* const* arguments,
                           const int64_t* variables, double cost_ns) {
  std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(frame_.Reserve(table.frame_bytes));
  for (GrowingMemory& scratch : scratch_) RETURN_IF_ERROR(scratch.Reserve(table.scratch_bytes));
  for (int i = 0; i < table.regions; ++i) {
    const codegen::KernelRegion& region = table.region[i];
    if (region.trip == nullptr) {
      region.run(arguments, variables, 0, 1, scratch_[0].get(), frame_.get());
    } else {
      RunParallel(region, arguments, variables, cost_ns);
    }
  }
  return absl::OkStatus();
}

void Launcher::RunParallel(const codegen::KernelRegion& region, void* const* arguments,
                           const int64_t* variables, double cost_ns) {
  const int64_t trips = region.trip(arguments, variables, frame_.get());
  const int64_t worth = static_cast<int64_t>(std::min(cost_ns / kNsPerThread, 1e6)) + 1;
  const int64_t threads = std::min<int64_t>({pool_.threads(), trips, worth});
  if (trips <= 0) return;
  if (threads == 1) {
    region.run(arguments, variables, 0, trips, scratch_[0].get(), frame_.get());
    return;
  }
  // More chunks than threads: a core that another process slows down takes fewer of them.
  const int64_t chunks = std::min(trips, threads * kChunksPerThread);
  std::atomic<int64_t> next = 0;
  pool_.ParallelFor(threads, [&](int64_t, int64_t, int worker) {
    void* const scratch = scratch_[static_cast<size_t>(worker)].get();
    for (int64_t c; (c = next.fetch_add(1, std::memory_order_relaxed)) < chunks;) {
      const int64_t begin = c * (trips / chunks) + std::min(c, trips % chunks);
      const int64_t end = begin + trips / chunks + (c < trips % chunks ? 1 : 0);
      region.run(arguments, variables, begin, end, scratch, frame_.get());
    }
  });
}

LlvmProgram::LlvmProgram(const kernel::Linear& kernel, std::unique_ptr<LoadedCode> code,
                         std::shared_ptr<Launcher> launcher)
    : kernel_(kernel), code_(std::move(code)), launcher_(std::move(launcher)) {}

double LlvmProgram::CostNs(absl::Span<const int64_t> variables) const {
  std::lock_guard lock(mutex_);
  const bool known =
      cost_ns_ >= 0 && std::equal(variables.begin(), variables.end(), costed_variables_.begin(),
                                  costed_variables_.end());
  if (!known) {
    const kernel::Work work = kernel::EstimateWork(kernel_, variables);
    cost_ns_ =
        std::max(work.flops / kFlopsPerNs, (work.bytes_loaded + work.bytes_stored) / kBytesPerNs);
    costed_variables_.assign(variables.begin(), variables.end());
  }
  return cost_ns_;
}

absl::Status LlvmProgram::Run(absl::Span<std::byte* const> buffers,
                              absl::Span<const int64_t> variables) const {
  const auto globals = static_cast<size_t>(kernel_.globals());
  if (buffers.size() != globals || variables.size() != kernel_.variables.size()) {
    return InvalidArgument("kernel ", kernel_.name, ": ", buffers.size(), " buffers and ",
                           variables.size(), " variables given, ", globals, " and ",
                           kernel_.variables.size(), " expected");
  }
  for (size_t i = 0; i < globals; ++i) {
    const auto align = static_cast<uintptr_t>(kernel_.buffers[i].align);
    if ((reinterpret_cast<uintptr_t>(buffers[i]) & ((align & -align) - 1)) != 0) {
      return InvalidArgument("kernel ", kernel_.name, ": argument ", kernel_.buffers[i].name,
                             " is not aligned to ", align, " bytes");
    }
  }
  const auto& table = *static_cast<const codegen::KernelTable*>(code_->entry());
  const bool one_thread = launcher_->threads() == 1;
  return launcher_->Run(table, reinterpret_cast<void* const*>(buffers.data()), variables.data(),
                        one_thread ? 0 : CostNs(variables));
}

}  // namespace tensord::device::llvm
