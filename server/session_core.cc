#include "server/session_core.h"

#include <google/protobuf/arena.h>

#include <algorithm>

#include "engine/base/log.h"
#include "engine/runtime/fault.h"
#include "server/convert.h"
#include "server/events.h"
#include "server/telemetry/frame_scope.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::Fault;
using runtime::Origin;

constexpr uint32_t kVersion = 1;
constexpr uint64_t kByteWindow = 16 << 20;
constexpr absl::Duration kParkingTime = absl::Seconds(30);
constexpr absl::Duration kBlockedTime = absl::Seconds(30);
constexpr absl::Duration kUnboundTime = absl::Seconds(60);
constexpr size_t kMaxString = 1024;
constexpr size_t kMaxSecrets = 64;

std::unique_ptr<google::protobuf::Arena> MakeArena() {
  google::protobuf::ArenaOptions options;
  options.start_block_size = 64 << 10;
  options.max_block_size = 1 << 20;
  return std::make_unique<google::protobuf::Arena>(options);
}

}  // namespace

v1::Limits DefaultLimits() {
  v1::Limits limits;
  limits.set_max_frame_bytes(4 << 20);
  limits.set_max_items_per_frame(16384);
  limits.set_max_inline_bytes(64 << 10);
  limits.set_max_chunk_bytes(1 << 20);
  limits.set_max_nodes(4'000'000);
  limits.set_max_values(4'000'000);
  limits.set_max_staging_bytes(uint64_t{16} << 30);
  limits.set_max_programs(4096);
  limits.set_max_program_bytes(64 << 20);
  limits.set_max_program_nodes(1'000'000);
  limits.set_max_in_flight(65536);
  limits.set_max_sessions(1024);
  limits.set_max_strings(65536);
  limits.set_max_rank(types::kMaxRank);
  limits.set_max_elements(static_cast<uint64_t>(types::kMaxElements));
  limits.set_max_uploads(256);
  return limits;
}

SessionCore::SessionCore(const SessionEnv& env, const Peer& peer, SessionOwner& owner,
                         SessionOutbox& outbox)
    : env_(env), peer_(peer), owner_(owner), outbox_(outbox), arena_(MakeArena()), programs_(env) {
  TellCredit(true);
}

SessionCore::~SessionCore() { End(); }

void SessionCore::AddReply(v1::Reply reply) {
  if (reply.has_fault()) {
    env_.metrics.Add(Metric::faults);
    if (!reply.fault().limit().empty()) env_.metrics.Add(Metric::limit_refusals);
    if (welcomed()) env_.events.FaultSent(tag(), reply.fault());
    LOG_DEBUG("fault", {"session", label_}, {"reason", reply.fault().reason()},
              {"message", reply.fault().message()}, {"seq", reply.of_seq()},
              {"item", reply.of_item()}, {"source", reply.fault().source()});
  }
  outbox_.Add(std::move(reply));
}

// ------------------------------------------------------------------ frames

void SessionCore::OnFrame(std::string_view bytes) {
  if (over_) return;
  received_ = env_.now();
  auto* frame = google::protobuf::Arena::CreateMessage<v1::ClientFrame>(arena_.get());
  if (absl::Status status = TakeFrame(bytes, *frame); !status.ok()) {
    Breach(status, {frame->seq(), 0, 0});
  }
  arena_->Reset();
}

absl::Status SessionCore::TakeFrame(std::string_view bytes, v1::ClientFrame& frame) {
  if (bytes.size() > env_.limits.max_frame_bytes()) {
    return runtime::OverLimit("max_frame_bytes", bytes.size(), env_.limits.max_frame_bytes(),
                              "bytes of a frame");
  }
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Fault(StatusCode::kInvalidArgument, "FRAMING", "the bytes are no ClientFrame");
  }
  outbox_.OnAck(frame.acked(), frame.max_reply_bytes());
  if (frame.seq() != 0 && frame.seq() <= last_seq_) return absl::OkStatus();  // applied before
  if (frame.seq() != last_seq_ + 1) {
    return Fault(StatusCode::kInvalidArgument, "GAP", "frame ", frame.seq(), " after ", last_seq_);
  }
  RETURN_IF_ERROR(CheckCredit(bytes.size(), frame));
  last_seq_ = frame.seq();
  frame_ = telemetry::MakeFrame(who_, received_, frame.traceparent());
  const telemetry::FrameScope scope(frame_, env_.recorder, env_.now, frame.items_size(),
                                    bytes.size());
  if (!welcomed()) RETURN_IF_ERROR(Greet(frame));
  RETURN_IF_ERROR(TakeTables(frame));
  TakeItems(frame);
  return absl::OkStatus();
}

