#include "engine/runtime/engine.h"

#include <algorithm>
#include <atomic>
#include <future>

#include "absl/base/thread_annotations.h"
#include "engine/base/fair_task_pool.h"
#include "engine/base/mutex.h"
#include "engine/base/status.h"
#include "engine/device/host_memory.h"
#include "engine/runtime/compiler.h"
#include "engine/runtime/executor.h"

namespace tensord::runtime {
namespace {

using Devices = std::vector<std::unique_ptr<device::Device>>;

std::vector<std::string> NamesOfAll() {
  std::vector<std::string> names;
  for (const device::DeviceDriver* driver : device::AllDrivers()) {
    if (driver->name == "null") continue;  // computes nothing: only by name
    const int count = driver->count();
    for (int i = 0; i < count; ++i) {
      names.push_back(count == 1 ? std::string(driver->name) : StrCat(driver->name, ":", i));
    }
  }
  // The fastest device is the default one.
  const auto cpu = std::find(names.begin(), names.end(), "cpu");
  if (cpu != names.end()) std::rotate(cpu, cpu + 1, names.end());
  return names;
}

absl::StatusOr<Devices> OpenDevices(const EngineOptions& options) {
  device::DeviceOptions device_options;
  device_options.threads = options.threads;
  device_options.memory_limit = options.memory_limit;
  device_options.compile_workers = options.compile_threads;
  Devices devices;
  for (const std::string& name : options.devices.empty() ? NamesOfAll() : options.devices) {
    ASSIGN_OR_RETURN(std::unique_ptr<device::Device> opened,
                     device::OpenDevice(name, device_options));
    devices.push_back(std::move(opened));
  }
  if (devices.empty()) return FailedPrecondition("no device found: build with one, or name one");
  return devices;
}

std::vector<device::Device*> Pointers(const Devices& devices) {
  std::vector<device::Device*> pointers;
  for (const auto& device : devices) pointers.push_back(device.get());
  return pointers;
}

device::Device* HostDevice(const Devices& devices) {
  for (const auto& device : devices) {
    const auto memory = device->allocator().Allocate(1);
    if (memory.ok() && (*memory)->host() != nullptr) return device.get();
  }
  return nullptr;
}

constexpr int kPrepareThreads = 4;

LaneRef MakeLane(const Devices& devices) {
  static std::atomic<uint64_t> last_id = 0;
  std::vector<std::unique_ptr<device::Queue>> queues;
  for (const auto& device : devices) queues.push_back(device->NewQueue());
  return std::make_shared<Lane>(++last_id, std::move(queues));
}

class EngineImpl : public Engine {
 public:
  EngineImpl(const EngineOptions& options, Devices devices, DiskCache disk)
      : devices_(std::move(devices)),
        host_device_(HostDevice(devices_)),
        staging_allocator_(device::HostMemoryLimit({.memory_limit = options.memory_limit})),
        compiler_(options, Pointers(devices_), std::move(disk), counters_),
        own_lane_(MakeLane(devices_)),
        executor_(Pointers(devices_), own_lane_, counters_),
        prepare_pool_(kPrepareThreads, options.lane_compiles) {}

  ~EngineImpl() override {
    prepare_pool_.Drain();
    AwaitAll(*own_lane_);
    MutexLock lock(lanes_mutex_);
    for (const auto& weak : lanes_) {
      if (const LaneRef lane = weak.lock()) AwaitAll(*lane);
    }
  }

  LaneRef OpenLane() override {
    LaneRef lane = MakeLane(devices_);
    MutexLock lock(lanes_mutex_);
    std::erase_if(lanes_, [](const auto& weak) { return weak.expired(); });
    lanes_.push_back(lane);
    return lane;
  }

  std::vector<DeviceInfo> devices() const override {
    std::vector<DeviceInfo> infos;
    for (const auto& device : devices_) {
      infos.push_back({std::string(device->name()), device->capabilities(),
                       device->allocator().bytes_in_use(), device->allocator().bytes_limit()});
    }
    return infos;
  }
  const Counters& counters() const override { return counters_; }

