// A session: its core behind a strand, its stream, and what the bulk lane asks of it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "server/session_core.h"
#include "server/strand.h"
#include "server/stream_handler.h"

namespace tensord::server {

// Thread-safe. Lives until its stream is gone and nothing that it started is under way.
class Session : public Strand, public SessionOwner {
 public:
  // `env` and `table` outlive it.
  static std::shared_ptr<Session> Make(const SessionEnv& env, SessionTable& table, const Peer& peer,
                                       StreamPtr stream);
  ~Session() override;

  // As StreamHandler's.
  Flow OnFrame(std::string_view bytes);
  void OnHalfClose();
  Pull NextFrame(SharedBytes* frame);
  void OnDetached();

  void OnTick(absl::Time now);
  void OnGoingAway(absl::Duration deadline);
  bool Idle() const { return idle_; }

  // Whether `token` is this session's data token.
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

 protected:
  void AfterTasks() override;
  void AfterRunning() override;

 private:
  Session(const SessionEnv& env, SessionTable& table, const Peer& peer, StreamPtr stream);

  const SessionEnv& env_;
  SessionTable& table_;
  const StreamPtr stream_;
  SessionOutbox outbox_;
  SessionCore core_;
  std::atomic<bool> idle_ = true, paused_ = false;
  std::atomic<bool> breached_ = false;  // core_.breach() is set, and does not change any more
  std::atomic<bool> closed_ = false;
  // Set once by OnWelcome, before the table knows the session.
  std::string name_, data_token_;
  std::shared_ptr<Uploads> uploads_;
};

// The session's stream for the transport.
std::unique_ptr<StreamHandler> MakeSessionStream(std::shared_ptr<Session> session);

}  // namespace tensord::server
