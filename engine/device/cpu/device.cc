// The cpu device: interprets linear kernels. See README.md.
#include "engine/device/device.h"

#include <memory>
#include <string>
#include <utility>

#include "engine/base/status.h"
#include "engine/base/thread_pool.h"
#include "engine/device/cpu/interpreter.h"
#include "engine/device/host_capabilities.h"
#include "engine/device/host_memory.h"
#include "engine/device/host_queue.h"

namespace tensord::device::cpu {
namespace {

// Long vectors: the price of an instruction is shared by its lanes.
constexpr int kVectorBytes = 256;

class CpuDevice : public Device {
 public:
  explicit CpuDevice(const DeviceOptions& options)
      : capabilities_(HostCapabilities("cpu", options)),
        allocator_(HostMemoryLimit(options)),
        pool_(capabilities_.threads),
        queue_("tensord-cpu") {
    capabilities_.vector_bytes = kVectorBytes;
    capabilities_.vector_registers = 32;
    for (const types::DTypeRow& row : types::AllDTypes()) capabilities_.SetNative(row.dtype);
  }

  std::string_view name() const override { return capabilities_.name; }
  const types::Capabilities& capabilities() const override { return capabilities_; }
  Allocator& allocator() override { return allocator_; }
  Queue& queue() override { return queue_; }
  std::unique_ptr<Queue> NewQueue() override {
    return std::make_unique<HostQueue>(queue_.worker());
  }
  std::string compile_key() const override { return "cpu text 1"; }

  // The binary is the kernel's text.
  absl::StatusOr<std::string> Compile(const kernel::Linear& kernel) override {
    return kernel::Print(kernel);
  }

  absl::StatusOr<std::unique_ptr<Program>> Load(const kernel::Linear& kernel,
                                                std::string_view binary) override {
    ASSIGN_OR_RETURN(kernel::Linear parsed, kernel::ParseLinear(binary));
    if (parsed.globals() != kernel.globals() ||
        parsed.variables.size() != kernel.variables.size()) {
      return InvalidArgument("cpu: the binary is of another kernel than ", kernel.name);
    }
    RETURN_IF_ERROR(kernel::Verify(parsed));
    return std::make_unique<CpuProgram>(Decode(parsed), &pool_);
  }

 private:
  types::Capabilities capabilities_;
  HostAllocator allocator_;
  base::ThreadPool pool_;
  HostQueue queue_;  // last: it finishes its work before the others go
};

}  // namespace

const DeviceDriver& Driver() {
  static constexpr DeviceDriver driver = {
      .name = "cpu",
      .count = [] { return 1; },
      .open = [](int, const DeviceOptions& options) -> absl::StatusOr<std::unique_ptr<Device>> {
        return std::make_unique<CpuDevice>(options);
      }};
  return driver;
}

}  // namespace tensord::device::cpu
