// A session as a state machine: frames in, replies out. Knows no transport and takes no locks; its
// owner (session.h) calls it one at a time. Tests, simulations and fuzzers drive it the same way.
//
// A frame is decoded, its items applied in order. What an item wants computed becomes a command
// (commands.h) of the scheduler; nothing here waits. An item that needs a Program which is still to
// come is parked, with all that follow it but those that act when read.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "server/commands.h"
#include "server/node_decoder.h"
#include "server/principal.h"
#include "server/session_names.h"
#include "server/session_outbox.h"
#include "server/session_programs.h"
#include "server/session_table.h"
#include "server/telemetry/command_record.h"

namespace google::protobuf {
class Arena;
}

namespace tensord::server {

struct LookupWork;
struct Publication;
struct SessionTag;

// What a session core asks of its owner.
class SessionOwner {
 public:
  virtual ~SessionOwner() = default;
  virtual std::shared_ptr<Strand> strand() = 0;
  // The client said who it is: a place for its session, or why there is none.
  virtual absl::StatusOr<std::unique_ptr<Membership>> Join(const Principal& principal) = 0;
  // An upload became whole; from any thread.
  virtual void OnUploaded(uint64_t number) = 0;
  // The session has a name now, and can be found by it.
  virtual void OnWelcome() = 0;
  // Let the stream go; the session waits for another one.
  virtual void DropStream() = 0;
};

class SessionCore : public SchedulerHost {
 public:
  SessionCore(const SessionEnv& env, const Peer& peer, SessionOwner& owner, SessionOutbox& outbox);
  ~SessionCore() override;

  // One serialised ClientFrame, untrusted.
  void OnFrame(std::string_view bytes);
  void OnHalfClose();
  void OnTick(absl::Time now);
  void OnUploaded(uint64_t number);
  void OnGoingAway(absl::Duration deadline);
  // After any of the above, and after callbacks: starts what can start, tells the outbox.
  void Advance();
  // The stream is lost: the session ends when its lease runs out, or at once when it has none.
  void OnDetached();
  // The client has used this resume secret, or the newest: those before it count no more. False
  // when it is none that counts.
  bool Confirm(std::string_view secret);
  void ConfirmNewest() {
    if (secrets_.size() > 1) secrets_ = {std::move(secrets_.back())};
  }
  // A unary call came for a session without a stream: its lease begins anew.
  void OnPolled();
  // Whether another stream may take over. Errors: SESSION_UNKNOWN when the secret or the principal
  // is not this session's; GAP.
  absl::Status MayResume(const Principal& principal, const v1::Resume& resume) const;
  // Another stream takes over; what it is told first is in the outbox. REQUIRES: MayResume.
  void OnResume(const v1::Resume& resume);
  // Breaks a session off that has not begun: the stream's first item was refused. The Fault travels
  // in a frame with seq 0, since the client counts those of another session.
  void Refuse(const absl::Status& status);
  // Until when the client has proved who it is. Then the session loses its stream, and takes no
  // calls, until somebody resumes it with better credentials.
  void Trust(absl::Time until) { trusted_until_ = until; }
  bool trusted() const { return env_.now() < trusted_until_; }
  // Frees everything. What comes later is ignored.
  void End();

  // A value for the bulk lane: `then` gets it when it is ready, on the session's strand.
  struct Part {
    runtime::Value value;
    uint64_t offset = 0, length = 0;
    runtime::LaneRef lane;
  };
  void Download(const v1::DownloadRequest& request, std::function<void(absl::StatusOr<Part>)> then);

  bool welcomed() const { return membership_ != nullptr; }
  bool over() const { return over_; }
  bool lease_expired() const { return lease_expired_; }
  // The client will say no more on this stream, and has its answers: the stream may end. (A lost
  // connection looks the same at first.)
  bool drained() const {
    return half_closed_ && parked_.empty() &&
           (scheduler_ == nullptr || scheduler_->in_flight() == 0);
  }
  // Whether the passing of time changes nothing: OnTick may be left out. Uploads, and replies that
  // wait for credit, are known to others.
  bool timeless() const;
  // When OnTick has something to give up; a guess that is never too late.
  absl::Time next_deadline() const;
  bool idle() const { return over_ || scheduler_ == nullptr || scheduler_->in_flight() == 0; }
  // Why the session broke off; OK when it did not.
  const absl::Status& breach() const { return breach_; }

