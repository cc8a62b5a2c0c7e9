// A device that computes nothing: everything above it can be measured and tested alone. Memory is
// counted, not allocated; launches, copies and fills are counted and do nothing; what is copied out
// is zeros. Also the skeleton of a new device: see README.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/device/device.h"
#include "engine/device/host_queue.h"

namespace tensord::device::null {

// What a queue was asked to do. Read after waiting for it.
struct Counters {
  std::atomic<int64_t> launches = 0, copies = 0, fills = 0;
  std::atomic<int64_t> bytes_in = 0, bytes_out = 0;
};

class NullAllocator : public Allocator {
 public:
  explicit NullAllocator(int64_t limit) : limit_(limit) {}
  absl::StatusOr<std::unique_ptr<Memory>> Allocate(int64_t bytes) override;
  int64_t bytes_in_use() const override { return *in_use_; }
  int64_t bytes_limit() const override { return limit_; }

 private:
  const int64_t limit_;
  std::shared_ptr<std::atomic<int64_t>> in_use_ = std::make_shared<std::atomic<int64_t>>(0);
};

// The timeline is a HostQueue's; the five operations are its own. Since they do nothing, they are
// done where they are submitted, unless others wait.
class NullQueue : public HostQueue {
 public:
  NullQueue()
      : HostQueue(
            std::make_shared<HostWorker>("tensord-null", nullptr, HostWorker::Idle::kCaller)) {}
  // Beside another one, which counts for both.
  explicit NullQueue(const NullQueue& beside)
      : HostQueue(beside.worker()), counters_(beside.counters_) {}
  Point Launch(const Program& program, absl::Span<const Argument> arguments,
               absl::Span<const int64_t> variables, Gate gate = nullptr) override;
  Point Copy(Argument to, Argument from, int64_t bytes) override;
  Point CopyIn(Argument to, const std::byte* from, int64_t bytes) override;
  Point CopyOut(std::byte* to, Argument from, int64_t bytes) override;
  bool TryCopyOut(std::byte* to, Argument from, int64_t bytes) override;
  Point Fill(Argument to, int64_t bytes, std::byte value) override;

  const Counters& counters() const { return *counters_; }

 private:
  const std::shared_ptr<Counters> counters_ = std::make_shared<Counters>();
};

class NullDevice : public Device {
 public:
  explicit NullDevice(const DeviceOptions& options);
  std::string_view name() const override { return capabilities_.name; }
  const types::Capabilities& capabilities() const override { return capabilities_; }
  NullAllocator& allocator() override { return allocator_; }
  NullQueue& queue() override { return queue_; }
  std::unique_ptr<Queue> NewQueue() override { return std::make_unique<NullQueue>(queue_); }
  std::string compile_key() const override { return "null 1"; }
  absl::StatusOr<std::string> Compile(const kernel::Linear& kernel) override;
  absl::StatusOr<std::unique_ptr<Program>> Load(const kernel::Linear& kernel,
                                                std::string_view binary) override;

 private:
  types::Capabilities capabilities_;
  NullAllocator allocator_;
  NullQueue queue_;
};

const DeviceDriver& Driver();

}  // namespace tensord::device::null
