// Threads: ThreadPool runs one kernel launch across cores, TaskPool runs independent jobs.
//
//   ThreadPool pool(base::CpuCount());
//   pool.ParallelFor(rows, [&](int64_t begin, int64_t end, int worker) { Kernel(begin, end); });
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"

namespace tensord::base {

// A persistent pool for kernel launches. Workers spin for a moment after a launch (the next one is
// usually close behind), then sleep on a futex.
class ThreadPool {
 public:
  using Body = absl::FunctionRef<void(int64_t begin, int64_t end, int worker)>;

  // `threads` includes the caller of ParallelFor: 1 starts no thread.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Splits [0, n) into min(n, threads) contiguous chunks whose sizes differ by at most one and runs
  // each on its own thread; the caller is worker 0 and runs the first. Returns when all are done;
  // what they wrote is visible to the caller. Callers on several threads take turns; a call from
  // inside a body runs inline as that worker. The body must not throw.
  void ParallelFor(int64_t n, Body body);

 private:
  struct Worker;

  void Work(Worker& worker, int index);
  void RunChunk(int index);
  void WaitForWorkers();

  const int spin_rounds_;  // pauses before sleeping; 0 when there are more threads than cores
  std::mutex launch_mutex_;
  const Body* body_ = nullptr;  // the launch in progress
  int64_t n_ = 0;
  int chunks_ = 0;
  alignas(64) std::atomic<uint32_t> pending_ = 0;  // chunks that workers still run
  std::atomic<bool> caller_sleeps_ = false;
  std::atomic<bool> stop_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
};

// A queue of independent jobs (compilations, disk writes) over a few threads. Thread-safe.
class TaskPool {
 public:
  using Task = absl::AnyInvocable<void()>;

  explicit TaskPool(int threads);
  ~TaskPool();  // runs what is still queued, then joins
  TaskPool(const TaskPool&) = delete;
  TaskPool& operator=(const TaskPool&) = delete;

  // Tasks start in the order of submission. A task may submit others; it must not throw.
  void Submit(Task task);

  // Returns when nothing is queued or running; not to be called from a task.
  void Drain();

  size_t queued() const;  // not yet started

 private:
  void Work();

  mutable std::mutex mutex_;
  std::condition_variable work_ready_;
  std::condition_variable idle_;
  std::deque<Task> queue_;
  int running_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace tensord::base
