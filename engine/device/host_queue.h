// An in-order queue for devices that run on the host's processor: one thread that does what was
// submitted, in order. The thread may use others (a ThreadPool) inside one kernel.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "engine/device/device.h"

namespace tensord::device {

// A program that a HostQueue can launch.
class HostProgram : public Program {
 public:
  // Runs the kernel to its end. `buffers` are the addresses of the global buffers in order. Called
  // on the queue's thread; not concurrently by one queue.
  virtual absl::Status Run(absl::Span<std::byte* const> buffers,
                           absl::Span<const int64_t> variables) const = 0;
};

// Memory of arguments is a HostAllocator's; programs are HostPrograms. A device that stores
// elsewhere overrides the five operations in terms of Submit.
class HostQueue : public Queue {
 public:
  explicit HostQueue(std::string name);  // of the thread, as seen in ps and traces
  ~HostQueue() override;                 // runs what was submitted, then joins
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
  // FAILED_PRECONDITION for a value that was never submitted. Errors of the last 256 failed
  // operations are remembered.
  absl::Status Wait(uint64_t value) override;

 protected:
  using Job = absl::AnyInvocable<absl::Status() &&>;
  Point Submit(Job job);
  // Calls `copy`, of so many bytes, if they are few and everything submitted is done; whether it
  // did. What is submitted meanwhile waits.
  bool IfIdle(int64_t bytes, absl::FunctionRef<void()> copy);

 private:
  struct Entry {
    uint64_t value;
    Job job;
    absl::AnyInvocable<void(absl::Status) &&> notify;  // instead of job
  };
  Point Enqueue(Entry entry);
  void Work();
  void Do(Entry& entry);
  void Reached(uint64_t value, absl::Status status);

  const std::string name_;
  mutable std::mutex mutex_;
  std::condition_variable submitted_, reached_;
  std::deque<Entry> entries_;
  uint64_t last_submitted_ = 0, last_reached_ = 0;
  int waiters_ = 0;
  bool stop_ = false;
  std::map<uint64_t, absl::Status> errors_;
  absl::Status since_notify_;  // the thread's own
  std::thread thread_;
};

}  // namespace tensord::device
