#include "server/session_outbox.h"

namespace tensord::server {
namespace {

constexpr size_t kFrameBytes = 1 << 20;      // replies beyond this go into the next frame
constexpr size_t kFreeReplyBytes = 4 << 20;  // unacked, before the client gives credit

}  // namespace

void SessionOutbox::Add(v1::Reply reply) {
  MutexLock lock(mutex_);
  if (ended_) return;
  reply_bytes_ += reply.ByteSizeLong();
  replies_.push_back(std::move(reply));
}

void SessionOutbox::Grow(uint64_t* number, uint64_t value) {
  MutexLock lock(mutex_);
  if (value <= *number) return;
  *number = value;
  told_ = false;
}

void SessionOutbox::SetCredit(uint64_t max_items, uint64_t max_bytes) {
  MutexLock lock(mutex_);
  if (max_items <= max_items_ && max_bytes <= max_bytes_) return;
  max_items_ = std::max(max_items, max_items_);
  max_bytes_ = std::max(max_bytes, max_bytes_);
  told_ = false;
}

void SessionOutbox::End() {
  MutexLock lock(mutex_);
  ended_ = true;
}

void SessionOutbox::OnAck(uint64_t seq, uint64_t max_reply_bytes) {
  MutexLock lock(mutex_);
  if (max_reply_bytes > max_reply_bytes_.value_or(0)) max_reply_bytes_ = max_reply_bytes;
  while (!unacked_.empty() && (unacked_.front().first <= seq || max_reply_bytes_.has_value())) {
    unacked_bytes_ -= unacked_.front().second;
    unacked_.pop_front();
  }
}

bool SessionOutbox::Covered(size_t bytes) const {
  if (max_reply_bytes_.has_value()) return sent_bytes_ + bytes <= *max_reply_bytes_;
  return unacked_bytes_ + bytes <= kFreeReplyBytes;
}

bool SessionOutbox::HasNewsLocked() const {
  return held_.has_value() || !replies_.empty() || !told_ || ended_;
}

bool SessionOutbox::HasNews() const {
  MutexLock lock(mutex_);
  return HasNewsLocked();
}

size_t SessionOutbox::waiting_bytes() const {
  MutexLock lock(mutex_);
  return reply_bytes_ + (held_.has_value() ? held_->size() : 0);
}

absl::Time SessionOutbox::blocked_since() const {
  MutexLock lock(mutex_);
  return blocked_since_;
}

std::string SessionOutbox::Compose() {
  v1::ServerFrame frame;
  size_t bytes = 0;
  while (!replies_.empty()) {
    const size_t size = replies_.front().ByteSizeLong();
    if (bytes > 0 && bytes + size > kFrameBytes) break;
    bytes += size;
    *frame.add_replies() = std::move(replies_.front());
    replies_.pop_front();
  }
  reply_bytes_ -= bytes;
  if (bytes > 0) frame.set_seq(++seq_);
  frame.set_applied(applied_);
  frame.set_completed(completed_);
  frame.set_max_items(max_items_);
  frame.set_max_bytes(max_bytes_);
  told_ = true;
  return frame.SerializeAsString();
}

Pull SessionOutbox::Next(SharedBytes* frame) {
  MutexLock lock(mutex_);
  if (!held_.has_value()) {
    if (replies_.empty() && told_) return ended_ ? Pull::kEnd : Pull::kNothing;
    const uint64_t before = seq_;
    held_ = Compose();
    if (seq_ != before && !max_reply_bytes_.has_value()) {
      unacked_.push_back({seq_, 0});  // counted when it is sent
    }
  }
  if (!Covered(held_->size())) {
    if (blocked_since_ == absl::InfiniteFuture()) blocked_since_ = absl::Now();
    return Pull::kNothing;
  }
  blocked_since_ = absl::InfiniteFuture();
  sent_bytes_ += held_->size();
  if (!unacked_.empty() && unacked_.back().second == 0) {
    unacked_.back().second = held_->size();
    unacked_bytes_ += held_->size();
  }
  *frame = SharedBytes::Of(*std::exchange(held_, std::nullopt));
  return Pull::kMessage;
}

}  // namespace tensord::server
