// A TaskPool whose jobs belong to owners: they take turns, however many each submits.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>

#include "absl/container/flat_hash_map.h"
#include "engine/base/thread_pool.h"

namespace tensord::base {

// Thread-safe.
class FairTaskPool {
 public:
  using Task = TaskPool::Task;

  // At most `most_each` tasks of one owner run at one time, 1 at least.
  FairTaskPool(int threads, int most_each);
  ~FairTaskPool();  // runs what is still queued

  // The tasks of one owner start in the order of submission. A task must not throw.
  void Submit(uint64_t owner, Task task);
  // Returns when nothing is queued or running; not to be called from a task.
  void Drain();

 private:
  struct Owner {
    std::deque<Task> waiting;
    int running = 0;
  };
  void StartSome();  // with mutex_ held
  void Run(uint64_t owner, Task& task);

  const int threads_, most_each_;
  std::mutex mutex_;
  std::condition_variable idle_;
  absl::flat_hash_map<uint64_t, Owner> owners_;  // with tasks waiting or running
  std::deque<uint64_t> turns_;                   // owners with tasks waiting, the next one first
  int running_ = 0;
  TaskPool pool_;
};

}  // namespace tensord::base
