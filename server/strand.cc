#include "server/strand.h"

#include <utility>

namespace tensord::server {

void Strand::Post(Task task) {
  {
    MutexLock lock(tasks_mutex_);
    tasks_.push_back(std::move(task));
  }
  RunWhatCame();
}

void Strand::RunNow(absl::FunctionRef<void()> body) {
  {
    MutexLock lock(running_);
    body();
    AfterTasks();
    while (RunTasks()) {
    }
  }
  AfterRunning();
  RunWhatCame();
}

bool Strand::RunTasks() {
  std::vector<Task> tasks;
  {
    MutexLock lock(tasks_mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
  if (!tasks.empty()) AfterTasks();
  return !tasks.empty();
}

// Whoever fails to get the strand leaves its task to its holder, who looks again after letting go.
void Strand::RunWhatCame() {
  for (;;) {
    {
      MutexLock lock(tasks_mutex_);
      if (tasks_.empty()) return;
    }
    if (!running_.TryLock()) return;
    while (RunTasks()) {
    }
    running_.Unlock();
    AfterRunning();
  }
}

}  // namespace tensord::server