  absl::StatusOr<ExecutableRef> Prepare(const ir::Function& function) override {
    return compiler_.Prepare(function, own_lane_->id());
  }

  void PrepareAsync(const LaneRef& lane, std::shared_ptr<const ir::Function> function,
                    absl::AnyInvocable<void(absl::StatusOr<ExecutableRef>) &&> then) override {
    const uint64_t owner = Or(lane).id();
    if (auto found = compiler_.Find(compiler_.KeyOf(*function), owner); found != nullptr) {
      std::move(then)(std::move(found));
      return;
    }
    auto shared = std::make_shared<decltype(then)>(std::move(then));
    prepare_pool_.Submit(owner, [this, owner, function = std::move(function), shared] {
      std::move (*shared)(compiler_.Prepare(*function, owner));
    });
  }

  absl::StatusOr<std::vector<Value>> Run(RunRequest request) override {
    return executor_.Run(std::move(request));
  }

  absl::StatusOr<Value> Allocate(const LaneRef& lane, const types::Type& type) override {
    RETURN_IF_ERROR(CheckDevice(type.placement));
    return executor_.Allocate(Or(lane), type);
  }

  void CopyIn(const LaneRef& lane, const Value& to, int64_t offset,
              absl::Span<const std::byte> bytes,
              absl::AnyInvocable<void(absl::Status) &&> then) override {
    Count(counters_.bytes_in, bytes.size());
    device::Queue& queue = Or(lane).queue(to.type.placement.device);
    device::Argument at = to.argument();
    at.offset += offset;
    queue.CopyIn(at, bytes.data(), static_cast<int64_t>(bytes.size()));
    queue.Notify(Keeping(RefOr(lane), to, std::move(then)));
  }

  void CopyOut(const LaneRef& lane, absl::Span<std::byte> to, const Value& from, int64_t offset,
               absl::AnyInvocable<void(absl::Status) &&> then) override {
    Count(counters_.bytes_out, to.size());
    device::Queue& queue = Or(lane).queue(from.type.placement.device);
    device::Argument at = from.argument();
    at.offset += offset;
    if (queue.TryCopyOut(to.data(), at, static_cast<int64_t>(to.size()))) {
      return std::move(then)(absl::OkStatus());
    }
    queue.CopyOut(to.data(), at, static_cast<int64_t>(to.size()));
    queue.Notify(Keeping(RefOr(lane), from, std::move(then)));
  }

  absl::StatusOr<BufferPtr> AllocateStaging(int64_t bytes) override {
    auto buffer = std::make_shared<Buffer>();
    buffer->device = host_device_;
    device::Allocator& allocator =
        host_device_ != nullptr ? host_device_->allocator() : staging_allocator_;
    ASSIGN_OR_RETURN(buffer->memory, allocator.Allocate(bytes));
    return buffer;
  }

  Value Adopt(const LaneRef& lane, BufferPtr staging, const types::Type& type) override {
    const bool fits = type.placement.device < devices_.size() &&
                      devices_.at(type.placement.device).get() == staging->device &&
                      type.max_bytes() <= staging->memory->bytes();
    if (!fits) return {};
    staging->lane = Or(lane).id();
    return {std::move(staging), 0, type};
  }

  const std::byte* HostBytes(const Value& value) override {
    const std::byte* bytes = value.buffer->memory->host();
    return bytes == nullptr ? nullptr : bytes + value.offset;
  }

  void Notify(const LaneRef& lane, types::Placement device,
              absl::AnyInvocable<void(absl::Status) &&> then) override {
    Or(lane).queue(device.device).Notify(std::move(then));
  }

 private:
  using Then = absl::AnyInvocable<void(absl::Status) &&>;