absl::Status SessionCore::CheckCredit(size_t bytes, const v1::ClientFrame& frame) {
  const auto items = static_cast<uint64_t>(frame.items_size());
  bytes_in_ += bytes;
  items_in_ += items;
  env_.metrics.Add(Metric::items, static_cast<int64_t>(items));
  if (items > env_.limits.max_items_per_frame()) {
    return runtime::OverLimit("max_items_per_frame", items, env_.limits.max_items_per_frame(),
                              "items of a frame");
  }
  if (items_in_ > told_items_ || bytes_in_ > told_bytes_) {
    return Fault(StatusCode::kResourceExhausted, "CREDIT", "sent ", items_in_, " items and ",
                 bytes_in_, " bytes, the credit was ", told_items_, " and ", told_bytes_);
  }
  return absl::OkStatus();
}

// What the client may have sent in all: work under way and what is parked hold credit back.
void SessionCore::TellCredit(bool all) {
  const uint64_t window = env_.limits.max_items_per_frame();
  const uint64_t busy = (scheduler_ == nullptr ? 0 : scheduler_->in_flight()) + parked_.size();
  const uint64_t items = items_in_ + (busy < window ? window - busy : 0);
  const uint64_t bytes =
      bytes_in_ + (parked_bytes_ < kByteWindow ? kByteWindow - parked_bytes_ : 0);
  const bool worth = items > told_items_ + window / 4 || bytes > told_bytes_ + kByteWindow / 4;
  if (!all && !worth) return;
  told_items_ = std::max(told_items_, items);
  told_bytes_ = std::max(told_bytes_, bytes);
  outbox_.SetCredit(told_items_, told_bytes_, worth);
}

absl::Status SessionCore::TakeTables(v1::ClientFrame& frame) {
  const uint64_t max = env_.limits.max_strings();
  if (strings_.size() + static_cast<uint64_t>(frame.strings_size()) > max) {
    return runtime::OverLimit("max_strings", strings_.size() + frame.strings().size(), max,
                              "strings of the session");
  }
  for (std::string& text : *frame.mutable_strings()) {
    if (text.size() > kMaxString) {
      return runtime::OverLimit("max_strings", text.size(), kMaxString, "bytes of a string");
    }
    strings_.Add(std::move(text));
  }
  for (const v1::Source& source : frame.sources()) {
    LOG_DEBUG("source", {"session", label_}, {"index", source.index()},
              {"file", source.file().substr(0, 256)}, {"line", source.line()},
              {"function", source.function().substr(0, 128)});
  }
  return absl::OkStatus();
}

void SessionCore::TakeItems(v1::ClientFrame& frame) {
  const int items = frame.items_size();
  for (int i = 0; i < items && !over_; ++i) {
    const v1::Item& item = frame.items(i);
    const Origin origin{frame.seq(), static_cast<uint32_t>(i), 0};
    if (parking_.has_value() && !ActsWhenRead(item)) {
      parked_bytes_ += item.ByteSizeLong();
      parked_.push_back({item, origin, frame_});
    } else {
      ApplyOrPark(item, origin);
    }
  }
  if (!parking_.has_value()) applied_ = frame.seq();
}

// The first item of a session's first frame. (A Resume is for another session: session.cc.)
absl::Status SessionCore::Greet(const v1::ClientFrame& frame) {
  if (frame.items_size() == 0 || !frame.items(0).has_hello()) {
    return Fault(StatusCode::kFailedPrecondition, "FRAMING",
                 "a session's first item is Hello; this is none");
  }
  return OnHello(frame.items(0).hello(), {frame.seq(), 0, 0});
}

absl::Status CheckVersion(const v1::Hello& hello) {
  if (hello.min_version() <= kVersion && kVersion <= hello.max_version()) return absl::OkStatus();
  return Fault(StatusCode::kFailedPrecondition, "VERSION", "the client speaks versions ",
               hello.min_version(), " … ", hello.max_version(), ", this daemon version ", kVersion,
               "; update one of them");
}

