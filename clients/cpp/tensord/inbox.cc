#include "clients/cpp/tensord/inbox.h"

#include <algorithm>

#include "clients/cpp/tensord/errors.h"

namespace tensord::client {
namespace {

constexpr uint64_t kAckFrames = 64, kAckBytes = 8 << 20;
constexpr size_t kMostFaults = 4096;

}  // namespace

void Inbox::Expect(uint64_t seq, int item, Waiter waiter) {
  waiters_[{seq, static_cast<uint32_t>(item)}] = std::move(waiter);
}

News Inbox::Receive(v1::ServerFrame frame, size_t bytes) {
  News news;
  const bool again = frame.seq() != 0 && frame.seq() <= seen_;  // of a stream before
  if (frame.seq() != 0 && !again) {
    received_ += bytes;
    seen_ = frame.seq();
  }
  applied_ = std::max(applied_, frame.applied());
  completed_ = std::max(completed_, frame.completed());
  if (again) return news;
  for (v1::Reply& reply : *frame.mutable_replies()) Dispatch(std::move(reply), news);
  return news;
}

bool Inbox::AckIsDue() const {
  return seen_ - told_seen_ >= kAckFrames || received_ - told_received_ >= kAckBytes;
}

void Inbox::Dispatch(v1::Reply reply, News& news) {
  switch (reply.kind_case()) {
    case v1::Reply::kFault:
      return TakeFault(std::move(reply), news);
    case v1::Reply::kWelcome:
      if (reply.welcome().resumed()) {
        news.resumed = std::move(*reply.mutable_welcome());
        return;
      }
      [[fallthrough]];
    default:
      if (auto waiter = TakeWaiter(reply)) {
        news.answers.emplace_back(*std::move(waiter), std::move(reply));
      }
      return;
    case v1::Reply::kGoingAway:
      news.leaving = std::move(*reply.mutable_going_away());
  }
}

void Inbox::TakeFault(v1::Reply reply, News& news) {
  absl::Status status = StatusOf(reply.fault());
  if (reply.fault().fatal()) news.fatal = status;
  if (const auto info = FaultOf(status)) Keep(status, info->poisoned);
  if (auto waiter = TakeWaiter(reply)) {
    news.answers.emplace_back(*std::move(waiter), std::move(status));
  } else {
    news.faults.push_back(std::move(status));
  }
}

std::optional<Waiter> Inbox::TakeWaiter(const v1::Reply& reply) {
  const auto it = waiters_.find({reply.of_seq(), reply.of_item()});
  if (it == waiters_.end()) return std::nullopt;
  Waiter waiter = std::move(it->second);
  waiters_.erase(it);
  return waiter;
}

void Inbox::Keep(const absl::Status& status, const std::vector<uint64_t>& ids) {
  for (const uint64_t id : ids) {
    if (!faults_.emplace(id, status).second) continue;
    fault_order_.push_back(id);
    if (fault_order_.size() <= kMostFaults) continue;
    faults_.erase(fault_order_.front());
    fault_order_.pop_front();
  }
}

absl::Status Inbox::FaultOfId(uint64_t id) const {
  const auto it = faults_.find(id);
  return it == faults_.end() ? absl::OkStatus() : it->second;
}

std::vector<Waiter> Inbox::TakeWaiters() {
  std::vector<Waiter> waiters;
  for (auto& [key, waiter] : waiters_) waiters.push_back(std::move(waiter));
  waiters_.clear();
  return waiters;
}

}  // namespace tensord::client
