// The commands of a session between their item and their end: they start when what they need is
// there, in any order that data dependence allows, and never wait on a thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "engine/runtime/engine.h"
#include "server/session_env.h"
#include "server/session_fault.h"
#include "server/strand.h"

namespace tensord::server {

class Scheduler;
struct Account;

// What a scheduler reports to.
class SchedulerHost {
 public:
  virtual ~SchedulerHost() = default;
  virtual std::shared_ptr<Strand> strand() = 0;
  virtual void AddReply(v1::Reply reply) = 0;
  // A value failed that nobody may have asked for.
  virtual void CountFailure() = 0;
};

// One unit of work. Waits for cells, starts, may wait again, ends; all on the session's strand.
class Command : public runtime::CellWaiter {
 public:
  struct Terms {
    runtime::Origin origin;
    absl::Time deadline = absl::InfiniteFuture();
    int priority = 0;           // -2 … 2
    bool counts = true;         // `completed` waits for it
    telemetry::FrameRef frame;  // it came in
  };

  explicit Command(const Terms& terms) : terms_(terms) {}
  ~Command() override;

  const Terms& terms() const { return terms_; }
  const runtime::Origin& origin() const { return terms_.origin; }
  bool started() const { return phase_ >= Phase::kStarted; }
  virtual bool MakesAny(const Span&) const { return false; }  // of these ids
  virtual bool cancellable() const { return terms_.counts; }

  void OnCell(runtime::Cell& cell) final;

 protected:
  friend class Scheduler;
  enum class Phase : uint8_t { kWaiting, kReady, kStarted, kSettling };

  // Called when it is added: says what to wait for.
  virtual void Prepare() = 0;
  // What it waited for is there. Ends with Finish, now or later.
  virtual void Start() = 0;
  // After AwaitSettled: all cells are settled.
  virtual void OnSettled() { Finish(); }
  // Instead of Start: its deadline passed, or it was cancelled.
  virtual void GiveUp(const absl::Status& why) = 0;
  // The same after Start: it may still end early. Called any number of times.
  virtual void Stop(const absl::Status& why) = 0;

  void AwaitAvailable(const runtime::CellRef& cell);
  void AwaitSettled(const runtime::CellRef& cell);
  // Waits for something that is no cell: one Arrive is owed.
  void Owe() { ++unmet_; }
  void Arrive();
  // In kStarted: OnSettled is called when all these are settled, which may be at once. Their values
  // are asked for no more.
  void SettleAfter(absl::Span<const runtime::CellRef> cells);
  void Finish();

  Scheduler& scheduler() const { return *scheduler_; }

  // A callback for any thread: calls `method` of this command on the strand, if it still lives.
  // Holds the session until it is destroyed.
  template <typename T, typename Arg>
  auto Callback(void (T::*method)(Arg));

 private:
  void Forget();

  const Terms terms_;
  Scheduler* scheduler_ = nullptr;
  uint64_t serial_ = 0;
  int unmet_ = 0;
  Phase phase_ = Phase::kWaiting;
  std::vector<runtime::CellRef> awaited_;
};

// One session's commands. Lives on the session's strand.
class Scheduler {
 public:
  // `account`: whose work it is. Kept.
  Scheduler(const SessionEnv& env, SchedulerHost& host, Account& account);
  ~Scheduler() { Clear(); }

  // Its serial number.
  uint64_t Add(std::unique_ptr<Command> command);
  // Starts what is ready. Called after every change.
  void Pump();
  // Gives up what is late.
  void OnTick(absl::Time now);
  // No command is late before this.
  absl::Time earliest_deadline() const { return earliest_deadline_; }
  // Gives up what is named: at once what has not started; a run up to where it writes in place.
  void Cancel(uint64_t first_seq, uint64_t last_seq, const std::vector<Span>& ids);
  // Calls `then` when every command there is now has ended.
  void WhenAllDone(std::function<void()> then);
  // Every command of frames up to this one has ended, if those of `applied` were added.
  uint64_t CompletedUpTo(uint64_t applied) const;

  size_t in_flight() const { return commands_.size(); }

  // Ends everything: callbacks that still come find nothing.
  void Clear();

  // For commands.
  Command* Find(uint64_t serial) const;
  runtime::Engine& engine() { return env_.engine; }
  const SessionEnv& env() const { return env_; }
  SchedulerHost& host() { return host_; }
  const std::shared_ptr<Ledger>& resident() const { return resident_; }
  const runtime::LaneRef& lane() const { return lane_; }
  // A run that found no memory while others were under way: once more when one of them has ended.
  bool RetryLater(Command& command);
  void CountSubmitted(int by);

 private:
  friend class Command;
  void End(Command& command, const absl::Status& why);
  void OnMet(Command& command);
  void Remove(Command& command);
  Command* NextReady();

  const SessionEnv& env_;
  SchedulerHost& host_;
  const std::shared_ptr<Ledger> resident_, in_flight_;
  const runtime::LaneRef lane_;
  absl::btree_map<uint64_t, std::unique_ptr<Command>> commands_;  // by serial
  absl::Time earliest_deadline_ = absl::InfiniteFuture();         // maybe of one that has ended
  uint64_t next_serial_ = 1;
  std::array<std::deque<uint64_t>, 5> ready_;  // serials, by priority, highest first
  std::deque<uint64_t> settled_, starved_, ended_;
  int submitted_ = 0;
  std::deque<std::pair<uint64_t, int>> open_;  // (frame, commands that count), ascending
  std::deque<std::pair<uint64_t, std::function<void()>>> barriers_;  // (last serial, then)
  bool pumping_ = false;
};

template <typename T, typename Arg>
auto Command::Callback(void (T::*method)(Arg)) {
  return [strand = scheduler_->host().strand(), scheduler = scheduler_, serial = serial_,
          method](std::decay_t<Arg> arg) {
    strand->Post([scheduler, serial, method, arg = std::move(arg)]() mutable {
      if (Command* command = scheduler->Find(serial)) {
        (static_cast<T*>(command)->*method)(std::move(arg));
      }
    });
  };
}

}  // namespace tensord::server
