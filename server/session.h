// A session: its core behind a strand, the stream that carries it, and what the bulk lane asks of
// it. A session outlives its stream for its lease; another stream may take it over.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "engine/base/mutex.h"
#include "server/compute_handler.h"
#include "server/session_core.h"
#include "server/strand.h"
#include "server/stream_handler.h"

namespace tensord::server {

// Thread-safe. The table holds it from its Welcome until it is over.
class Session : public Strand, public SessionOwner {
 public:
  // `env` and `table` outlive it. `stream` is number 1.
  static std::shared_ptr<Session> Make(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                       StreamPtr stream);
  ~Session() override;

  // As StreamHandler's, from the stream with this number. One that was taken over is not heard.
  Flow OnFrame(uint64_t stream, std::string_view bytes);
  void OnHalfClose(uint64_t stream);
  Pull NextFrame(uint64_t stream, SharedBytes* frame);
  void OnDetached(uint64_t stream);

  // `stream` takes the session over, and the one before hears FENCED; its number.
  // Errors: as SessionCore::OnResume.
  absl::StatusOr<uint64_t> Resume(const Principal& principal, const v1::Resume& resume,
                                  StreamPtr stream);
  // A frame by a unary call. `token` is a resume secret of the session, or empty for one that is
  // to begin with this frame. Errors: SESSION_UNKNOWN.
  absl::Status Submit(std::string_view bytes, std::string_view token);
  // Answers the oldest frame that is not acked, or acks; while there is no reply to give it waits,
  // `wait` at most and to the next tick.
  void Answer(absl::Duration wait, server::Reply<SharedBytes> reply);
  // Ends a session that has not begun, with a fatal Fault.
  void Refuse(const absl::Status& status);
  // Ends it now, whoever holds it.
  void End();

  void OnTick(absl::Time now);
  void OnGoingAway(absl::Duration deadline);
  bool Idle() const { return idle_; }

  // Whether `token` is this session's data token, and the client's credentials still hold.
  bool MayMoveData(std::string_view token) const;
  // REQUIRES: MayMoveData, of these and what follows.
  Uploads& uploads() const { return *uploads_; }
  void Download(const v1::DownloadRequest& request,
                std::function<void(absl::StatusOr<SessionCore::Part>)> then);

  // SessionOwner.
  std::shared_ptr<Strand> strand() override { return shared_from_this(); }
  absl::StatusOr<std::unique_ptr<Membership>> Join(const Principal& principal) override;
  void OnUploaded(uint64_t number) override;
  void OnWelcome() override;
  void DropStream() override;

 protected:
  void AfterTasks() override;
  void AfterRunning() override;

 private:
  Session(const SessionEnv& env, SessionTable& table, const Peer& peer, StreamPtr stream);

  // A Submit that waits for something to answer.
  struct Poll {
    absl::Time until;
    server::Reply<SharedBytes> reply;
  };
  void AnswerPolls(absl::Time now);

  void SetAlarm();
  void OnAlarm(absl::Time now);

  bool Carries(uint64_t stream) const;
  StreamPtr stream() const;
  StreamPtr Replace(StreamPtr stream);

  const SessionEnv& env_;
  SessionTable& table_;
  SessionOutbox outbox_;
  SessionCore core_;

  // Which stream may speak; changed on the strand only. Held while a frame is pulled, so that what
  // a fenced stream takes is known to the outbox before another one begins.
  mutable Mutex stream_mutex_;
  StreamPtr stream_ ABSL_GUARDED_BY(stream_mutex_);
  uint64_t number_ ABSL_GUARDED_BY(stream_mutex_) = 1;

  Mutex polls_mutex_;
  std::list<Poll> polls_ ABSL_GUARDED_BY(polls_mutex_);

  std::atomic<bool> idle_ = true, paused_ = false;
  std::atomic<bool> timeless_ = false;  // see SessionCore::timeless
  std::atomic<bool> breached_ = false;  // core_.breach() is set, and does not change any more
  std::atomic<bool> closed_ = false;
  std::atomic<bool> over_ = false, listed_ = false;
  std::atomic<bool> lease_expired_ = false, drained_ = false, trusted_ = true;
  absl::Time alarm_ = absl::InfiniteFuture();  // the strand's own: when OnTick will come next
  // Set once by OnWelcome, before the table knows the session.
  std::string name_, data_token_;
  std::shared_ptr<Uploads> uploads_;
};

// A session, and the number of the stream that carries it.
struct Carried {
  std::shared_ptr<Session> session;
  uint64_t number = 1;
};
// The session that a frame's Resume names, for `stream`; nullptr: for unary calls. Errors: FRAMING,
// AUTH, EPOCH_LOST, LEASE_EXPIRED, SESSION_UNKNOWN, GAP.
absl::StatusOr<Carried> TakeOver(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                 const v1::ClientFrame& frame, const StreamPtr& stream);

// Counts and logs an attempt at a session that is not there or another's (SESSION_UNKNOWN).
void CountUnknownSession(const SessionEnv& env, const Peer& peer, const absl::Status& status);

// A ClientFrame by a unary call, for the session that it names or one that it begins.
void SubmitFrame(const SessionEnv& env, SessionTable& table, const Peer& peer,
                 std::string_view bytes, Reply<SharedBytes> reply);

// A stream's handler: of a session of its own, or of the one that its first frame resumes.
std::unique_ptr<StreamHandler> MakeSessionStream(const SessionEnv& env, SessionTable& table,
                                                 const Peer& peer, StreamPtr stream);

}  // namespace tensord::server