absl::Status SessionCore::OnHello(const v1::Hello& hello, const Origin& origin) {
  RETURN_IF_ERROR(CheckVersion(hello));
  absl::StatusOr<Principal> principal = env_.authenticator.Authenticate(peer_, hello.credentials());
  if (!principal.ok()) return runtime::WithReason(principal.status(), "AUTH");
  ASSIGN_OR_RETURN(membership_, owner_.Join(*principal));
  Trust(principal->expires);
  Account& account = membership_->account();
  name_ = RandomBytes(16);
  secrets_.push_back(RandomBytes(32));
  data_token_ = RandomBytes(32);
  label_ = hello.label().substr(0, 128);
  *who_ = {principal->name, label_};
  lease_ =
      hello.lease_ms() == 0
          ? env_.lease
          : std::min(env_.max_lease, absl::Milliseconds(static_cast<int64_t>(
                                         std::min<uint64_t>(hello.lease_ms(), uint64_t{1} << 40))));
  graph_ = std::make_unique<runtime::SessionGraph>(
      env_.devices, runtime::SessionGraph::Limits{static_cast<int64_t>(env_.limits.max_nodes()),
                                                  static_cast<int64_t>(env_.limits.max_values())});
  scheduler_ = std::make_unique<Scheduler>(env_, *this, account);
  programs_.SetLane(account.lane);
  uploads_ = std::make_shared<Uploads>(
      env_.engine,
      Uploads::Limits{static_cast<int64_t>(env_.limits.max_uploads()), types::kMaxElements},
      account.staging, [this](uint64_t number) { owner_.OnUploaded(number); });
  LOG_INFO("session opened", {"principal", principal->name}, {"label", label_},
           {"client", hello.client_name()}, {"version", hello.client_version()},
           {"peer", peer_.address});
  env_.metrics.Add(Metric::sessions_opened);
  env_.events.SessionOpened(tag());
  v1::Reply reply = ReplyTo(origin);
  FillWelcome(env_, hello, reply.mutable_welcome());
  FillOwnWelcome(reply.mutable_welcome());
  owner_.OnWelcome();
  AddReply(std::move(reply));
  return absl::OkStatus();
}

void SessionCore::FillOwnWelcome(v1::Welcome* welcome) const {
  welcome->set_session(name_);
  welcome->set_resume_secret(secrets_.back());
  welcome->set_data_token(data_token_);
  welcome->set_principal(membership_->account().principal.name);
  welcome->set_fencing(fencing_);
  welcome->set_lease_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(lease_)));
}

void SessionCore::OnDetached() {
  if (over_) return;
  if (!welcomed() || lease_ == absl::ZeroDuration()) return End();
  detached_since_ = env_.now();
  env_.metrics.Add(Metric::sessions_detached);
  env_.events.SessionDetached(tag());
  LOG_INFO("session detached", {"label", label_}, {"lease", absl::FormatDuration(lease_)});
}

std::deque<std::string>::const_iterator SessionCore::FindSecret(std::string_view secret) const {
  return std::find_if(secrets_.begin(), secrets_.end(),
                      [&](const std::string& own) { return SameSecret(secret, own); });
}

bool SessionCore::Confirm(std::string_view secret) {
  const auto it = FindSecret(secret);
  if (it == secrets_.end()) return false;
  secrets_.erase(secrets_.begin(), it);
  return true;
}

void SessionCore::OnPolled() {
  if (!over_ && welcomed()) detached_since_ = env_.now();
}

absl::Status SessionCore::MayResume(const Principal& principal, const v1::Resume& resume) const {
  const bool known = !over_ && welcomed() && membership_->account().principal == principal &&
                     FindSecret(resume.resume_secret()) != secrets_.end();
  return known ? outbox_.CheckSeen(resume.last_seen()) : UnknownSession();
}

void SessionCore::OnResume(const v1::Resume& resume) {
  secrets_.push_back(RandomBytes(32));
  if (secrets_.size() > kMaxSecrets) secrets_.pop_front();
  ++fencing_;
  detached_since_ = absl::InfiniteFuture();
  half_closed_ = false;
  v1::Reply reply;
  FillWelcome(env_, {}, reply.mutable_welcome());
  FillOwnWelcome(reply.mutable_welcome());
  reply.mutable_welcome()->set_resumed(true);
  reply.mutable_welcome()->set_applied(applied_);
  outbox_.Resume(resume.last_seen(), std::move(reply));
  env_.metrics.Add(Metric::sessions_resumed);
  env_.events.SessionResumed(tag());
  LOG_INFO("session resumed", {"label", label_}, {"fencing", fencing_});
}

