#include "engine/base/thread_pool.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "engine/base/host.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tensord::base {
namespace {

constexpr int kSpinRounds = 1000;  // about 40 µs of pauses

// The pool and worker number of the body that this thread is running, for nested calls.
thread_local const ThreadPool* running_pool = nullptr;
thread_local int running_worker = 0;

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Sleeps while `word` holds `expected`; may wake early. std::atomic::wait spins and yields on its
// own terms before it sleeps, which costs more than the launch.
void FutexWait(std::atomic<uint32_t>& word, uint32_t expected) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr,
          nullptr, 0);
}

void FutexWake(std::atomic<uint32_t>& word) {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr,
          0);
}

}  // namespace

// One cache line each: a launch writes the ticket of every worker that takes part and no other.
struct alignas(64) ThreadPool::Worker {
  std::atomic<uint32_t> ticket = 0;  // counts launches for this worker
  std::atomic<bool> sleeps = false;
  std::thread thread;

  void Signal() {
    // Sequentially consistent with the worker's "sleeps = true, then look at the ticket": either it
    // sees the new ticket or we see that it sleeps.
    ticket.fetch_add(1, std::memory_order_seq_cst);
    if (sleeps.load(std::memory_order_seq_cst)) FutexWake(ticket);
  }

  void Await(uint32_t seen, int spin_rounds) {
    for (int round = 0; round < spin_rounds; ++round) {
      if (ticket.load(std::memory_order_acquire) != seen) return;
      Pause();
    }
    sleeps.store(true, std::memory_order_seq_cst);
    while (ticket.load(std::memory_order_seq_cst) == seen) FutexWait(ticket, seen);
    sleeps.store(false, std::memory_order_relaxed);
  }
};

ThreadPool::ThreadPool(int threads) : spin_rounds_(threads <= CpuCount() ? kSpinRounds : 0) {
  workers_.reserve(static_cast<size_t>(std::max(0, threads - 1)));
  for (int index = 1; index < threads; ++index) {
    workers_.push_back(std::make_unique<Worker>());
    Worker& worker = *workers_.back();
    worker.thread = std::thread([this, &worker, index] { Work(worker, index); });
  }
}

ThreadPool::~ThreadPool() {
  stop_.store(true, std::memory_order_release);
  for (const auto& worker : workers_) worker->Signal();
  for (const auto& worker : workers_) worker->thread.join();
}

void ThreadPool::Work(Worker& worker, int index) {
  for (uint32_t seen = 0;; ++seen) {
    worker.Await(seen, spin_rounds_);
    if (stop_.load(std::memory_order_acquire)) return;
    RunChunk(index);
    if (pending_.fetch_sub(1, std::memory_order_seq_cst) == 1 &&
        caller_sleeps_.load(std::memory_order_seq_cst)) {
      FutexWake(pending_);
    }
  }
}

void ThreadPool::RunChunk(int index) {
  const int64_t size = n_ / chunks_, longer = n_ % chunks_;  // the first `longer` have one more
  const int64_t begin = index * size + std::min<int64_t>(index, longer);
  const int64_t end = begin + size + (index < longer ? 1 : 0);
  const ThreadPool* const outer_pool = std::exchange(running_pool, this);
  const int outer_worker = std::exchange(running_worker, index);
  (*body_)(begin, end, index);
  running_pool = outer_pool;
  running_worker = outer_worker;
}

void ThreadPool::WaitForWorkers() {
  for (int round = 0; round < spin_rounds_; ++round) {
    if (pending_.load(std::memory_order_acquire) == 0) return;
    Pause();
  }
  caller_sleeps_.store(true, std::memory_order_seq_cst);
  while (const uint32_t left = pending_.load(std::memory_order_seq_cst)) FutexWait(pending_, left);
  caller_sleeps_.store(false, std::memory_order_relaxed);
}

void ThreadPool::ParallelFor(int64_t n, Body body) {
  if (n <= 0) return;
  if (running_pool == this) {
    body(0, n, running_worker);
    return;
  }
  std::lock_guard lock(launch_mutex_);
  body_ = &body;
  n_ = n;
  chunks_ = static_cast<int>(std::min<int64_t>(n, threads()));
  pending_.store(static_cast<uint32_t>(chunks_ - 1), std::memory_order_relaxed);
  for (int i = 0; i < chunks_ - 1; ++i) workers_[static_cast<size_t>(i)]->Signal();
  RunChunk(0);
  if (chunks_ > 1) WaitForWorkers();
}

TaskPool::TaskPool(int threads) {
  for (int i = 0; i < std::max(1, threads); ++i) threads_.emplace_back([this] { Work(); });
}

TaskPool::~TaskPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void TaskPool::Submit(Task task) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(task));
  }
  work_ready_.notify_one();
}

void TaskPool::Drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

size_t TaskPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

void TaskPool::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_ready_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Task task = std::move(queue_.front());
    queue_.pop_front();
    ++running_;
    lock.unlock();
    task();
    task = nullptr;  // what it captured dies outside the lock
    lock.lock();
    if (--running_ == 0 && queue_.empty()) idle_.notify_all();
  }
}

}  // namespace tensord::base
