// One thing at a time, from any thread, without ever waiting: what comes while something runs is
// done after it by whoever runs.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "engine/base/mutex.h"

namespace tensord::server {

class Strand : public std::enable_shared_from_this<Strand> {
 public:
  using Task = absl::AnyInvocable<void()>;
  virtual ~Strand() = default;

  // Runs `task` now, or after what runs now, in the order of posting. Never blocks.
  void Post(Task task);

  // Runs `body` now: waits for what runs. Not from inside the strand.
  void RunNow(absl::FunctionRef<void()> body);

 protected:
  // After tasks: inside the strand, then once more outside of it.
  virtual void AfterTasks() {}
  virtual void AfterRunning() {}

 private:
  bool RunTasks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(running_);
  void RunWhatCame();

  Mutex running_;
  Mutex tasks_mutex_;
  std::vector<Task> tasks_ ABSL_GUARDED_BY(tasks_mutex_);
};

}  // namespace tensord::server
