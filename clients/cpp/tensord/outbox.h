// Serialised frames that wait for the stream and for the daemon's credit, and are kept until the
// daemon has applied them: what it has not goes again to a stream that takes the session up. Not
// thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace tensord::client {

class Outbox {
 public:
  void Put(uint64_t seq, grpc::ByteBuffer frame, int items) {
    bytes_ += frame.Length();
    queue_.push_back({seq, std::move(frame), static_cast<uint64_t>(items)});
  }
  // The daemon has applied the frames up to this one.
  void Applied(uint64_t seq) {
    while (!unapplied_.empty() && unapplied_.front().seq <= seq) {
      unapplied_.pop_front();
      if (again_ > 0) --again_;
    }
  }
  // A new stream: what is not applied goes first, once more.
  void SendAgain() { again_ = 0; }
  // Limits on everything sent since the session began; 0: no change.
  void Grant(uint64_t max_items, uint64_t max_bytes) {
    if (max_items != 0) max_items_ = max_items;
    if (max_bytes != 0) max_bytes_ = max_bytes;
  }
  // The next frame, if credit covers it.
  std::optional<grpc::ByteBuffer> Next() {
    if (again_ < unapplied_.size()) return unapplied_[again_++].frame;
    if (queue_.empty()) return std::nullopt;
    Entry& entry = queue_.front();
    const size_t size = entry.frame.Length();
    if (sent_items_ + entry.items > max_items_ || sent_bytes_ + size > max_bytes_) {
      return std::nullopt;
    }
    sent_items_ += entry.items;
    sent_bytes_ += size;
    bytes_ -= size;
    unapplied_.push_back(std::move(entry));
    again_ = unapplied_.size();
    queue_.pop_front();
    return unapplied_.back().frame;
  }
  size_t bytes() const { return bytes_; }  // that wait

 private:
  struct Entry {
    uint64_t seq;
    grpc::ByteBuffer frame;
    uint64_t items;
  };
  std::deque<Entry> queue_, unapplied_;
  size_t again_ = 0;  // of unapplied_, sent on this stream
  size_t bytes_ = 0;
  uint64_t sent_items_ = 0, sent_bytes_ = 0;
  uint64_t max_items_ = UINT64_MAX, max_bytes_ = UINT64_MAX;  // until the daemon says
};

}  // namespace tensord::client
