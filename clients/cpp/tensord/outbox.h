// Serialised frames that wait for the stream and for the daemon's credit. Not thread-safe.
#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace tensord::client {

class Outbox {
 public:
  void Put(grpc::ByteBuffer frame, int items) {
    bytes_ += frame.Length();
    queue_.push_back({std::move(frame), static_cast<uint64_t>(items)});
  }
  // Limits on everything sent since the session began; 0: no change.
  void Grant(uint64_t max_items, uint64_t max_bytes) {
    if (max_items != 0) max_items_ = max_items;
    if (max_bytes != 0) max_bytes_ = max_bytes;
  }
  // The next frame, if credit covers it.
  std::optional<grpc::ByteBuffer> Next() {
    if (queue_.empty()) return std::nullopt;
    Entry& entry = queue_.front();
    const size_t size = entry.frame.Length();
    if (sent_items_ + entry.items > max_items_ || sent_bytes_ + size > max_bytes_) {
      return std::nullopt;
    }
    sent_items_ += entry.items;
    sent_bytes_ += size;
    bytes_ -= size;
    grpc::ByteBuffer frame = std::move(entry.frame);
    queue_.pop_front();
    return frame;
  }
  size_t bytes() const { return bytes_; }  // that wait

 private:
  struct Entry {
    grpc::ByteBuffer frame;
    uint64_t items;
  };
  std::deque<Entry> queue_;
  size_t bytes_ = 0;
  uint64_t sent_items_ = 0, sent_bytes_ = 0;
  uint64_t max_items_ = UINT64_MAX, max_bytes_ = UINT64_MAX;  // until the daemon says
};

}  // namespace tensord::client
