#include "engine/device/llvm/worker_pool.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/base/bytes.h"
#include "engine/base/log.h"
#include "engine/base/sha256.h"
#include "engine/base/status.h"
#include "engine/base/strings.h"
#include "engine/device/llvm/worker_main.h"

extern char** environ;

namespace tensord::device::llvm {
namespace {

constexpr int64_t kStartNs =
    30'000'000'000;  // a loaded machine may take seconds to start a process
constexpr size_t kMaxQuarantined = 65536;
constexpr int kAttempts = 3;  // when workers are lost without fault of the text

// Texts that cost a worker, with what happened. Of the process, so that a pool opened again knows.
class Quarantine {
 public:
  absl::Status Find(const base::Digest& key) {
    std::lock_guard lock(mutex_);
    const auto found = failures_.find(key);
    if (found == failures_.end()) return absl::OkStatus();
    return Annotate(found->second, "quarantined: ");
  }
  void Add(const base::Digest& key, const absl::Status& status) {
    std::lock_guard lock(mutex_);
    if (failures_.size() < kMaxQuarantined) failures_.emplace(key, status);
  }
  int64_t size() {
    std::lock_guard lock(mutex_);
    return static_cast<int64_t>(failures_.size());
  }

 private:
  std::mutex mutex_;
  absl::flat_hash_map<base::Digest, absl::Status, base::DigestHash> failures_;
};

Quarantine& TheQuarantine() {
  static auto* const quarantine = new Quarantine;
  return *quarantine;
}

std::string Request(std::string_view text, const codegen::LlvmTarget& target) {
  base::ByteWriter writer;
  writer.String(target.triple);
  writer.String(target.cpu);
  writer.String(target.features);
  writer.String(text);
  return writer.Take();
}

absl::Status StatusOf(const Frame& frame) {
  uint32_t code = 0;
  if (frame.payload.size() < sizeof code) return Internal("compile worker: no status");
  std::memcpy(&code, frame.payload.data(), sizeof code);
  return absl::Status(static_cast<absl::StatusCode>(code),
                      ToAbsl(std::string_view(frame.payload).substr(sizeof code)));
}

std::string HowItEnded(int status) {
  if (WIFSIGNALED(status)) {
    return StrCat("signal ", WTERMSIG(status), " (", strsignal(WTERMSIG(status)), ")");
  }
  return StrCat("exit status ", WEXITSTATUS(status));
}

// The end of the pair that a worker gets must be kWorkerFd in it and nowhere else.
absl::Status SpawnProcess(const std::string& path, const WorkerLimits& limits, int socket,
                          pid_t* pid) {
  std::vector<std::string> arguments = WorkerArguments(limits);
  std::vector<char*> argv = {const_cast<char*>(kWorkerName)};
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, socket, kWorkerFd);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Its own process group: a Ctrl-C is for the daemon, which then drains.
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  sigset_t all, none;
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setsigmask(&attributes, &none);
  const int error = posix_spawn(pid, path.c_str(), &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return absl::OkStatus();
  return absl::UnavailableError(
      StrCat("compile worker ", path, " does not start: ", strerror(error)));
}

}  // namespace

WorkerPool::WorkerPool(WorkerOptions options) : options_(std::move(options)) {
  for (int i = 0; i < std::max(1, options_.workers); ++i) {
    workers_.push_back(std::make_unique<Worker>());
    workers_.back()->dead = true;
  }
}

absl::StatusOr<std::unique_ptr<WorkerPool>> WorkerPool::Start(WorkerOptions options) {
  LinkWorkerMain();
  std::unique_ptr<WorkerPool> pool(new WorkerPool(std::move(options)));
  pool->keeper_ = std::thread([p = pool.get()] { p->Keep(); });
  return pool;
}

WorkerPool::~WorkerPool() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  keeper_.join();
  for (const auto& worker : workers_) Bury(*worker);
}

absl::Status WorkerPool::Spawn(Worker& worker) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::ErrnoStatus(errno, "socketpair", "for a compile worker");
  }
  const base::Fd low(ends[1]);
  base::Fd ours(ends[0]);
  // Out of the way of the descriptors that the child sets up (dup2 onto itself does nothing).
  const base::Fd theirs(fcntl(low.get(), F_DUPFD_CLOEXEC, 10));
  const WorkerLimits limits = {options_.memory_bytes, getpid()};
  const std::string path = options_.path.empty() ? "/proc/self/exe" : options_.path;
  pid_t pid = -1;
  RETURN_IF_ERROR(SpawnProcess(path, limits, theirs.get(), &pid));
  std::lock_guard lock(mutex_);
  worker.pid = pid;
  worker.socket = std::move(ours);
  worker.ready = worker.busy = worker.dead = false;
  ++started_;
  return absl::OkStatus();
}

int WorkerPool::Bury(Worker& worker) {
  if (worker.pid < 0) return 0;
  kill(worker.pid, SIGKILL);
  int status = 0;
  while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  std::lock_guard lock(mutex_);
  worker.socket.Close();
  worker.pid = -1;
  return status;
}

// The keeper: starts a worker in every place that has none.
void WorkerPool::Keep() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    Worker* vacant = nullptr;
    for (const auto& worker : workers_) {
      if (worker->dead) vacant = worker.get();
    }
    if (vacant == nullptr) {
      changed_.wait(lock);
      continue;
    }
    lock.unlock();
    const absl::Status status = Spawn(*vacant);
    lock.lock();
    spawn_status_ = status;
    changed_.notify_all();
    // Out of processes or files, perhaps: those who wait are told; try again later.
    if (!status.ok()) changed_.wait_for(lock, std::chrono::seconds(1), [this] { return stop_; });
  }
}

