#include "engine/device/host_queue.h"

#include <pthread.h>

#include <cstring>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "engine/base/status.h"

namespace tensord::device {
namespace {

constexpr size_t kErrorsKept = 256;
constexpr int64_t kFewBytes = 64 << 10;

std::byte* Address(Argument argument) { return argument.memory->host() + argument.offset; }

}  // namespace

HostQueue::HostQueue(std::string name) : name_(std::move(name)), thread_([this] { Work(); }) {}

HostQueue::~HostQueue() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  submitted_.notify_one();
  thread_.join();
}

Point HostQueue::Launch(const Program& program, absl::Span<const Argument> arguments,
                        absl::Span<const int64_t> variables, Gate gate) {
  absl::InlinedVector<std::byte*, 8> buffers;
  for (const Argument& argument : arguments) buffers.push_back(Address(argument));
  absl::InlinedVector<int64_t, 4> values(variables.begin(), variables.end());
  const auto* host_program = static_cast<const HostProgram*>(&program);
  return Submit([host_program, buffers = std::move(buffers), values = std::move(values),
                 gate = std::move(gate)] {
    if (gate && !gate()) return absl::OkStatus();
    return host_program->Run(buffers, values);
  });
}

Point HostQueue::Copy(Argument to, Argument from, int64_t bytes) {
  return Submit([to = Address(to), from = Address(from), bytes] {
    std::memmove(to, from, static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

Point HostQueue::CopyIn(Argument to, const std::byte* from, int64_t bytes) {
  return Submit([to = Address(to), from, bytes] {
    if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

Point HostQueue::CopyOut(std::byte* to, Argument from, int64_t bytes) {
  return Submit([to, from = Address(from), bytes] {
    if (bytes > 0) std::memcpy(to, from, static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

bool HostQueue::TryCopyOut(std::byte* to, Argument from, int64_t bytes) {
  return IfIdle(bytes, [&] {
    if (bytes > 0) std::memcpy(to, Address(from), static_cast<size_t>(bytes));
  });
}

Point HostQueue::Fill(Argument to, int64_t bytes, std::byte value) {
  return Submit([to = Address(to), bytes, value] {
    std::memset(to, static_cast<int>(value), static_cast<size_t>(bytes));
    return absl::OkStatus();
  });
}

void HostQueue::WaitFor(Point point) {
  if (point.queue == nullptr || point.queue == this || point.value == 0) return;
  Submit([point] { return point.queue->Wait(point.value); });
}

bool HostQueue::IfIdle(int64_t bytes, absl::FunctionRef<void()> copy) {
  if (bytes > kFewBytes) return false;
  std::lock_guard lock(mutex_);
  if (last_reached_ != last_submitted_) return false;
  copy();
  return true;
}

void HostQueue::Notify(absl::AnyInvocable<void(absl::Status) &&> then) {
  Enqueue({.notify = std::move(then)});
}

Point HostQueue::Last() const {
  std::lock_guard lock(mutex_);
  return {const_cast<HostQueue*>(this), last_submitted_};
}

absl::Status HostQueue::Wait(uint64_t value) {
  std::unique_lock lock(mutex_);
  if (value > last_submitted_) {
    return FailedPrecondition(name_, ": wait for point ", value, ", the last one submitted is ",
                              last_submitted_);
  }
  ++waiters_;
  reached_.wait(lock, [&] { return last_reached_ >= value; });
  --waiters_;
  auto error = errors_.find(value);
  return error == errors_.end() ? absl::OkStatus() : error->second;
}

Point HostQueue::Submit(Job job) { return Enqueue({.job = std::move(job)}); }

Point HostQueue::Enqueue(Entry entry) {
  Point point;
  {
    std::lock_guard lock(mutex_);
    entry.value = ++last_submitted_;
    point = {this, entry.value};
    entries_.push_back(std::move(entry));
  }
  submitted_.notify_one();
  return point;
}

void HostQueue::Work() {
  pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
  std::deque<Entry> batch;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      submitted_.wait(lock, [&] { return stop_ || !entries_.empty(); });
      if (entries_.empty()) return;
      batch.swap(entries_);
    }
    for (Entry& entry : batch) Do(entry);
    batch.clear();
  }
}

void HostQueue::Do(Entry& entry) {
  absl::Status status;
  if (entry.notify) {
    std::move(entry.notify)(std::exchange(since_notify_, absl::OkStatus()));
  } else {
    status = std::move(entry.job)();
    since_notify_.Update(status);
  }
  Reached(entry.value, std::move(status));
}

void HostQueue::Reached(uint64_t value, absl::Status status) {
  std::lock_guard lock(mutex_);
  last_reached_ = value;
  if (!status.ok()) {
    errors_.emplace(value, std::move(status));
    if (errors_.size() > kErrorsKept) errors_.erase(errors_.begin());
  }
  if (waiters_ > 0) reached_.notify_all();
}

}  // namespace tensord::device