  SessionTag tag() const;  // REQUIRES: welcomed
  // Secrets, from Welcome on.
  const std::string& name() const { return name_; }
  const std::string& data_token() const { return data_token_; }
  const std::shared_ptr<Uploads>& uploads() const { return uploads_; }

  // SchedulerHost.
  std::shared_ptr<Strand> strand() override { return owner_.strand(); }
  void AddReply(v1::Reply reply) override;
  void CountFailure() override { ++failures_; }

 private:
  struct Parked {
    v1::Item item;
    runtime::Origin origin;
    telemetry::FrameRef frame;
  };
  struct Parking {
    base::Digest digest;
    absl::Time deadline;
    bool expired = false;
    runtime::CellRef untyped;  // parked for its type, not for a Program
  };
  struct PendingBind {
    uint64_t command = 0;  // its serial
    absl::Time since;
  };
  using Terms = Command::Terms;

  // Frames: session_core.cc.
  absl::Status TakeFrame(std::string_view bytes, v1::ClientFrame& frame);
  absl::Status CheckCredit(size_t bytes, const v1::ClientFrame& frame);
  absl::Status TakeTables(v1::ClientFrame& frame);
  void TakeItems(v1::ClientFrame& frame);
  absl::Status Greet(const v1::ClientFrame& frame);
  absl::Status OnHello(const v1::Hello& hello, const runtime::Origin& origin);
  void FillOwnWelcome(v1::Welcome* welcome) const;
  std::deque<std::string>::const_iterator FindSecret(std::string_view secret) const;
  void Breach(const absl::Status& status, const runtime::Origin& origin);
  void TellCredit(bool all);

  // Parking: session_core.cc.
  bool ActsWhenRead(const v1::Item& item) const;
  void Park(const v1::Item& item, const runtime::Origin& origin, const SessionProgramRef& program,
            uint64_t timeout_us);
  void Unpark();
  void OnProgramKnown(const SessionProgramRef& program);

  // Items that define: session_define.cc.
  void Apply(const v1::Item& item, const runtime::Origin& origin);
  void OnNodes(const v1::NodeBatch& batch, const runtime::Origin& origin);
  void OnGradient(const v1::Gradient& gradient, runtime::Origin origin);
  void OnPut(const v1::Put& put, const runtime::Origin& origin);
  void OnBind(const v1::BindUpload& bind, const runtime::Origin& origin);
  void OnProgram(const v1::Program& program, const runtime::Origin& origin);
  void OnRelease(const v1::ReleaseProgram& release, const runtime::Origin& origin);
  void OnFree(const v1::Free& free, const runtime::Origin& origin);
  void OnAuth(const v1::AuthRefresh& auth, const runtime::Origin& origin);
  void OnUnimplemented(const v1::Item& item, const runtime::Origin& origin);
  absl::Status Receive(runtime::Id id, const v1::TensorType& type, std::string digest,
                       std::string_view what, const runtime::Origin& origin, uint64_t* command);
  void FeedBind(uint64_t number);
  void CheckBinds(absl::Time now);

  // Items that publish and look up: session_publish.cc.
  struct Publishing;
  absl::Status CheckPublish(const v1::Publish& publish) const;
  void OnPublish(const v1::Publish& publish, const runtime::Origin& origin);
  void Publish(const Publishing& work, const absl::Status& status);
  void OnUnpublish(const v1::Unpublish& unpublish, const runtime::Origin& origin);
  void OnLookup(const v1::Lookup& lookup, const runtime::Origin& origin);
  absl::Status TryLookup(const v1::Lookup& lookup, const runtime::Origin& origin);
  runtime::CellRef ChangeMeantBy(const LookupWork& work) const;
  absl::Status DefineFound(const Publication& publication, const LookupWork& work,
                           const runtime::Origin& origin);
  void ApplyOrPark(const v1::Item& item, const runtime::Origin& origin);
  void PumpAll();