absl::Status UnknownSession() {
  return Fault(StatusCode::kNotFound, "SESSION_UNKNOWN",
               "resume: no such session, or the secret is not its own; begin with Hello");
}

void FillWelcome(const SessionEnv& env, const v1::Hello&, v1::Welcome* welcome) {
  welcome->set_version(kVersion);
  welcome->set_epoch(env.epoch);
  *welcome->mutable_limits() = env.limits;
  const std::vector<runtime::DeviceInfo> devices = env.engine.devices();
  for (size_t i = 0; i < devices.size(); ++i) {
    *welcome->add_devices() = FromDevice(devices[i], static_cast<int>(i), false);
  }
  welcome->set_op_set_digest(env.op_set_digest);
  welcome->set_server_version(TENSORD_VERSION);
}

void SessionCore::Breach(const absl::Status& status, const Origin& origin) {
  if (over_) return;
  breach_ = status;
  v1::Reply reply = FaultReply(origin, status);
  reply.mutable_fault()->set_fatal(true);
  AddReply(std::move(reply));
  LOG_INFO("session broken off", {"label", label_}, {"status", status});
  End();
}

void SessionCore::Refuse(const absl::Status& status) {
  breach_ = status;
  v1::Reply reply = FaultReply({}, status);
  reply.mutable_fault()->set_fatal(true);
  outbox_.Resume(0, std::move(reply));
  LOG_INFO("session refused", {"peer", peer_.address}, {"status", status});
  End();
}

void SessionCore::OnHalfClose() { half_closed_ = true; }

void SessionCore::OnGoingAway(absl::Duration deadline) {
  if (over_ || !welcomed()) return;
  v1::Reply reply;
  reply.mutable_going_away()->set_deadline_us(
      static_cast<uint64_t>(absl::ToInt64Microseconds(deadline)));
  reply.mutable_going_away()->set_reason("the daemon is stopping");
  AddReply(std::move(reply));
}

void SessionCore::Advance() {
  if (!over_ && scheduler_ != nullptr) PumpAll();
  ChargeNodes();
  outbox_.SetApplied(applied_);
  if (over_ || scheduler_ == nullptr) return;
  outbox_.SetCompleted(scheduler_->CompletedUpTo(applied_));
  outbox_.SetBusy(scheduler_->in_flight() > 0);
  TellCredit(last_told_seq_ != last_seq_);
  last_told_seq_ = last_seq_;
}

void SessionCore::OnTick(absl::Time now) {
  if (over_ || !welcomed()) return;
  if (detached_since_ < now - lease_) {
    lease_expired_ = true;
    env_.metrics.Add(Metric::leases_expired);
    LOG_INFO("lease expired", {"label", label_});
    return End();
  }
  if (trusted_until_ <= now && detached_since_ == absl::InfiniteFuture()) {
    LOG_INFO("credentials expired", {"label", label_});
    owner_.DropStream();
  }
  if (outbox_.blocked_since() < now - kBlockedTime) {
    LOG_INFO("no credit for replies in 30 s", {"label", label_});
    owner_.DropStream();
  }
  if (parking_.has_value() && parking_->deadline <= now) {
    LOG_DEBUG("parked item gave up", {"session", label_});
    parking_->expired = true;
    Unpark();
  }
  CheckBinds(now);
  uploads_->Expire(now - kUnboundTime);
  scheduler_->OnTick(now);
}

void SessionCore::End() {
  if (std::exchange(over_, true)) return;
  if (scheduler_ != nullptr) scheduler_->Clear();
  if (uploads_ != nullptr) uploads_->Close();
  binds_.clear();
  parked_.clear();
  parking_.reset();
  graph_ = nullptr;
  ChargeNodes();
  outbox_.End();
  if (!welcomed()) return;
  LOG_INFO("session ended", {"label", label_}, {"frames", last_seq_});
  env_.events.SessionClosed(tag(), FromAbsl(breach_.message()));
}

SessionTag SessionCore::tag() const {
  return {membership_->account().principal.name, name_, label_};
}

