#include "server/session.h"

#include "engine/base/status.h"
#include "engine/runtime/fault.h"
#include "server/alarm_clock.h"

namespace tensord::server {
namespace {

// Replies that wait for the client before the session stops reading, and when it reads on.
constexpr size_t kPauseBytes = 8 << 20;
constexpr size_t kResumeBytes = 4 << 20;

absl::Status Fenced() {
  return runtime::Fault(absl::StatusCode::kAborted, "FENCED",
                        "another stream has taken this session over");
}

}  // namespace

std::shared_ptr<Session> Session::Make(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                       StreamPtr stream) {
  return std::shared_ptr<Session>(new Session(env, table, peer, std::move(stream)));
}

Session::Session(const SessionEnv& env, SessionTable& table, const Peer& peer, StreamPtr stream)
    : env_(env), table_(table), core_(env, peer, *this, outbox_), stream_(std::move(stream)) {}

Session::~Session() = default;

bool Session::Carries(uint64_t stream) const {
  MutexLock lock(stream_mutex_);
  return stream == number_ && stream_ != nullptr;
}

StreamPtr Session::stream() const {
  MutexLock lock(stream_mutex_);
  return stream_;
}

StreamPtr Session::Replace(StreamPtr stream) {
  MutexLock lock(stream_mutex_);
  ++number_;
  return std::exchange(stream_, std::move(stream));
}

Flow Session::OnFrame(uint64_t stream, std::string_view bytes) {
  RunNow([&] {
    if (!Carries(stream)) return;
    core_.ConfirmNewest();
    core_.OnFrame(bytes);
  });
  if (outbox_.waiting_bytes() < kPauseBytes) return Flow::kContinue;
  paused_ = true;
  return Flow::kPause;
}

void Session::OnHalfClose(uint64_t stream) {
  RunNow([&] {
    if (Carries(stream)) core_.OnHalfClose();
  });
}

Pull Session::NextFrame(uint64_t stream, SharedBytes* frame) {
  Pull pull = Pull::kEnd;
  StreamPtr carrier;
  {
    MutexLock lock(stream_mutex_);
    if (stream != number_) return Pull::kEnd;
    pull = outbox_.Next(frame);
    carrier = stream_;
  }
  if (paused_ && outbox_.waiting_bytes() < kResumeBytes && paused_.exchange(false)) {
    if (carrier != nullptr) carrier->ResumeReading();
  }
  return pull;
}

void Session::OnDetached(uint64_t stream) {
  RunNow([&] {
    if (!Carries(stream)) return;
    Replace(nullptr);
    core_.OnDetached();
  });
}

absl::StatusOr<uint64_t> Session::Resume(const Principal& principal, const v1::Resume& resume,
                                         StreamPtr stream) {
  absl::Status status;
  StreamPtr before;
  uint64_t number = 0;
  RunNow([&] {
    // First the fence: what the old stream takes from here on is nothing.
    status = core_.MayResume(principal, resume);
    if (!status.ok()) return;
    before = Replace(std::move(stream));
    core_.OnResume(resume);
    core_.Trust(principal.expires);
    paused_ = false;
    if (this->stream() == nullptr) core_.OnPolled();
    MutexLock lock(stream_mutex_);
    number = number_;
  });
  if (before != nullptr) before->Close(Fenced());
  if (!status.ok()) return status;
  return number;
}

absl::Status Session::Submit(std::string_view bytes, std::string_view token) {
  absl::Status status;
  RunNow([&] {
    if (core_.welcomed() && !core_.Confirm(token)) {
      status = UnknownSession();
      return;
    }
    if (!core_.trusted()) {
      status = runtime::Fault(absl::StatusCode::kUnauthenticated, "AUTH",
                              "the session's credentials have expired; resume it with new ones");
      return;
    }
    core_.OnFrame(bytes);
    if (stream() == nullptr) core_.OnPolled();
  });
  return status;
}

void Session::Answer(absl::Duration wait, server::Reply<SharedBytes> reply) {
  {
    MutexLock lock(polls_mutex_);
    polls_.push_back(Poll{env_.now() + wait, std::move(reply)});
  }
  AnswerPolls(env_.now());
}

void Session::AnswerPolls(absl::Time now) {
  std::list<Poll> due;
  {
    MutexLock lock(polls_mutex_);
    const bool all = over_ || outbox_.HasReplies();
    for (auto it = polls_.begin(); it != polls_.end();) {
      const auto poll = it++;
      if (all || poll->until <= now) due.splice(due.end(), polls_, poll);
    }
  }
  for (Poll& poll : due) poll.reply(outbox_.Oldest());
}

void Session::Refuse(const absl::Status& status) {
  RunNow([&] { core_.Refuse(status); });
}

void Session::End() {
  RunNow([&] { core_.End(); });
}

void Session::OnTick(absl::Time now) {
  // Thousands of idle sessions are to cost nothing.
  const bool skip =
      timeless_ && uploads_->empty() && outbox_.blocked_since() == absl::InfiniteFuture();
  if (!skip) Post([this, now] { core_.OnTick(now); });
  AnswerPolls(now);
}

void Session::OnGoingAway(absl::Duration deadline) {
  Post([this, deadline] { core_.OnGoingAway(deadline); });
}

bool Session::MayMoveData(std::string_view token) const {
  return SameSecret(token, data_token_) && trusted_;
}

void Session::Download(const v1::DownloadRequest& request,
                       std::function<void(absl::StatusOr<SessionCore::Part>)> then) {
  Post([this, request, then = std::move(then)] { core_.Download(request, then); });
}

absl::StatusOr<std::unique_ptr<Membership>> Session::Join(const Principal& principal) {
  return table_.Join(principal, env_.limits);
}

void Session::OnUploaded(uint64_t number) {
  Post([this, number] { core_.OnUploaded(number); });
}

void Session::OnWelcome() {
  name_ = core_.name();
  data_token_ = core_.data_token();
  uploads_ = core_.uploads();
  table_.Insert(name_, std::static_pointer_cast<Session>(shared_from_this()));
  listed_ = true;
}

void Session::DropStream() {
  const StreamPtr lost = Replace(nullptr);
  if (lost == nullptr) return;
  core_.OnDetached();
  lost->Abort();
}

void Session::AfterTasks() {
  core_.Advance();
  idle_ = core_.idle();
  timeless_ = core_.timeless();
  breached_ = !core_.breach().ok();
  lease_expired_ = core_.lease_expired();
  trusted_ = core_.trusted();
  drained_ = core_.drained();
  SetAlarm();
  over_ = core_.over();
}

// Ticks come once a second; a deadline does not wait for one.
void Session::SetAlarm() {
  const absl::Time next = core_.next_deadline();
  if (env_.alarms == nullptr || next >= alarm_) return;
  alarm_ = next;
  const std::weak_ptr<Session> self = std::static_pointer_cast<Session>(shared_from_this());
  env_.alarms->Set(next, [self](absl::Time now) {
    if (const auto session = self.lock()) session->OnAlarm(now);
  });
}

void Session::OnAlarm(absl::Time now) {
  Post([this, now] {
    alarm_ = absl::InfiniteFuture();
    core_.OnTick(now);
  });
}

void Session::AfterRunning() {
  if (over_ && listed_.exchange(false)) table_.Remove(name_, lease_expired_);
  const StreamPtr carrier = stream();
  if (carrier == nullptr) return AnswerPolls(absl::InfinitePast());
  if (breached_ && !closed_.exchange(true)) return carrier->Close(core_.breach());
  if (outbox_.HasNews()) carrier->Wake();
  if (drained_) carrier->Close(absl::OkStatus());
}

}  // namespace tensord::server
