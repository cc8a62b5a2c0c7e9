// The engine's one public header: devices, compiling functions, running them, moving bytes.
//
//   ASSIGN_OR_RETURN(auto engine, Engine::Create({.devices = {"llvm"}}));
//   ASSIGN_OR_RETURN(ExecutableRef add, engine->Prepare(function));       // slow once, then a
//   lookup engine->Run({.executable = add, .inputs = {a, b},
//                .on_done = [](absl::Status status, std::vector<Value> results) { ... }});
//
// Thread-safe. It knows sessions no more than a batcher or a test: all are callers.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/runtime/counters.h"
#include "engine/runtime/lane.h"
#include "engine/runtime/plan.h"
#include "engine/runtime/session_graph.h"
#include "engine/runtime/value.h"

namespace tensord::runtime {

struct EngineOptions {
  std::vector<std::string> devices;         // in the order of placements; empty: every one found
  std::string cache_dir;                    // "": nothing on disk
  int threads = 0;                          // of kernels; 0: the machine's
  int compile_threads = 0;                  // 0: one per core
  int lane_compiles = 3;                    // functions of one lane prepared at a time, of 4 in all
  int64_t memory_limit = 0;                 // bytes per device; 0: the device's default
  int64_t cache_memory = int64_t{1} << 30;  // bytes of plans, and as many of kernels; 0: no limit
  int64_t cache_disk = int64_t{8} << 30;    // bytes of both in cache_dir
  int64_t lane_cache = int64_t{256} << 20;  // of each, what one lane has made and no other used
  uint64_t schedule_seed = 0;               // random schedules, for tests; 0: the cost model's
};

struct DeviceInfo {
  std::string name;
  types::Capabilities capabilities;
  int64_t memory_used = 0, memory_limit = 0;
};

// A plan with its programs loaded. Immutable.
class Executable;
using ExecutableRef = std::shared_ptr<const Executable>;
const Plan& PlanOf(const Executable& executable);

using Clock = std::chrono::steady_clock;

// One run. Inputs are kept alive until it is done.
struct RunRequest {
  ExecutableRef executable;
  LaneRef lane;                    // nullptr: the engine's own
  std::vector<Value> inputs;       // one per parameter, of its type
  std::vector<int64_t> variables;  // one per variable of the plan, within its bounds
  // Parameters (positions) that the caller gives up: their buffers may be written over, if nobody
  // else holds them.
  std::vector<int> donate;
  // FAILED_PRECONDITION, reason DONATION, unless every parameter in `donate` that is read is
  // written over in place.
  bool donate_required = false;
  // Called within Run for each of `donate` that could not be written over in place: its bytes, and
  // why ("input 2 (f32[4]) ..."). May be empty.
  std::function<void(int64_t bytes, const std::string& why)> on_copied;
  int priority = 0;
  // What stops the run: heeded by Run, and on the device before each kernel up to the first one
  // that writes over a donated parameter, and never after it. A run that stops on the device is
  // done with DEADLINE_EXCEEDED or CANCELLED, its results undefined.
  Clock::time_point deadline = Clock::time_point::max();
  std::shared_ptr<std::atomic<bool>> cancelled;
  std::function<std::shared_ptr<void>(int64_t bytes)> charge;  // for each result buffer
  // Called once, on a device's thread; must not block. Results are valid when status is OK.
  absl::AnyInvocable<void(absl::Status) &&> on_done;
};

class Engine {
 public:
  static absl::StatusOr<std::unique_ptr<Engine>> Create(const EngineOptions& options);
  virtual ~Engine() = default;

  virtual std::vector<DeviceInfo> devices() const = 0;
  virtual const Counters& counters() const = 0;

  // One more of those that share the devices equally. Where a lane is asked for below, nullptr is
  // the engine's own. A value that another lane's work makes may be used once it is computed; it
  // is not written over.
  virtual LaneRef OpenLane() = 0;

  // Compiles `function`, or finds it compiled: in memory by content, else on disk. Blocks; equal
  // functions wait for one compile. Not for gRPC threads: see PrepareAsync.
  virtual absl::StatusOr<ExecutableRef> Prepare(const ir::Function& function) = 0;
  // The same on the engine's own threads, of which a lane takes its turn, and so many at a time.
  // `then` is called there, or at once when it is in memory.
  virtual void PrepareAsync(const LaneRef& lane, std::shared_ptr<const ir::Function> function,
                            absl::AnyInvocable<void(absl::StatusOr<ExecutableRef>) &&> then) = 0;

  // Reserves memory and submits everything, without waiting for the device: the results can be used
  // as inputs of later runs at once. An error means that nothing was launched (on_done is not
  // called): DEADLINE_EXCEEDED, CANCELLED, RESOURCE_EXHAUSTED, INVALID_ARGUMENT naming the input.
  virtual absl::StatusOr<std::vector<Value>> Run(RunRequest request) = 0;

  // A value of `type` with undefined contents; then bytes into it, in submission order before later
  // runs. `bytes` is kept by the caller until `then` is called (on the device's thread, or at
  // once).
  virtual absl::StatusOr<Value> Allocate(const LaneRef& lane, const types::Type& type) = 0;
  virtual void CopyIn(const LaneRef& lane, const Value& to, int64_t offset,
                      absl::Span<const std::byte> bytes,
                      absl::AnyInvocable<void(absl::Status) &&> then) = 0;
  // Bytes [offset, offset + to.size()) of `from`, once what computes it is done.
  virtual void CopyOut(const LaneRef& lane, absl::Span<std::byte> to, const Value& from,
                       int64_t offset, absl::AnyInvocable<void(absl::Status) &&> then) = 0;
  // Host memory to gather the bytes of a value in. Where the memory of a device is the host's, it
  // is that device's, and Adopt makes a value of it without a copy; invalid when `type` lives on
  // another device, or is larger. Errors: RESOURCE_EXHAUSTED.
  virtual absl::StatusOr<BufferPtr> AllocateStaging(int64_t bytes) = 0;
  virtual Value Adopt(const LaneRef& lane, BufferPtr staging, const types::Type& type) = 0;
  // The bytes of a value where they are, if the host can read them there; else nullptr. They are
  // valid once what computes it is done, as long as its buffer is held.
  virtual const std::byte* HostBytes(const Value& value) = 0;
  // Calls `then` when everything submitted to the lane for the device so far is done.
  virtual void Notify(const LaneRef& lane, types::Placement device,
                      absl::AnyInvocable<void(absl::Status) &&> then) = 0;

  // Conveniences that block, for tools and tests.
  absl::StatusOr<Value> Put(const types::HostTensor& tensor, types::Placement device = {});
  absl::StatusOr<types::HostTensor> Fetch(const Value& value);
  absl::StatusOr<std::vector<types::HostTensor>> Evaluate(
      const ir::Function& function, absl::Span<const types::HostTensor> arguments,
      absl::Span<const int64_t> variables = {});
};

}  // namespace tensord::runtime
