#include "engine/device/host_worker.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "engine/base/status.h"

namespace tensord::device {
namespace {

constexpr size_t kErrorsKept = 256;

int64_t SteadyNanoseconds() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

struct HostWorker::Entry {
  uint64_t number = 0;
  Job job;
  Then notify;                          // instead of job
  std::shared_ptr<const bool> allowed;  // a wait: whether its point is reached
};

// All of it is guarded by the worker's mutex.
struct HostWorker::Lane {
  std::deque<Entry> entries;
  uint64_t last_submitted = 0, last_reached = 0;
  int64_t virtual_ns = 0, busy_ns = 0;
  bool listed = false;  // in ready_, or running
  int waiters = 0;
  std::map<uint64_t, absl::Status> errors;
  std::multimap<uint64_t, absl::AnyInvocable<void() &&>> when_done;
  absl::Status since_notify;
};

HostWorker::LaneRef HostWorker::NewLane() { return std::make_shared<Lane>(); }

HostWorker::HostWorker(std::string name, std::function<int64_t()> clock, Idle idle)
    : name_(std::move(name)),
      clock_(clock ? std::move(clock) : SteadyNanoseconds),
      idle_(idle),
      thread_([this] { Work(); }) {}

HostWorker::~HostWorker() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  submitted_.notify_one();
  thread_.join();
}

// ------------------------------------------------------------------ submitting

uint64_t HostWorker::Enqueue(const LaneRef& lane, Entry entry) {
  uint64_t number = 0;
  {
    std::unique_lock lock(mutex_);
    const bool here = idle_ == Idle::kCaller && pending_ == 0 && entry.allowed == nullptr;
    number = entry.number = ++lane->last_submitted;
    lane->entries.push_back(std::move(entry));
    ++pending_;
    MakeReady(lane);
    if (here) RunOne(lock);
    if (ready_.empty()) return number;
  }
  submitted_.notify_one();
  return number;
}

uint64_t HostWorker::Submit(const LaneRef& lane, Job job) {
  return Enqueue(lane, {.job = std::move(job)});
}

uint64_t HostWorker::Notify(const LaneRef& lane, Then then) {
  return Enqueue(lane, {.notify = std::move(then)});
}

void HostWorker::WaitFor(const LaneRef& lane, Point point) {
  auto allowed = std::make_shared<bool>(false);
  Enqueue(lane, {.job = [point] { return point.queue->Wait(point.value); }, .allowed = allowed});
  point.queue->WhenReached(point.value, [this, lane, allowed] {
    {
      std::lock_guard lock(mutex_);
      *allowed = true;
      MakeReady(lane);
    }
    submitted_.notify_one();
  });
}

void HostWorker::MakeReady(const LaneRef& lane) {
  if (lane->listed || lane->entries.empty()) return;
  const Entry& first = lane->entries.front();
  if (first.allowed != nullptr && !*first.allowed) return;
  lane->virtual_ns = std::max(lane->virtual_ns, virtual_now_);
  lane->listed = true;
  ready_.push_back(lane);
}

// ------------------------------------------------------------------ the thread

void HostWorker::Work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    submitted_.wait(lock, [&] { return !ready_.empty() || (stop_ && pending_ == 0); });
    if (ready_.empty()) return;
    RunOne(lock);
  }
}

HostWorker::LaneRef HostWorker::Next() {
  const auto least = std::min_element(
      ready_.begin(), ready_.end(),
      [](const LaneRef& a, const LaneRef& b) { return a->virtual_ns < b->virtual_ns; });
  LaneRef lane = std::move(*least);
  ready_.erase(least);
  virtual_now_ = std::max(virtual_now_, lane->virtual_ns);
  return lane;
}

void HostWorker::RunOne(std::unique_lock<std::mutex>& lock) {
  const LaneRef lane = Next();
  absl::Status status;
  int64_t nanoseconds = 0;
  uint64_t number = 0;
  {
    Entry entry = std::move(lane->entries.front());
    lane->entries.pop_front();
    number = entry.number;
    if (entry.notify) status = std::exchange(lane->since_notify, absl::OkStatus());
    lock.unlock();
    const int64_t start = clock_();
    if (entry.notify) {
      std::move(entry.notify)(std::exchange(status, absl::OkStatus()));
    } else {
      status = std::move(entry.job)();
      nanoseconds = clock_() - start;
    }
  }  // what the entry held is freed without the lock
  std::vector<absl::AnyInvocable<void() &&>> due;
  lock.lock();
  lane->since_notify.Update(status);
  lane->busy_ns += nanoseconds;
  lane->virtual_ns += nanoseconds;
  lane->listed = false;
  --pending_;
  MakeReady(lane);
  Reached(*lane, number, std::move(status), &due);
  if (due.empty()) return;
  lock.unlock();
  for (auto& then : due) std::move(then)();
  lock.lock();
}

void HostWorker::Reached(Lane& lane, uint64_t number, absl::Status status,
                         std::vector<absl::AnyInvocable<void() &&>>* due) {
  lane.last_reached = number;
  if (!status.ok()) {
    lane.errors.emplace(number, std::move(status));
    if (lane.errors.size() > kErrorsKept) lane.errors.erase(lane.errors.begin());
  }
  const auto end = lane.when_done.upper_bound(number);
  for (auto it = lane.when_done.begin(); it != end; ++it) due->push_back(std::move(it->second));
  lane.when_done.erase(lane.when_done.begin(), end);
  if (lane.waiters > 0) reached_.notify_all();
}

// ------------------------------------------------------------------ asking

bool HostWorker::IfIdle(const LaneRef& lane, absl::FunctionRef<void()> body) {
  std::lock_guard lock(mutex_);
  if (lane->last_reached != lane->last_submitted) return false;
  body();
  return true;
}

uint64_t HostWorker::Last(const LaneRef& lane) const {
  std::lock_guard lock(mutex_);
  return lane->last_submitted;
}

absl::Status HostWorker::Wait(const LaneRef& lane, uint64_t number) {
  std::unique_lock lock(mutex_);
  if (number > lane->last_submitted) {
    return FailedPrecondition(name_, ": wait for point ", number, ", the last one submitted is ",
                              lane->last_submitted);
  }
  ++lane->waiters;
  reached_.wait(lock, [&] { return lane->last_reached >= number; });
  --lane->waiters;
  const auto error = lane->errors.find(number);
  return error == lane->errors.end() ? absl::OkStatus() : error->second;
}

void HostWorker::WhenDone(const LaneRef& lane, uint64_t number,
                          absl::AnyInvocable<void() &&> then) {
  {
    std::lock_guard lock(mutex_);
    if (lane->last_reached < number) {
      lane->when_done.emplace(number, std::move(then));
      return;
    }
  }
  std::move(then)();
}

int64_t HostWorker::BusyNanoseconds(const LaneRef& lane) const {
  std::lock_guard lock(mutex_);
  return lane->busy_ns;
}

}  // namespace tensord::device