  // Items that compute and answer: session_compute.cc.
  void OnEvaluate(const v1::Evaluate& evaluate, const runtime::Origin& origin);
  void OnFetch(const v1::Fetch& fetch, const runtime::Origin& origin);
  void OnExecute(const v1::Item& item, const runtime::Origin& origin);
  void Launch(const v1::Execute& execute, const SessionProgramRef& program,
              const runtime::Origin& origin);
  absl::Status TryLaunch(const v1::Execute& execute, const SessionProgramRef& program,
                         const runtime::Origin& origin, runtime::PoisonRef& inherited);
  absl::StatusOr<types::Sym::Substitution> BindVariables(const v1::Execute& execute,
                                                         const Program& program) const;
  absl::Status GatherInputs(const v1::Execute& execute, const Program& program, const Terms& terms,
                            std::vector<runtime::CellRef>* cells);
  absl::Status CheckInputs(const Program& program, const std::vector<runtime::CellRef>& cells,
                           const types::Sym::Substitution& variables,
                           runtime::PoisonRef& inherited) const;
  absl::Status CheckDonated(const v1::Execute& execute, const Program& program,
                            const std::vector<runtime::CellRef>& cells) const;
  void EndDonated(const v1::Execute& execute, const Program& program);
  void OnBarrier(const v1::Barrier& barrier, const runtime::Origin& origin);
  void OnDescribe(const v1::Describe& describe, const runtime::Origin& origin);
  void Describe(runtime::Id id, v1::Description* out) const;
  void OnCancel(const v1::Cancel& cancel);
  void OnPing(const v1::Ping& ping, const runtime::Origin& origin);
  void DownloadLater(const v1::DownloadRequest& request, const runtime::CellRef& cell,
                     const Terms& terms, std::function<void(absl::StatusOr<Part>)> then);
  void Evaluate(absl::Span<const runtime::Id> ids, const Terms& terms,
                std::vector<runtime::CellRef> after, bool quiet);

  // Helpers.
  void Fail(const runtime::Origin& origin, const absl::Status& status);
  void FailIds(runtime::Id first, uint64_t count, std::string_view op, const absl::Status& status,
               const runtime::Origin& origin);
  Terms TermsOf(const runtime::Origin& origin, uint64_t timeout_us, int priority) const;
  absl::Status CheckInFlight() const;
  void ChargeNodes();
  absl::Status CheckNodes(const v1::NodeBatch& batch);
  using Spans = google::protobuf::RepeatedPtrField<v1::IdSpan>;
  absl::Status CheckSpans(const Spans& spans) const;
  std::vector<runtime::CellRef> CellsOf(const Spans& spans) const;

  const SessionEnv& env_;
  const Peer peer_;
  SessionOwner& owner_;
  SessionOutbox& outbox_;
  const std::unique_ptr<google::protobuf::Arena> arena_;

  std::unique_ptr<Membership> membership_;
  std::string name_, data_token_;
  // The resume secret, newest last. Those before it count until the client says something on the
  // stream whose Welcome carried the newest: Welcomes get lost, and streams overtake each other.
  std::deque<std::string> secrets_;
  std::string label_;
  uint64_t fencing_ = 1;
  absl::Duration lease_;
  absl::Time detached_since_ = absl::InfiniteFuture();
  bool lease_expired_ = false;
  absl::Time trusted_until_ = absl::InfiniteFuture();
  uint64_t last_seq_ = 0, applied_ = 0, last_told_seq_ = 0;
  uint64_t items_in_ = 0, bytes_in_ = 0;
  uint64_t told_items_ = 0, told_bytes_ = 0;
  absl::Time received_;  // when the frame at hand came
  const std::shared_ptr<telemetry::SessionLabel> who_ = std::make_shared<telemetry::SessionLabel>();
  telemetry::FrameRef frame_;  // the one at hand
  bool over_ = false, half_closed_ = false;
  absl::Status breach_;

  StringTable strings_;
  NodeDecoder decoder_;
  std::unique_ptr<runtime::SessionGraph> graph_;
  int64_t charged_nodes_ = 0;  // of the principal's
  std::unique_ptr<Scheduler> scheduler_;
  SessionPrograms programs_;
  SessionNames names_;
  std::shared_ptr<Uploads> uploads_;
  absl::flat_hash_map<uint64_t, PendingBind> binds_;         // by upload
  absl::flat_hash_map<runtime::Id, uint64_t> wanted_blobs_;  // id → command, after NeedBlob

  std::optional<Parking> parking_;
  std::deque<Parked> parked_;
  size_t parked_bytes_ = 0;
  uint64_t failures_ = 0, failures_told_ = 0;
};

// FAILED_PRECONDITION, reason VERSION: no version in common.
absl::Status CheckVersion(const v1::Hello& hello);
// NOT_FOUND, reason SESSION_UNKNOWN: what a Resume hears that is not entitled to the session.
absl::Status UnknownSession();
// What every Hello is answered with, but for the session's own fields.
void FillWelcome(const SessionEnv& env, const v1::Hello& hello, v1::Welcome* welcome);

}  // namespace tensord::server
