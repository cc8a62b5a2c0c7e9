#include "server/session_outbox.h"

#include <algorithm>

#include "engine/runtime/fault.h"

namespace tensord::server {
namespace {

constexpr size_t kFrameBytes = 1 << 20;      // replies beyond this go into the next frame
constexpr size_t kFreeReplyBytes = 4 << 20;  // unacked, before the client gives credit
constexpr size_t kMaxUnackedBytes = 64 << 20;
constexpr uint64_t kMostUntold = 16;  // client frames that were applied

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

void SessionOutbox::SetBusy(bool busy) {
  MutexLock lock(mutex_);
  busy_ = busy;
}

bool SessionOutbox::AcksAreDue() const {
  if (told_) return false;
  return !busy_ || credit_needed_ || applied_ >= told_applied_ + kMostUntold;
}

void SessionOutbox::MarkTold() {
  told_ = true;
  credit_needed_ = false;
  told_applied_ = applied_;
}

void SessionOutbox::SetCredit(uint64_t max_items, uint64_t max_bytes, bool needed) {
  MutexLock lock(mutex_);
  credit_needed_ |= needed;
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
  Forget(seq);
}

void SessionOutbox::Forget(uint64_t seq) {
  while (!unacked_.empty() && unacked_.front().seq <= seq) {
    unacked_bytes_ -= unacked_.front().bytes.view.size();
    unacked_.pop_front();
    if (replayed_ > 0) --replayed_;
  }
}

absl::Status SessionOutbox::CheckSeen(uint64_t last_seen) const {
  MutexLock lock(mutex_);
  const uint64_t sent = held_.has_value() ? seq_ - 1 : seq_;
  if (last_seen <= sent) return absl::OkStatus();
  return runtime::Fault(absl::StatusCode::kInvalidArgument, "GAP",
                        "resume: the client has seen frame ", last_seen,
                        ", the last one that was sent is ", sent);
}

void SessionOutbox::Resume(uint64_t last_seen, v1::Reply greeting) {
  MutexLock lock(mutex_);
  Forget(last_seen);
  v1::ServerFrame frame;
  *frame.add_replies() = std::move(greeting);
  Stamp(&frame);
  greeting_ = SharedBytes::Of(frame.SerializeAsString());
  replayed_ = 0;
  blocked_since_ = absl::InfiniteFuture();
  MarkTold();
}

bool SessionOutbox::Covered(size_t bytes) const {
  if (unacked_bytes_ + bytes > kMaxUnackedBytes) return false;
  if (max_reply_bytes_.has_value()) return sent_bytes_ + bytes <= *max_reply_bytes_;
  return unacked_bytes_ + bytes <= kFreeReplyBytes;
}

bool SessionOutbox::HasNews() const {
  MutexLock lock(mutex_);
  return greeting_.has_value() || replayed_ < unacked_.size() || held_.has_value() ||
         !replies_.empty() || AcksAreDue() || ended_;
}

bool SessionOutbox::HasReplies() const {
  MutexLock lock(mutex_);
  return !unacked_.empty() || held_.has_value() || !replies_.empty();
}

size_t SessionOutbox::waiting_bytes() const {
  MutexLock lock(mutex_);
  return reply_bytes_ + (held_.has_value() ? held_->size() : 0);
}

absl::Time SessionOutbox::blocked_since() const {
  MutexLock lock(mutex_);
  return blocked_since_;
}

void SessionOutbox::Stamp(v1::ServerFrame* frame) const {
  frame->set_applied(applied_);
  frame->set_completed(completed_);
  frame->set_max_items(max_items_);
  frame->set_max_bytes(max_bytes_);
}

std::string SessionOutbox::Acks() {
  v1::ServerFrame frame;
  Stamp(&frame);
  MarkTold();
  return frame.SerializeAsString();
}

// REQUIRES: there are replies.
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
  frame.set_seq(++seq_);
  Stamp(&frame);
  MarkTold();
  return frame.SerializeAsString();
}

Pull SessionOutbox::Next(SharedBytes* frame) {
  MutexLock lock(mutex_);
  if (greeting_.has_value()) {
    *frame = *std::exchange(greeting_, std::nullopt);
    return Pull::kMessage;
  }
  if (replayed_ < unacked_.size()) {
    *frame = unacked_[replayed_++].bytes;
    return Pull::kMessage;
  }
  return MakeNext(frame);
}

// A frame that was not sent before.
Pull SessionOutbox::MakeNext(SharedBytes* frame) {
  if (!held_.has_value() && !replies_.empty()) held_ = Compose();
  if (!held_.has_value() || !Covered(held_->size())) {
    if (held_.has_value()) blocked_since_ = std::min(blocked_since_, absl::Now());
    if (ended_ && told_ && !held_.has_value()) return Pull::kEnd;
    if (!AcksAreDue() && !(ended_ && !told_)) return Pull::kNothing;
    *frame = SharedBytes::Of(Acks());
    return Pull::kMessage;
  }
  blocked_since_ = absl::InfiniteFuture();
  sent_bytes_ += held_->size();
  unacked_bytes_ += held_->size();
  *frame = SharedBytes::Of(*std::exchange(held_, std::nullopt));
  unacked_.push_back({seq_, *frame});
  replayed_ = unacked_.size();
  return Pull::kMessage;
}

SharedBytes SessionOutbox::Oldest() {
  MutexLock lock(mutex_);
  if (greeting_.has_value()) return *std::exchange(greeting_, std::nullopt);
  if (!unacked_.empty()) return unacked_.front().bytes;
  SharedBytes frame;
  return MakeNext(&frame) == Pull::kMessage ? frame : SharedBytes::Of(Acks());
}

}  // namespace tensord::server
