// Devices: memory, programs and an asynchronous queue behind four small interfaces. A device is one
// folder here; see README.md for how to add one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/kernel/linear.h"
#include "engine/types/capabilities.h"

namespace tensord::device {

// A block of device memory. Freed by its destructor, which must run after the last queued use.
class Memory {
 public:
  virtual ~Memory() = default;
  virtual int64_t bytes() const = 0;
  // The host address of devices whose memory the host can address directly, else nullptr.
  virtual std::byte* host() { return nullptr; }
};

class Allocator {
 public:
  virtual ~Allocator() = default;
  // At least `bytes` (0 is legal), aligned to 64. RESOURCE_EXHAUSTED names used, asked and limit.
  // Contents are undefined. Thread-safe.
  virtual absl::StatusOr<std::unique_ptr<Memory>> Allocate(int64_t bytes) = 0;
  virtual int64_t bytes_in_use() const = 0;
  virtual int64_t bytes_limit() const = 0;
};

// A compiled kernel loaded on a device. Immutable and thread-safe.
class Program {
 public:
  virtual ~Program() = default;
};

// One argument: `memory` from byte `offset` on. Kept alive by the caller until the launch is done.
struct Argument {
  Memory* memory = nullptr;
  int64_t offset = 0;
};

// A position on a queue's timeline: everything submitted up to it. Value 0 is always reached.
struct Point {
  class Queue* queue = nullptr;
  uint64_t value = 0;
};

// Asked on the device's thread just before an operation: false leaves it out.
using Gate = std::function<bool()>;

// An in-order queue of asynchronous work. Submitting never waits for the device. Thread-safe; work
// runs in submission order. An operation that fails makes its point carry the error.
class Queue {
 public:
  virtual ~Queue() = default;
  // Runs `program` with its global buffers and variables, unless the gate (if there is one) says
  // no. REQUIRES: sizes were checked by the plan.
  virtual Point Launch(const Program& program, absl::Span<const Argument> arguments,
                       absl::Span<const int64_t> variables, Gate gate = nullptr) = 0;
  virtual Point Copy(Argument to, Argument from, int64_t bytes) = 0;            // within the device
  virtual Point CopyIn(Argument to, const std::byte* from, int64_t bytes) = 0;  // from the host
  virtual Point CopyOut(std::byte* to, Argument from, int64_t bytes) = 0;       // to the host
  // Copies at once, on the caller's thread, when nothing is under way and the bytes are few; else
  // does nothing and answers false: use CopyOut.
  virtual bool TryCopyOut(std::byte* /*to*/, Argument /*from*/, int64_t /*bytes*/) { return false; }
  virtual Point Fill(Argument to, int64_t bytes, std::byte value) = 0;
  // Later submissions run after `point` of any queue.
  virtual void WaitFor(Point point) = 0;
  // Calls `then` (on the device's thread, or at once: it must not block) once everything so far is
  // done, with the first error since the last Notify, if any.
  virtual void Notify(absl::AnyInvocable<void(absl::Status) &&> then) = 0;
  // The point of the last submission.
  virtual Point Last() const = 0;
  // Blocks until `value` is reached; returns its error. For tests and shutdown.
  virtual absl::Status Wait(uint64_t value) = 0;
  // Calls `then` once `value` is reached, on the device's thread, or at once.
  virtual void WhenReached(uint64_t value, absl::AnyInvocable<void() &&> then) = 0;
  // The time that the device has spent on this queue's work.
  virtual int64_t BusyNanoseconds() const = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view name() const = 0;  // "cpu", "llvm", "opencl:0"
  virtual const types::Capabilities& capabilities() const = 0;
  virtual Allocator& allocator() = 0;
  virtual Queue& queue() = 0;
  // One more. Queues share the device's time equally, an operation at a time. The device outlives
  // it; what was submitted is run also when the queue is gone.
  virtual std::unique_ptr<Queue> NewQueue() = 0;
  // What compiled code depends on besides the kernel's text: triple, cpu, features, driver, format.
  // Part of the disk cache's key.
  virtual std::string compile_key() const = 0;
  // Verified kernel -> binary. Pure, slow, thread-safe; may run in a worker process with time and
  // memory limits. RESOURCE_EXHAUSTED or DEADLINE_EXCEEDED when it hits one.
  virtual absl::StatusOr<std::string> Compile(const kernel::Linear& kernel) = 0;
  // Binary -> program. INVALID_ARGUMENT when the binary isn't one of this device.
  virtual absl::StatusOr<std::unique_ptr<Program>> Load(const kernel::Linear& kernel,
                                                        std::string_view binary) = 0;
};

struct DeviceOptions {
  int threads = 0;           // 0: the machine's
  int64_t memory_limit = 0;  // bytes; 0: a default from the machine or cgroup
  int compile_workers = 0;   // 0: one per core
  int compile_timeout_ms = 20000;
  std::string worker_path;  // program that runs compile workers; empty: /proc/self/exe
};

// What a device folder exports: `const DeviceDriver& Driver()` in its own namespace.
struct DeviceDriver {
  std::string_view name;  // "llvm"
  int (*count)();         // devices found now
  absl::StatusOr<std::unique_ptr<Device>> (*open)(int index, const DeviceOptions& options);
};

// Every driver built in, in a fixed order (registry.cc, generated table).
absl::Span<const DeviceDriver* const> AllDrivers();

// Opens "llvm", "cpu", "null", "opencl:1". NOT_FOUND lists what exists.
absl::StatusOr<std::unique_ptr<Device>> OpenDevice(std::string_view name,
                                                   const DeviceOptions& options = {});

}  // namespace tensord::device
