#include "engine/device/host_queue.h"

#include <cstring>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace tensord::device {
namespace {

constexpr int64_t kFewBytes = 64 << 10;

std::byte* Address(Argument argument) { return argument.memory->host() + argument.offset; }

}  // namespace

HostQueue::HostQueue(std::shared_ptr<HostWorker> worker)
    : worker_(std::move(worker)), lane_(HostWorker::NewLane()) {}

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
  worker_->WaitFor(lane_, point);
}

bool HostQueue::IfIdle(int64_t bytes, absl::FunctionRef<void()> copy) {
  return bytes <= kFewBytes && worker_->IfIdle(lane_, copy);
}

void HostQueue::Notify(absl::AnyInvocable<void(absl::Status) &&> then) {
  worker_->Notify(lane_, std::move(then));
}

Point HostQueue::Last() const { return {const_cast<HostQueue*>(this), worker_->Last(lane_)}; }

void HostQueue::WhenReached(uint64_t value, absl::AnyInvocable<void() &&> then) {
  worker_->WhenDone(lane_, value, std::move(then));
}

Point HostQueue::Submit(Job job) { return {this, worker_->Submit(lane_, std::move(job))}; }

}  // namespace tensord::device
