// The llvm device: the machine's processor at full speed. Kernels become LLVM text here, objects in
// worker processes, and code in this process.
#include "engine/device/device.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/host.h"
#include "engine/base/settings.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "engine/codegen/llvm_compile.h"
#include "engine/codegen/llvm_text.h"
#include "engine/device/host_capabilities.h"
#include "engine/device/host_memory.h"
#include "engine/device/host_queue.h"
#include "engine/device/llvm/jit.h"
#include "engine/device/llvm/program.h"
#include "engine/device/llvm/worker_pool.h"

namespace tensord::device::llvm {
namespace {

constexpr char kBinaryMagic[] = "TLLV";
constexpr uint32_t kBinaryVersion = 2;  // change it when compiled code of older versions is stale

class LlvmDevice : public Device {
 public:
  LlvmDevice(const DeviceOptions& options, std::shared_ptr<Jit> jit,
             std::unique_ptr<WorkerPool> workers)
      : capabilities_(HostCapabilities("llvm", options)),
        jit_(std::move(jit)),
        workers_(std::move(workers)),
        launcher_(std::make_shared<Launcher>(capabilities_.threads)),
        allocator_(HostMemoryLimit(options)),
        queue_("llvm") {
    const codegen::LlvmTarget& target = codegen::HostTarget();
    capabilities_.target_triple = target.triple;
    capabilities_.target_cpu = target.cpu;
    capabilities_.target_features = target.features;
  }

  std::string_view name() const override { return "llvm"; }
  const types::Capabilities& capabilities() const override { return capabilities_; }
  Allocator& allocator() override { return allocator_; }
  Queue& queue() override { return queue_; }
  std::unique_ptr<Queue> NewQueue() override {
    return std::make_unique<HostQueue>(queue_.worker());
  }

  std::string compile_key() const override {
    return StrCat("llvm ", codegen::LlvmVersion(), " ", capabilities_.target_triple, " ",
                  capabilities_.target_cpu, " ", capabilities_.target_features, " binary ",
                  kBinaryVersion, " table ", codegen::kKernelTableFormat, " tensord ",
                  TENSORD_VERSION);
  }

  absl::StatusOr<std::string> Compile(const kernel::Linear& kernel) override;
  absl::StatusOr<std::unique_ptr<Program>> Load(const kernel::Linear& kernel,
                                                std::string_view binary) override;

 private:
  types::Capabilities capabilities_;
  const std::shared_ptr<Jit> jit_;
  const std::unique_ptr<WorkerPool> workers_;
  const std::shared_ptr<Launcher> launcher_;
  HostAllocator allocator_;
  HostQueue queue_;
};

absl::StatusOr<std::string> LlvmDevice::Compile(const kernel::Linear& kernel) {
  ASSIGN_OR_RETURN(const std::string text, codegen::LlvmTextRenderer().Render(kernel));
  if (base::DumpWanted("llvm")) std::fputs(text.c_str(), stderr);
  absl::StatusOr<std::string> object = workers_->Compile(text, codegen::HostTarget());
  if (!object.ok()) return Annotate(object.status(), absl::StrCat("kernel ", kernel.name, ": "));
  base::ByteWriter writer;
  writer.Header(kBinaryMagic, kBinaryVersion);
  const base::Digest digest = base::Sha256(*object);
  writer.Raw({reinterpret_cast<const char*>(digest.data()), digest.size()});
  writer.String(*object);
  return writer.Take();
}

// The object in a binary that Compile made.
absl::StatusOr<std::string_view> ObjectOf(std::string_view binary) {
  base::ByteReader reader(binary);
  RETURN_IF_ERROR(reader.Header(kBinaryMagic, kBinaryVersion));
  ASSIGN_OR_RETURN(const std::string_view digest, reader.Raw(sizeof(base::Digest)));
  ASSIGN_OR_RETURN(const std::string_view object, reader.StringView());
  RETURN_IF_ERROR(reader.End());
  const base::Digest actual = base::Sha256(object);
  if (digest != std::string_view(reinterpret_cast<const char*>(actual.data()), actual.size())) {
    return InvalidArgument("the object is damaged");
  }
  return object;
}

absl::StatusOr<std::unique_ptr<Program>> LlvmDevice::Load(const kernel::Linear& kernel,
                                                          std::string_view binary) {
  const absl::StatusOr<std::string_view> object = ObjectOf(binary);
  if (!object.ok()) {
    return InvalidArgument("kernel ", kernel.name,
                           ": no binary of the llvm device: ", object.status().message());
  }
  ASSIGN_OR_RETURN(std::unique_ptr<LoadedCode> code,
                   jit_->Load(*object, codegen::kKernelTableSymbol));
  const auto* table = static_cast<const codegen::KernelTable*>(code->entry());
  if (table->format != codegen::kKernelTableFormat) {
    return InvalidArgument("kernel ", kernel.name, ": binary of another format");
  }
  return std::make_unique<LlvmProgram>(kernel, std::move(code), launcher_);
}

// Half types are converted by F16C and kernels are written with fused multiply-adds; older
// processors have the cpu device.
int Count() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 1 : 0;
#else
  return 1;
#endif
}

absl::StatusOr<std::unique_ptr<Device>> Open(int, const DeviceOptions& options) {
  ASSIGN_OR_RETURN(std::shared_ptr<Jit> jit, Jit::Create());
  WorkerOptions worker_options;
  worker_options.workers = options.compile_workers > 0 ? options.compile_workers : base::CpuCount();
  worker_options.timeout_ms = options.compile_timeout_ms;
  worker_options.path = options.worker_path;
  ASSIGN_OR_RETURN(std::unique_ptr<WorkerPool> workers, WorkerPool::Start(worker_options));
  return std::make_unique<LlvmDevice>(options, std::move(jit), std::move(workers));
}

}  // namespace

const DeviceDriver& Driver();

const DeviceDriver& Driver() {
  static constexpr DeviceDriver driver = {"llvm", Count, Open};
  return driver;
}

}  // namespace tensord::device::llvm
