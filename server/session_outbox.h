// What a session has to say: replies, acks and credit, made into ServerFrames as the client's reply
// credit allows.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "server/stream_handler.h"
#include "tensord/v1/session.pb.h"

namespace tensord::server {

// Thread-safe, and never locks for long: the transport may pull while the session works.
class SessionOutbox {
 public:
  // Replies wait for room; acks and credit only grow.
  void Add(v1::Reply reply);
  void SetApplied(uint64_t seq) { Grow(&applied_, seq); }
  void SetCompleted(uint64_t seq) { Grow(&completed_, seq); }
  void SetCredit(uint64_t max_items, uint64_t max_bytes);
  // Nothing follows what is there.
  void End();

  // From the client: the last frame it saw, and how many bytes it takes in all (0: no change).
  void OnAck(uint64_t seq, uint64_t max_reply_bytes);

  Pull Next(SharedBytes* frame);

  // Whether Next would have something to say, credit permitting.
  bool HasNews() const;
  // Bytes of replies that wait.
  size_t waiting_bytes() const;
  // Since when replies wait for credit; InfiniteFuture when they do not.
  absl::Time blocked_since() const;

 private:
  void Grow(uint64_t* number, uint64_t value);
  bool HasNewsLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Compose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Covered(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::deque<v1::Reply> replies_ ABSL_GUARDED_BY(mutex_);
  size_t reply_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0, completed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t max_items_ ABSL_GUARDED_BY(mutex_) = 0, max_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool told_ ABSL_GUARDED_BY(mutex_) = true;  // nothing but replies is new
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;

  uint64_t seq_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<std::string> held_ ABSL_GUARDED_BY(mutex_);  // composed, not covered by credit
  absl::Time blocked_since_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  uint64_t sent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> max_reply_bytes_ ABSL_GUARDED_BY(mutex_);
  // Until the client gives credit: frames it has not acked (seq, bytes), and their sum.
  std::deque<std::pair<uint64_t, size_t>> unacked_ ABSL_GUARDED_BY(mutex_);
  uint64_t unacked_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace tensord::server
