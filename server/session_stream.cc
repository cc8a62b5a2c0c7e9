// A session's stream for the transport. Its first frame tells whose session it carries.
#include "engine/base/status.h"
#include "engine/runtime/fault.h"
#include "server/session.h"

namespace tensord::server {
namespace {

class SessionStream : public StreamHandler {
 public:
  SessionStream(const SessionEnv& env, SessionTable& table, const Peer& peer, StreamPtr stream)
      : env_(env), table_(table), peer_(peer), stream_(std::move(stream)) {
    carried_.session = Session::Make(env, table, peer, stream_);
  }

  Flow OnFrame(std::string_view bytes) override {
    if (std::exchange(first_, false)) {
      v1::ClientFrame frame;
      const bool parsed = frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
      if (parsed && frame.items_size() > 0 && frame.items(0).has_resume()) return OnResume(frame);
    }
    const Carried carried = Get();
    return carried.session->OnFrame(carried.number, bytes);
  }

  void OnHalfClose() override {
    const Carried carried = Get();
    carried.session->OnHalfClose(carried.number);
  }

  Pull NextFrame(SharedBytes* frame) override {
    const Carried carried = Get();
    return carried.session->NextFrame(carried.number, frame);
  }

  void OnDetached(const absl::Status&) override {
    const Carried carried = Get();
    carried.session->OnDetached(carried.number);
  }

 private:
  Carried Get() const {
    MutexLock lock(mutex_);
    return carried_;
  }

  Flow OnResume(const v1::ClientFrame& frame) {
    absl::StatusOr<Carried> found = TakeOver(env_, table_, peer_, frame, stream_);
    if (!found.ok()) {
      Get().session->Refuse(found.status());
      return Flow::kPause;
    }
    {
      MutexLock lock(mutex_);
      std::swap(carried_, *found);
    }
    stream_->Wake();
    return Flow::kContinue;
  }

  const SessionEnv& env_;
  SessionTable& table_;
  const Peer peer_;
  const StreamPtr stream_;
  bool first_ = true;
  mutable Mutex mutex_;
  Carried carried_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

absl::StatusOr<Carried> TakeOver(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                 const v1::ClientFrame& frame, const StreamPtr& stream) {
  if (frame.seq() != 0 || frame.items_size() != 1) {
    return runtime::Fault(absl::StatusCode::kInvalidArgument, "FRAMING",
                          "resume: its frame has seq 0 and no other item, this one has seq ",
                          frame.seq(), " and ", frame.items_size(), " items");
  }
  const v1::Resume& resume = frame.items(0).resume();
  absl::StatusOr<Principal> principal = env.authenticator.Authenticate(peer, resume.credentials());
  if (!principal.ok()) return runtime::WithReason(principal.status(), "AUTH");
  if (resume.epoch() != env.epoch) {
    return runtime::Fault(absl::StatusCode::kNotFound, "EPOCH_LOST",
                          "resume: the daemon was started anew, and its sessions are gone; begin "
                          "with Hello");
  }
  absl::StatusOr<std::shared_ptr<Session>> session = table.FindToResume(resume.session());
  const absl::StatusOr<uint64_t> number = session.ok()
                                              ? (*session)->Resume(*principal, resume, stream)
                                              : absl::StatusOr<uint64_t>(session.status());
  if (!number.ok()) {
    CountUnknownSession(env, peer, number.status());
    return number.status();
  }
  return Carried{*std::move(session), *number};
}

void CountUnknownSession(const SessionEnv& env, const Peer& peer, const absl::Status& status) {
  if (runtime::ReasonOf(status) != "SESSION_UNKNOWN") return;
  env.authenticator.CountRefusal(peer, status);
}

std::unique_ptr<StreamHandler> MakeSessionStream(const SessionEnv& env, SessionTable& table,
                                                 const Peer& peer, StreamPtr stream) {
  return std::make_unique<SessionStream>(env, table, peer, std::move(stream));
}

}  // namespace tensord::server
