// A pool of processes that compile LLVM text, so that no text can take this process down.
//
//   ASSIGN_OR_RETURN(auto pool, WorkerPool::Start({.workers = 2, .timeout_ms = 20000}));
//   ASSIGN_OR_RETURN(std::string object, pool->Compile(text, codegen::HostTarget()));
//
// A worker that crashes, hangs or eats memory fails the one compile that it was at. The text's
// SHA-256 is then quarantined for the life of this process, whatever the pool: asking again fails
// at once. Meanwhile another worker is started in its place.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/base/file.h"
#include "engine/codegen/llvm_compile.h"
#include "engine/device/llvm/worker_protocol.h"

namespace tensord::device::llvm {

struct WorkerOptions {
  int workers = 1;
  int timeout_ms = 20000;                   // of one compile, on the wall clock
  int64_t memory_bytes = int64_t{2} << 30;  // of one worker
  std::string path;                         // what to run; empty: this program
};

class WorkerPool {
 public:
  // Starts the workers; they get ready in the background.
  static absl::StatusOr<std::unique_ptr<WorkerPool>> Start(WorkerOptions options);
  // Ends the workers. REQUIRES: no call is in progress.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Blocks until a worker is free, then until it is done. Thread-safe: as many compiles as workers
  // run at once. INVALID_ARGUMENT: LLVM refused the text. DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED,
  // INTERNAL (it crashed): the worker was lost and the text is quarantined. UNAVAILABLE: no worker
  // can be started.
  absl::StatusOr<std::string> Compile(std::string_view text, const codegen::LlvmTarget& target);

  // What a worker sends back when asked to compile nothing: the price of the round trip.
  absl::StatusOr<std::string> Echo(std::string_view bytes);

  struct Stats {
    int64_t started = 0;      // processes, from the beginning
    int64_t lost = 0;         // crashed, killed or ended by themselves
    int64_t quarantined = 0;  // texts, in this process
  };
  Stats stats() const;
  std::vector<pid_t> pids() const;  // of the workers that live now

 private:
  struct Worker {
    pid_t pid = -1;  // -1: none
    base::Fd socket;
    bool ready = false;  // its hello was read
    bool busy = false;
    bool dead = false;  // for the keeper to replace
  };

  explicit WorkerPool(WorkerOptions options);
  absl::StatusOr<Worker*> Lease();
  void Return(Worker* worker, bool alive);
  absl::Status AwaitHello(Worker& worker);
  absl::StatusOr<Frame> Exchange(Worker& worker, FrameKind kind, std::string_view payload);
  absl::Status Failure(Worker& worker, const absl::StatusOr<Frame>& answer, bool* our_fault);
  int Bury(Worker& worker);  // kills and reaps; answers its wait status
  absl::Status Spawn(Worker& worker);
  void Keep();

  const WorkerOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Worker>> workers_;
  absl::Status spawn_status_;  // of the last attempt
  int64_t started_ = 0, lost_ = 0;
  bool stop_ = false;
  // The only thread that starts workers: PR_SET_PDEATHSIG fires when the thread that did is gone.
  std::thread keeper_;
};

}  // namespace tensord::device::llvm
