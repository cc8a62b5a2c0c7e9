// An in-order queue for devices that run on the host's processor: one thread that does what was
// submitted, in order. The thread may use others (a ThreadPool) inside one kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/device/device.h"
#include "engine/device/host_worker.h"

namespace tensord::device {

// A program that a HostQueue can launch.
class HostProgram : public Program {
 public:
  // Runs the kernel to its end. `buffers` are the addresses of the global buffers in order. Called
  // on the queue's thread; not concurrently by one queue.
  virtual absl::Status Run(absl::Span<std::byte* const> buffers,
                           absl::Span<const int64_t> variables) const = 0;
};

// A lane of a HostWorker. Memory of arguments is a HostAllocator's; programs are HostPrograms. A
// device that stores elsewhere overrides the operations in terms of Submit.
class HostQueue : public Queue {
 public:
  explicit HostQueue(std::shared_ptr<HostWorker> worker);
  // With a worker of its own; the destructor runs what was submitted.
  explicit HostQueue(std::string name) : HostQueue(std::make_shared<HostWorker>(std::move(name))) {}
  HostQueue(const HostQueue&) = delete;
  HostQueue& operator=(const HostQueue&) = delete;

  Point Launch(const Program& program, absl::Span<const Argument> arguments,
               absl::Span<const int64_t> variables, Gate gate = nullptr) override;
  Point Copy(Argument to, Argument from, int64_t bytes) override;
  Point CopyIn(Argument to, const std::byte* from, int64_t bytes) override;
  Point CopyOut(std::byte* to, Argument from, int64_t bytes) override;
  bool TryCopyOut(std::byte* to, Argument from, int64_t bytes) override;
  Point Fill(Argument to, int64_t bytes, std::byte value) override;
  // Waiting for a point that failed fails this queue too. A point of this queue is no wait.
  void WaitFor(Point point) override;
  void Notify(absl::AnyInvocable<void(absl::Status) &&> then) override;
  Point Last() const override;
  absl::Status Wait(uint64_t value) override { return worker_->Wait(lane_, value); }
  void WhenReached(uint64_t value, absl::AnyInvocable<void() &&> then) override;
  int64_t BusyNanoseconds() const override { return worker_->BusyNanoseconds(lane_); }

  // For another queue of the same device.
  const std::shared_ptr<HostWorker>& worker() const { return worker_; }

 protected:
  using Job = HostWorker::Job;
  Point Submit(Job job);
  // Calls `copy`, of so many bytes, if they are few and everything submitted is done; whether it
  // did.
  bool IfIdle(int64_t bytes, absl::FunctionRef<void()> copy);

 private:
  const std::shared_ptr<HostWorker> worker_;
  const HostWorker::LaneRef lane_;
};

}  // namespace tensord::device
