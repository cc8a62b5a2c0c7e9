// The outgoing half of a call, with one write in flight as a property of the type.
//
// gRPC aborts the process when a second write begins while one is in flight. So nobody else can
// write: the Outbox owns the wire, and its state says who may touch it.
//
//   idle ──Wake──▶ pulling ──message──▶ writing ──OnWritten──▶ pulling …
//     ▲               │ nothing
//     └───────────────┤ nothing, and Close was called: finishing, the last operation
//
// Whoever moves the state to `pulling` owns it and pulls, without locks held, until there is
// nothing more; others who Wake meanwhile leave a mark that is seen before going idle.
#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "server/stream_handler.h"

namespace tensord::server::transport {

// Wire: Write(const Message&) or Write(Message&&), Finish(End&&). Each starts one asynchronous
// operation; a Write's end is reported by OnWritten. Source: Pull Next(Message*). Thread-safe.
template <typename Wire, typename Source, typename Message, typename End>
class Outbox {
 public:
  // Both outlive the outbox.
  Outbox(Wire* wire, Source* source) : wire_(wire), source_(source) {}

  // There may be something to send.
  void Wake() {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
      if (state_ != State::kIdle) return;
      state_ = State::kPulling;
    }
    PullAndWrite();
  }

  // Finishes with `end` after what the source still has. The first call counts.
  void Close(End end) {
    {
      std::lock_guard lock(mutex_);
      if (end_ || state_ == State::kFinishing) return;
      end_ = std::move(end);
    }
    Wake();
  }

  // The write in flight has ended. Not ok: the call is broken, nothing can be sent any more.
  void OnWritten(bool ok) {
    {
      std::lock_guard lock(mutex_);
      state_ = ok ? State::kPulling : State::kFinishing;
      if (!ok) return;
    }
    PullAndWrite();
  }

  bool writing() const {
    std::lock_guard lock(mutex_);
    return state_ == State::kWriting;
  }

 private:
  enum class State { kIdle, kPulling, kWriting, kFinishing };
  enum class Next { kPullAgain, kIdle, kFinish };

  // Only in state kPulling, by the thread that set it.
  void PullAndWrite() {
    for (;;) {
      {
        std::lock_guard lock(mutex_);
        woken_ = false;
      }
      Message message;
      const Pull pull = source_->Next(&message);
      if (pull == Pull::kMessage) {
        SetState(State::kWriting);
        wire_->Write(std::move(message));
        return;
      }
      std::optional<End> end;
      switch (GoIdleOrFinish(pull, &end)) {
        case Next::kPullAgain:
          continue;
        case Next::kIdle:
          return;  // and from now on somebody else may pull
        case Next::kFinish:
          wire_->Finish(*std::move(end));
          return;
      }
    }
  }

  void SetState(State state) {
    std::lock_guard lock(mutex_);
    state_ = state;
  }

  // The source had nothing: what now. kFinish fills `end`.
  Next GoIdleOrFinish(Pull pull, std::optional<End>* end) {
    std::lock_guard lock(mutex_);
    if (pull == Pull::kEnd && !end_) end_ = End();
    if (woken_ && pull != Pull::kEnd) return Next::kPullAgain;
    state_ = end_ ? State::kFinishing : State::kIdle;
    *end = std::exchange(end_, std::nullopt);
    return *end ? Next::kFinish : Next::kIdle;
  }

  Wire* const wire_;
  Source* const source_;
  mutable std::mutex mutex_;
  State state_ = State::kIdle;
  bool woken_ = false;
  std::optional<End> end_;
};

}  // namespace tensord::server::transport
