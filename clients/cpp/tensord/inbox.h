// What the daemon answers: acks, replies to what asked, faults. Not thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "tensord/v1/session.pb.h"

namespace tensord::client {

using Answer = absl::StatusOr<v1::Reply>;
using Waiter = std::function<void(Answer)>;

// What a frame brings: to be acted on without a lock.
struct News {
  std::vector<std::pair<Waiter, Answer>> answers;
  std::vector<absl::Status> faults;      // that nobody waits for
  std::optional<v1::GoingAway> leaving;  // the daemon is about to stop
  std::optional<v1::Welcome> resumed;    // a stream has taken the session up
  absl::Status fatal;                    // the session is over
};

class Inbox {
 public:
  // `waiter` gets the reply to an item.
  void Expect(uint64_t seq, int item, Waiter waiter);
  // Nobody waits for that reply any more.
  void Forget(uint64_t seq, int item) { waiters_.erase({seq, static_cast<uint32_t>(item)}); }
  // Takes a frame of so many bytes.
  News Receive(v1::ServerFrame frame, size_t bytes);
  // Everybody who waits.
  std::vector<Waiter> TakeWaiters();

  // The fault that poisoned an id and that nobody waited for; OK when there is none. The latest
  // 4,096 are kept.
  absl::Status FaultOfId(uint64_t id) const;

  uint64_t seen() const { return seen_; }          // the highest frame
  uint64_t received() const { return received_; }  // bytes of frames with a seq, each once
  uint64_t applied() const { return applied_; }
  uint64_t completed() const { return completed_; }
  // Called when `seen` and `received` are told to the daemon; whether they should be told soon.
  void MarkTold() { told_seen_ = seen_, told_received_ = received_; }
  bool AckIsDue() const;

 private:
  void Dispatch(v1::Reply reply, News& news);
  void TakeFault(v1::Reply reply, News& news);
  std::optional<Waiter> TakeWaiter(const v1::Reply& reply);
  void Keep(const absl::Status& status, const std::vector<uint64_t>& ids);

  absl::flat_hash_map<std::pair<uint64_t, uint32_t>, Waiter> waiters_;
  absl::flat_hash_map<uint64_t, absl::Status> faults_;
  std::deque<uint64_t> fault_order_;
  uint64_t seen_ = 0, received_ = 0, told_seen_ = 0, told_received_ = 0;
  uint64_t applied_ = 0, completed_ = 0;
};

}  // namespace tensord::client
