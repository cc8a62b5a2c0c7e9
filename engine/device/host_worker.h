// The thread of a host device: runs the work of several queues, one entry (a kernel, a copy) at a
// time. Each queue's entries run in order of submission. Among queues that have work, the one that
// has had the least of the thread's time goes first, measured in nanoseconds; a queue that was idle
// begins level with the one that ran last, so idle time is not saved up and time taken beforehand
// is not forgotten (start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "engine/device/device.h"

namespace tensord::device {

// Thread-safe. Its lanes may outlive it, but take no more work then.
class HostWorker {
 public:
  using Job = absl::AnyInvocable<absl::Status() &&>;
  using Then = absl::AnyInvocable<void(absl::Status) &&>;

  // The work of one queue. A number names an entry: 1, 2, 3 …
  struct Lane;
  using LaneRef = std::shared_ptr<Lane>;

  // Where an entry runs that is submitted while the worker has nothing to do.
  enum class Idle { kThread, kCaller };  // kCaller: where no entry takes long

  // `name`: of the thread, as seen in ps and traces. `clock`, in nanoseconds, is the steady clock
  // but in tests.
  explicit HostWorker(std::string name, std::function<int64_t()> clock = nullptr,
                      Idle idle = Idle::kThread);
  ~HostWorker();  // runs what was submitted, then joins
  HostWorker(const HostWorker&) = delete;
  HostWorker& operator=(const HostWorker&) = delete;

  static LaneRef NewLane();

  // Each answers the entry's number. What fails fails its own entry, and the next Notify hears it.
  uint64_t Submit(const LaneRef& lane, Job job);
  uint64_t Notify(const LaneRef& lane, Then then);
  // Later entries run after `point` of another queue; the thread does not wait for it. Fails if the
  // point failed.
  void WaitFor(const LaneRef& lane, Point point);

  // Calls `body` on the caller's thread if everything submitted to the lane is done; whether it
  // did. What is submitted meanwhile, to any lane, waits: it must be short.
  bool IfIdle(const LaneRef& lane, absl::FunctionRef<void()> body);

  uint64_t Last(const LaneRef& lane) const;
  // Blocks until the entry is done; returns its error. FAILED_PRECONDITION for one that was never
  // submitted. Errors of a lane's last 256 failed entries are remembered.
  absl::Status Wait(const LaneRef& lane, uint64_t number);
  // Calls `then` once the entry is done, on the worker's thread, or at once.
  void WhenDone(const LaneRef& lane, uint64_t number, absl::AnyInvocable<void() &&> then);
  // The time that the lane's entries took, notifications apart.
  int64_t BusyNanoseconds(const LaneRef& lane) const;

 private:
  struct Entry;
  uint64_t Enqueue(const LaneRef& lane, Entry entry);
  void MakeReady(const LaneRef& lane);  // with mutex_ held: if it has an entry that can run
  LaneRef Next();
  void Work();
  void RunOne(std::unique_lock<std::mutex>& lock);
  void Reached(Lane& lane, uint64_t number, absl::Status status,
               std::vector<absl::AnyInvocable<void() &&>>* due);

  const std::string name_;
  const std::function<int64_t()> clock_;
  const Idle idle_;
  mutable std::mutex mutex_;
  std::condition_variable submitted_, reached_;
  std::vector<LaneRef> ready_;
  size_t pending_ = 0;       // entries of all lanes
  int64_t virtual_now_ = 0;  // of the lane that ran last
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tensord::device
