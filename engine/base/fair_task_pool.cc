#include "engine/base/fair_task_pool.h"

#include <algorithm>
#include <utility>

namespace tensord::base {

FairTaskPool::FairTaskPool(int threads, int most_each)
    : threads_(std::max(1, threads)), most_each_(std::max(1, most_each)), pool_(threads_) {}

FairTaskPool::~FairTaskPool() { Drain(); }

void FairTaskPool::Submit(uint64_t owner, Task task) {
  std::lock_guard lock(mutex_);
  Owner& tasks = owners_[owner];
  if (tasks.waiting.empty()) turns_.push_back(owner);
  tasks.waiting.push_back(std::move(task));
  StartSome();
}

void FairTaskPool::StartSome() {
  for (size_t looked_at = 0; running_ < threads_ && looked_at < turns_.size();) {
    const uint64_t id = turns_.front();
    turns_.pop_front();
    Owner& owner = owners_[id];
    if (owner.running >= most_each_) {
      turns_.push_back(id);
      ++looked_at;
      continue;
    }
    looked_at = 0;
    Task task = std::move(owner.waiting.front());
    owner.waiting.pop_front();
    if (!owner.waiting.empty()) turns_.push_back(id);
    ++owner.running;
    ++running_;
    pool_.Submit([this, id, task = std::move(task)]() mutable { Run(id, task); });
  }
}

void FairTaskPool::Run(uint64_t id, Task& task) {
  task();
  task = nullptr;  // what it captured dies before Drain returns
  std::lock_guard lock(mutex_);
  --running_;
  const auto owner = owners_.find(id);
  if (--owner->second.running == 0 && owner->second.waiting.empty()) owners_.erase(owner);
  StartSome();
  if (running_ == 0) idle_.notify_all();
}

void FairTaskPool::Drain() {
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return owners_.empty(); });
}

}  // namespace tensord::base