absl::StatusOr<WorkerPool::Worker*> WorkerPool::Lease() {
  std::unique_lock lock(mutex_);
  while (true) {
    bool any_alive = false;
    for (const auto& worker : workers_) {
      if (worker->dead) continue;
      any_alive = true;
      if (worker->busy) continue;
      worker->busy = true;
      return worker.get();
    }
    if (!any_alive && !spawn_status_.ok()) return spawn_status_;
    changed_.wait(lock);
  }
}

void WorkerPool::Return(Worker* worker, bool alive) {
  {
    std::lock_guard lock(mutex_);
    worker->busy = false;
    worker->dead = !alive;
    if (!alive) ++lost_;
  }
  changed_.notify_all();
}

// Reads the hello of a new worker; of an old one makes sure that it lives and is silent.
absl::Status WorkerPool::AwaitHello(Worker& worker) {
  if (worker.ready) {
    pollfd entry = {worker.socket.get(), POLLIN, 0};
    if (poll(&entry, 1, 0) <= 0) return absl::OkStatus();
    return absl::AbortedError("ended while idle");
  }
  ASSIGN_OR_RETURN(const Frame hello, ReceiveFrame(worker.socket.get(), MonotonicNs() + kStartNs));
  if (hello.kind != FrameKind::kHello) return absl::DataLossError("no hello");
  worker.ready = true;
  return absl::OkStatus();
}

// One request and its answer; ABORTED when the worker was found dead before it got the request.
absl::StatusOr<Frame> WorkerPool::Exchange(Worker& worker, FrameKind kind,
                                           std::string_view payload) {
  RETURN_IF_ERROR(AwaitHello(worker));
  const int64_t deadline_ns = MonotonicNs() + int64_t{options_.timeout_ms} * 1'000'000;
  const absl::Status sent = SendFrame(worker.socket.get(), kind, payload, deadline_ns);
  // A worker that fails while it reads still says why.
  absl::StatusOr<Frame> answer = ReceiveFrame(worker.socket.get(), deadline_ns);
  if (!answer.ok() && !sent.ok()) return sent;
  return answer;
}

absl::StatusOr<std::string> WorkerPool::Compile(std::string_view text,
                                                const codegen::LlvmTarget& target) {
  const std::string request = Request(text, target);
  const base::Digest key = base::Sha256(request);
  RETURN_IF_ERROR(TheQuarantine().Find(key));
  absl::Status failure;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(Worker* const worker, Lease());
    absl::StatusOr<Frame> answer = Exchange(*worker, FrameKind::kCompile, request);
    const bool alive = answer.ok() && answer->kind != FrameKind::kFatal;
    bool our_fault = true;
    if (!alive) failure = Failure(*worker, answer, &our_fault);
    Return(worker, alive);
    if (alive && answer->kind == FrameKind::kDone) return std::move(answer->payload);
    if (alive) return StatusOf(*answer);
    if (!our_fault) continue;
    TheQuarantine().Add(key, failure);
    LOG_WARNING("compile worker lost", {"why", failure}, {"sha256", base::ToHex(key)});
    return failure;
  }
  return failure;
}

// Ends a worker that gave no good answer and says what went wrong. `our_fault` is false when the
// worker never saw the text or someone else killed it.
absl::Status WorkerPool::Failure(Worker& worker, const absl::StatusOr<Frame>& answer,
                                 bool* our_fault) {
  const bool was_ready = worker.ready;
  const int end = Bury(worker);
  if (answer.ok()) return Annotate(StatusOf(*answer), "compile worker: ");
  if (!was_ready || absl::IsAborted(answer.status())) {
    *our_fault = false;
    return absl::UnavailableError(StrCat("compile worker: no answer, ", HowItEnded(end)));
  }
  if (absl::IsDeadlineExceeded(answer.status())) {
    return absl::DeadlineExceededError(
        StrCat("compile worker: not done within ", options_.timeout_ms, " ms"));
  }
  if (WIFSIGNALED(end) && WTERMSIG(end) == SIGKILL) {
    *our_fault = false;  // ours would have found it alive
    return absl::UnavailableError("compile worker: killed from outside");
  }
  return Internal("compile worker: crashed: ", HowItEnded(end));
}

absl::StatusOr<std::string> WorkerPool::Echo(std::string_view bytes) {
  ASSIGN_OR_RETURN(Worker* const worker, Lease());
  absl::StatusOr<Frame> answer = Exchange(*worker, FrameKind::kEcho, bytes);
  bool our_fault;
  const absl::Status failure =
      answer.ok() ? absl::OkStatus() : Failure(*worker, answer, &our_fault);
  Return(worker, /*alive=*/answer.ok());
  if (!failure.ok()) return failure;
  return std::move(answer->payload);
}

WorkerPool::Stats WorkerPool::stats() const {
  std::lock_guard lock(mutex_);
  return {started_, lost_, TheQuarantine().size()};
}

std::vector<pid_t> WorkerPool::pids() const {
  std::lock_guard lock(mutex_);
  std::vector<pid_t> pids;
  for (const auto& worker : workers_) {
    if (!worker->dead && worker->pid > 0) pids.push_back(worker->pid);
  }
  return pids;
}

}  // namespace tensord::device::llvm
