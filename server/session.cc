#include "server/session.h"

namespace tensord::server {
namespace {

// Replies that wait for the client before the session stops reading, and when it reads on.
constexpr size_t kPauseBytes = 8 << 20;
constexpr size_t kResumeBytes = 4 << 20;

class SessionStream : public StreamHandler {
 public:
  explicit SessionStream(std::shared_ptr<Session> session) : session_(std::move(session)) {}
  Flow OnFrame(std::string_view bytes) override { return session_->OnFrame(bytes); }
  void OnHalfClose() override { session_->OnHalfClose(); }
  Pull NextFrame(SharedBytes* frame) override { return session_->NextFrame(frame); }
  void OnDetached(const absl::Status&) override { session_->OnDetached(); }

 private:
  const std::shared_ptr<Session> session_;
};

}  // namespace

std::shared_ptr<Session> Session::Make(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                       StreamPtr stream) {
  return std::shared_ptr<Session>(new Session(env, table, peer, std::move(stream)));
}

Session::Session(const SessionEnv& env, SessionTable& table, const Peer& peer, StreamPtr stream)
    : env_(env), table_(table), stream_(std::move(stream)), core_(env, peer, *this, outbox_) {}

Session::~Session() = default;

Flow Session::OnFrame(std::string_view bytes) {
  RunNow([&] { core_.OnFrame(bytes); });
  if (outbox_.waiting_bytes() < kPauseBytes) return Flow::kContinue;
  paused_ = true;
  return Flow::kPause;
}

void Session::OnHalfClose() {
  RunNow([&] { core_.OnHalfClose(); });
}

Pull Session::NextFrame(SharedBytes* frame) {
  const Pull pull = outbox_.Next(frame);
  if (paused_ && outbox_.waiting_bytes() < kResumeBytes && paused_.exchange(false)) {
    stream_->ResumeReading();
  }
  return pull;
}

void Session::OnDetached() {
  if (!name_.empty()) table_.Remove(name_);
  RunNow([&] { core_.End(); });
}

void Session::OnTick(absl::Time now) {
  Post([this, now] { core_.OnTick(now); });
}

void Session::OnGoingAway(absl::Duration deadline) {
  Post([this, deadline] { core_.OnGoingAway(deadline); });
}

bool Session::MayMoveData(std::string_view token) const { return SameSecret(token, data_token_); }

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
}

void Session::AfterTasks() {
  core_.Advance();
  idle_ = core_.idle();
  breached_ = !core_.breach().ok();
}

void Session::AfterRunning() {
  if (breached_ && !closed_.exchange(true)) return stream_->Close(core_.breach());
  if (outbox_.HasNews()) stream_->Wake();
}

std::unique_ptr<StreamHandler> MakeSessionStream(std::shared_ptr<Session> session) {
  return std::make_unique<SessionStream>(std::move(session));
}

}  // namespace tensord::server