// ------------------------------------------------------------------ parking

bool SessionCore::ActsWhenRead(const v1::Item& item) const {
  return item.has_cancel() || item.has_ping() || item.has_auth() || item.has_program();
}

void SessionCore::Park(const v1::Item& item, const Origin& origin, const SessionProgramRef& program,
                       uint64_t timeout_us) {
  const absl::Duration time =
      timeout_us == 0 ? kParkingTime
                      : std::min(kParkingTime, absl::Microseconds(static_cast<int64_t>(
                                                   std::min<uint64_t>(timeout_us, INT64_MAX))));
  parking_ = Parking{program->digest, received_ + time};
  parked_bytes_ += item.ByteSizeLong();
  parked_.push_front({item, origin, frame_});
  if (program->upload != 0 || std::exchange(program->asked, true)) return;
  v1::Reply reply = ReplyTo(origin);
  reply.mutable_need_program()->set_digest(
      std::string(reinterpret_cast<const char*>(program->digest.data()), program->digest.size()));
  AddReply(std::move(reply));
}

void SessionCore::OnProgramKnown(const SessionProgramRef& program) {
  if (program->program != nullptr) {
    program->program->WhenReady(
        [strand = owner_.strand(), program](absl::StatusOr<runtime::ExecutableRef> executable) {
          if (!executable.ok()) return;
          strand->Post(
              [program, executable = *std::move(executable)] { program->executable = executable; });
        });
  }
  if (parking_.has_value() && parking_->digest == program->digest) Unpark();
}

// Applies what was parked, until something parks again.
void SessionCore::Unpark() {
  const bool expired = parking_->expired;
  parking_.reset();
  for (bool first = true; !parked_.empty() && !over_; first = false) {
    const Parked parked = std::move(parked_.front());
    parked_.pop_front();
    parked_bytes_ -= parked.item.ByteSizeLong();
    frame_ = parked.frame;
    if (expired && first) {
      FailIds(parked.item.execute().first_out(), 1, "execute",
              Fault(StatusCode::kNotFound, "PROGRAM_UNKNOWN",
                    "execute: the Program was asked for and did not come in time"),
              parked.origin);
    } else {
      ApplyOrPark(parked.item, parked.origin);
    }
    if (parking_.has_value()) return;
    applied_ = std::max(applied_, parked.origin.frame - 1);
  }
  applied_ = last_seq_;
}

// ------------------------------------------------------------------ helpers

void SessionCore::Fail(const Origin& origin, const absl::Status& status) {
  ++failures_;
  AddReply(FaultReply(origin, status));
}

// Defines those of the ids that are new as poison, and says so.
void SessionCore::FailIds(runtime::Id first, uint64_t count, std::string_view op,
                          const absl::Status& status, const Origin& origin) {
  const runtime::PoisonRef poison = MakePoison(status, first, std::string(op), origin);
  ++failures_;
  graph_->DefinePoison(first, count, poison);
  v1::Reply reply = FaultReply(origin, *poison);
  v1::Fault& fault = *reply.mutable_fault();
  fault.set_node(first);
  fault.set_cause(0);
  for (uint64_t i = 0; i < std::min<uint64_t>(count, 4096); ++i) {
    const runtime::CellRef cell = graph_->CellOf(first + i);
    if (cell && cell->poisoned() && cell->poison() == poison) AddPoisoned({first + i, 1}, &fault);
  }
  AddReply(std::move(reply));
}

Command::Terms SessionCore::TermsOf(const Origin& origin, uint64_t timeout_us, int priority) const {
  Terms terms;
  terms.origin = origin;
  terms.priority = priority;
  terms.frame = frame_;
  if (timeout_us != 0) {
    terms.deadline =
        received_ +
        absl::Microseconds(static_cast<int64_t>(std::min<uint64_t>(timeout_us, uint64_t{1} << 60)));
  }
  return terms;
}

absl::Status SessionCore::CheckInFlight() const {
  const uint64_t used = scheduler_->in_flight() + 1, max = env_.limits.max_in_flight();
  if (max != 0 && used > max) {
    return runtime::OverLimit("max_in_flight", used, max, "commands under way");
  }
  return membership_->account().in_flight->Allow(1, "max_in_flight",
                                                 "commands of the principal under way");
}

}  // namespace tensord::server