  const LaneRef& RefOr(const LaneRef& lane) const { return lane != nullptr ? lane : own_lane_; }
  const Lane& Or(const LaneRef& lane) const { return *RefOr(lane); }
  void AwaitAll(const Lane& lane) const {
    for (size_t d = 0; d < devices_.size(); ++d) {
      lane.queue(d).Wait(lane.queue(d).Last().value).IgnoreError();
    }
  }
  absl::Status CheckDevice(types::Placement placement) const {
    if (placement.device < devices_.size()) return absl::OkStatus();
    return InvalidArgument("device ", placement.device, ": there are ", devices_.size());
  }
  // `then`, holding the value's memory until it is called; and the value itself if another lane's
  // work may write over it.
  static Then Keeping(const LaneRef& lane, const Value& value, Then then) {
    BufferPtr foreign = value.buffer->lane == lane->id() ? nullptr : value.buffer;
    return [lane, kept = Kept(*value.buffer), foreign = std::move(foreign), then = std::move(then)](
               absl::Status status) mutable { std::move(then)(std::move(status)); };
  }

  Counters counters_;
  Devices devices_;
  device::Device* const host_device_;  // the first whose memory is the host's; or nullptr
  device::HostAllocator staging_allocator_;
  Compiler compiler_;
  const LaneRef own_lane_;
  Executor executor_;
  Mutex lanes_mutex_;
  std::vector<std::weak_ptr<const Lane>> lanes_ ABSL_GUARDED_BY(lanes_mutex_);
  base::FairTaskPool prepare_pool_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> Engine::Create(const EngineOptions& options) {
  ASSIGN_OR_RETURN(DiskCache disk,
                   DiskCache::Open(options.cache_dir, {options.cache_disk, options.lane_cache}));
  ASSIGN_OR_RETURN(Devices devices, OpenDevices(options));
  return std::make_unique<EngineImpl>(options, std::move(devices), std::move(disk));
}

absl::StatusOr<Value> Engine::Put(const types::HostTensor& tensor, types::Placement device) {
  types::Type type;
  type.dtype = tensor.dtype();
  type.placement = device;
  for (int64_t dim : tensor.shape()) type.dims.push_back(dim);
  ASSIGN_OR_RETURN(Value value, Allocate(nullptr, type));
  std::promise<absl::Status> done;
  CopyIn(nullptr, value, 0, tensor.bytes(),
         [&](absl::Status status) { done.set_value(std::move(status)); });
  RETURN_IF_ERROR(done.get_future().get());
  return value;
}

absl::StatusOr<types::HostTensor> Engine::Fetch(const Value& value) {
  std::vector<int64_t> shape;
  for (const types::Sym& dim : value.type.dims) shape.push_back(dim.constant());
  types::HostTensor tensor(value.type.dtype, std::move(shape));
  std::promise<absl::Status> done;
  CopyOut(nullptr, tensor.bytes(), value, 0,
          [&](absl::Status status) { done.set_value(std::move(status)); });
  RETURN_IF_ERROR(done.get_future().get());
  return tensor;
}

absl::StatusOr<std::vector<types::HostTensor>> Engine::Evaluate(
    const ir::Function& function, absl::Span<const types::HostTensor> arguments,
    absl::Span<const int64_t> variables) {
  RunRequest request;
  ASSIGN_OR_RETURN(request.executable, Prepare(function));
  for (size_t i = 0; i < arguments.size(); ++i) {
    ASSIGN_OR_RETURN(Value input, Put(arguments[i], function.parameters[i]->type().placement));
    request.inputs.push_back(std::move(input));
  }
  request.variables.assign(variables.begin(), variables.end());
  request.on_done = [](const absl::Status&) {};
  ASSIGN_OR_RETURN(const std::vector<Value> values, Run(std::move(request)));
  std::vector<types::HostTensor> results;
  for (const Value& value : values) {
    ASSIGN_OR_RETURN(types::HostTensor tensor, Fetch(value));
    results.push_back(std::move(tensor));
  }
  return results;
}

}  // namespace tensord::runtime
