#include "engine/device/null/null.h"

#include <cstring>
#include <utility>

#include "engine/base/status.h"
#include "engine/device/host_capabilities.h"
#include "engine/device/host_memory.h"

namespace tensord::device::null {
namespace {

constexpr std::string_view kBinary = "null";

absl::Status Nothing() { return absl::OkStatus(); }

class NullMemory : public Memory {
 public:
  NullMemory(int64_t bytes, std::shared_ptr<std::atomic<int64_t>> in_use)
      : bytes_(bytes), in_use_(std::move(in_use)) {}
  ~NullMemory() override { *in_use_ -= bytes_; }
  int64_t bytes() const override { return bytes_; }

 private:
  const int64_t bytes_;
  const std::shared_ptr<std::atomic<int64_t>> in_use_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Memory>> NullAllocator::Allocate(int64_t bytes) {
  if (bytes < 0) return InvalidArgument("allocation of ", bytes, " bytes");
  int64_t used = *in_use_;
  do {
    if (bytes > limit_ - used) return OutOfMemory(bytes, used, limit_);
  } while (!in_use_->compare_exchange_weak(used, used + bytes));
  return std::make_unique<NullMemory>(bytes, in_use_);
}

Point NullQueue::Launch(const Program&, absl::Span<const Argument>, absl::Span<const int64_t>,
                        Gate gate) {
  ++counters_->launches;
  return Submit([gate = std::move(gate)] {
    if (gate) gate();
    return absl::OkStatus();
  });
}

Point NullQueue::Copy(Argument, Argument, int64_t) {
  ++counters_->copies;
  return Submit(Nothing);
}

Point NullQueue::CopyIn(Argument, const std::byte*, int64_t bytes) {
  counters_->bytes_in += bytes;
  return Submit(Nothing);
}

Point NullQueue::CopyOut(std::byte* to, Argument, int64_t bytes) {
  counters_->bytes_out += bytes;
  return Submit([to, bytes] {
    if (bytes > 0) std::memset(to, 0, static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

bool NullQueue::TryCopyOut(std::byte* to, Argument, int64_t bytes) {
  if (!IfIdle(bytes, [&] { std::memset(to, 0, static_cast<size_t>(bytes)); })) return false;
  counters_->bytes_out += bytes;
  return true;
}

Point NullQueue::Fill(Argument, int64_t, std::byte) {
  ++counters_->fills;
  return Submit(Nothing);
}

NullDevice::NullDevice(const DeviceOptions& options)
    : capabilities_(HostCapabilities("null", options)), allocator_(HostMemoryLimit(options)) {
  for (const types::DTypeRow& row : types::AllDTypes()) capabilities_.SetNative(row.dtype);
}

absl::StatusOr<std::string> NullDevice::Compile(const kernel::Linear&) {
  return std::string(kBinary);
}

absl::StatusOr<std::unique_ptr<Program>> NullDevice::Load(const kernel::Linear& kernel,
                                                          std::string_view binary) {
  if (binary != kBinary) return InvalidArgument("null: not a binary of this device: ", kernel.name);
  return std::make_unique<Program>();
}

const DeviceDriver& Driver() {
  static constexpr DeviceDriver driver = {
      .name = "null",
      .count = [] { return 1; },
      .open = [](int, const DeviceOptions& options) -> absl::StatusOr<std::unique_ptr<Device>> {
        return std::make_unique<NullDevice>(options);
      }};
  return driver;
}

}  // namespace tensord::device::null
