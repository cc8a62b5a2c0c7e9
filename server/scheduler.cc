#include "server/scheduler.h"

#include <algorithm>

#include "engine/runtime/fault.h"
#include "server/session_table.h"

namespace tensord::server {
namespace {

// Runs and copies that devices have at one time, of one session: the rest can still be cancelled.
constexpr int kMaxSubmitted = 64;

absl::Status LateStatus(bool started) {
  return runtime::Fault(absl::StatusCode::kDeadlineExceeded, "DEADLINE", "the deadline passed ",
                        started ? "before it was done" : "before it began");
}

}  // namespace

// ------------------------------------------------------------------ Command

Command::~Command() { Forget(); }

void Command::Forget() {
  for (const runtime::CellRef& cell : awaited_) {
    cell->Forget(this);
    if (phase_ == Phase::kSettling) cell->CountWatchers(-1);
  }
  awaited_.clear();
}

void Command::AwaitAvailable(const runtime::CellRef& cell) {
  if (cell->available()) return;
  cell->WhenAvailable(this);
  awaited_.push_back(cell);
  ++unmet_;
}

void Command::AwaitSettled(const runtime::CellRef& cell) {
  if (cell->settled()) return;
  cell->WhenSettled(this);
  awaited_.push_back(cell);
  if (phase_ == Phase::kSettling) cell->CountWatchers(1);
  ++unmet_;
}

void Command::OnCell(runtime::Cell&) { Arrive(); }

void Command::Arrive() {
  if (--unmet_ == 0) scheduler_->OnMet(*this);
}

void Command::SettleAfter(absl::Span<const runtime::CellRef> cells) {
  awaited_.clear();
  phase_ = Phase::kSettling;
  Owe();
  for (const runtime::CellRef& cell : cells) AwaitSettled(cell);
  Arrive();
}

void Command::Finish() { scheduler_->ended_.push_back(serial_); }

// ------------------------------------------------------------------ Scheduler

Scheduler::Scheduler(const SessionEnv& env, SchedulerHost& host, Account& account)
    : env_(env),
      host_(host),
      resident_(account.resident),
      in_flight_(account.in_flight),
      lane_(account.lane) {}

uint64_t Scheduler::Add(std::unique_ptr<Command> command) {
  Command& added = *command;
  added.scheduler_ = this;
  added.serial_ = next_serial_++;
  if (added.terms().counts) {
    const uint64_t frame = added.origin().frame;
    if (open_.empty() || open_.back().first != frame) open_.push_back({frame, 0});
    ++open_.back().second;
  }
  in_flight_->Charge(1);
  earliest_deadline_ = std::min(earliest_deadline_, added.terms().deadline);
  commands_.emplace_hint(commands_.end(), added.serial_, std::move(command));
  added.Owe();
  added.Prepare();
  added.Arrive();
  return added.serial_;
}

void Scheduler::OnMet(Command& command) {
  if (command.phase_ == Command::Phase::kSettling) {
    settled_.push_back(command.serial_);
    return;
  }
  command.phase_ = Command::Phase::kReady;
  const int priority = std::clamp(command.terms().priority, -2, 2);
  ready_[static_cast<size_t>(2 - priority)].push_back(command.serial_);
}

Command* Scheduler::NextReady() {
  if (submitted_ >= kMaxSubmitted) return nullptr;
  for (std::deque<uint64_t>& queue : ready_) {
    while (!queue.empty()) {
      const uint64_t serial = queue.front();
      queue.pop_front();
      const auto it = commands_.find(serial);
      if (it != commands_.end() && it->second->phase_ == Command::Phase::kReady) {
        return it->second.get();
      }
    }
  }
  return nullptr;
}

void Scheduler::Pump() {
  if (pumping_) return;
  pumping_ = true;
  for (;;) {
    if (!ended_.empty()) {
      const auto it = commands_.find(ended_.front());
      ended_.pop_front();
      if (it != commands_.end()) Remove(*it->second);
    } else if (!settled_.empty()) {
      const auto it = commands_.find(settled_.front());
      settled_.pop_front();
      if (it != commands_.end()) it->second->OnSettled();
    } else if (Command* command = NextReady()) {
      command->awaited_.clear();
      command->phase_ = Command::Phase::kStarted;
      if (command->terms().deadline <= env_.now()) {
        command->GiveUp(LateStatus(false));
      } else {
        command->Start();
      }
    } else {
      break;
    }
  }
  pumping_ = false;
}

void Scheduler::Remove(Command& command) {
  if (command.terms().counts) {
    const auto at =
        std::lower_bound(open_.begin(), open_.end(), std::make_pair(command.origin().frame, 0));
    --at->second;
    while (!open_.empty() && open_.front().second == 0) open_.pop_front();
  }
  commands_.erase(command.serial_);
  in_flight_->Charge(-1);
  while (!barriers_.empty() &&
         (commands_.empty() || commands_.begin()->first > barriers_.front().first)) {
    const auto then = std::move(barriers_.front().second);
    barriers_.pop_front();
    then();
  }
}

void Scheduler::WhenAllDone(std::function<void()> then) {
  if (commands_.empty()) return then();
  barriers_.push_back({next_serial_ - 1, std::move(then)});
}

uint64_t Scheduler::CompletedUpTo(uint64_t applied) const {
  return open_.empty() ? applied : std::min(applied, open_.front().first - 1);
}

// Before it began, or on its way.
void Scheduler::End(Command& command, const absl::Status& why) {
  if (command.started()) return command.Stop(why);
  command.Forget();
  command.phase_ = Command::Phase::kStarted;
  command.GiveUp(why);
}

void Scheduler::OnTick(absl::Time now) {
  earliest_deadline_ = absl::InfiniteFuture();
  for (const auto& [serial, command] : commands_) {
    const absl::Time deadline = command->terms().deadline;
    if (deadline <= now) {
      End(*command, LateStatus(command->started()));
    } else {
      earliest_deadline_ = std::min(earliest_deadline_, deadline);
    }
  }
  Pump();
}

void Scheduler::Cancel(uint64_t first_seq, uint64_t last_seq, const std::vector<Span>& ids) {
  const auto named = [&](const Command& command) {
    const uint64_t frame = command.origin().frame;
    if (first_seq != 0 && frame >= first_seq && frame <= last_seq) return true;
    return std::any_of(ids.begin(), ids.end(),
                       [&](const Span& span) { return command.MakesAny(span); });
  };
  for (const auto& [serial, command] : commands_) {
    if (!command->cancellable() || !named(*command)) continue;
    End(*command, runtime::Fault(absl::StatusCode::kCancelled, "CANCELLED", "cancelled ",
                                 command->started() ? "before it was done" : "before it began"));
  }
  Pump();
}

Command* Scheduler::Find(uint64_t serial) const {
  const auto it = commands_.find(serial);
  return it == commands_.end() ? nullptr : it->second.get();
}

void Scheduler::Clear() {
  barriers_.clear();
  in_flight_->Charge(-static_cast<int64_t>(commands_.size()));
  commands_.clear();
  open_.clear();
}

bool Scheduler::RetryLater(Command& command) {
  if (submitted_ == 0) return false;
  command.phase_ = Command::Phase::kReady;
  starved_.push_back(command.serial_);
  return true;
}

void Scheduler::CountSubmitted(int by) {
  submitted_ += by;
  if (by > 0) return;
  for (; !starved_.empty(); starved_.pop_back()) {
    ready_[0].push_front(starved_.back());
  }
}

}  // namespace tensord::server
