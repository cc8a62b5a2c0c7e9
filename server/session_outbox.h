// What a session has to say: replies, acks and credit, made into ServerFrames as the client's reply
// credit allows. Frames with replies stay until the client acks them, and are sent again to the
// stream that takes the session over.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

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
  // `needed`: the client may soon be out of it.
  void SetCredit(uint64_t max_items, uint64_t max_bytes, bool needed);
  // While work is under way, acks wait for a reply to travel with, or until they are many: each
  // frame costs a client more than most steps' messages.
  void SetBusy(bool busy);
  // Nothing follows what is there.
  void End();

  // From the client: the last frame it saw, and how many bytes it takes in all (0: no change).
  void OnAck(uint64_t seq, uint64_t max_reply_bytes);

  // INVALID_ARGUMENT, reason GAP, unless the client can have seen the frames up to `last_seen`.
  absl::Status CheckSeen(uint64_t last_seen) const;
  // A stream begins that saw the frames up to `last_seen`: `greeting` goes first, then the frames
  // after those, as they were, then what is new.
  void Resume(uint64_t last_seen, v1::Reply greeting);

  Pull Next(SharedBytes* frame);
  // What a unary call answers: the greeting of a Resume, else the oldest frame that is not acked,
  // else a new one; acks alone when there is no reply, or no credit for one.
  SharedBytes Oldest();

  // Whether Next would have something to say, credit permitting.
  bool HasNews() const;
  // Whether there are replies that the client has not acked.
  bool HasReplies() const;
  // Bytes of replies that wait to be sent.
  size_t waiting_bytes() const;
  // Since when replies wait for credit; InfiniteFuture when they do not.
  absl::Time blocked_since() const;

 private:
  struct Sent {
    uint64_t seq = 0;
    SharedBytes bytes;
  };

  void Grow(uint64_t* number, uint64_t value);
  void Forget(uint64_t seq) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AcksAreDue() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void MarkTold() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Acks() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::string Compose() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Stamp(v1::ServerFrame* frame) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Covered(size_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Pull MakeNext(SharedBytes* frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  std::deque<v1::Reply> replies_ ABSL_GUARDED_BY(mutex_);
  size_t reply_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0, completed_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t max_items_ ABSL_GUARDED_BY(mutex_) = 0, max_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool told_ ABSL_GUARDED_BY(mutex_) = true;  // nothing but replies is new
  bool busy_ ABSL_GUARDED_BY(mutex_) = false, credit_needed_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t told_applied_ ABSL_GUARDED_BY(mutex_) = 0;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;

  uint64_t seq_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<std::string> held_ ABSL_GUARDED_BY(mutex_);  // composed, not covered by credit
  absl::Time blocked_since_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteFuture();
  // Bytes of frames with replies: all that were sent once, and how many may be.
  uint64_t sent_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<uint64_t> max_reply_bytes_ ABSL_GUARDED_BY(mutex_);

  std::deque<Sent> unacked_ ABSL_GUARDED_BY(mutex_);
  size_t unacked_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<SharedBytes> greeting_ ABSL_GUARDED_BY(mutex_);
  size_t replayed_ ABSL_GUARDED_BY(mutex_) = 0;  // of unacked_, sent on this stream
};

}  // namespace tensord::server
