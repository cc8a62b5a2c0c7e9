#include "server/commands.h"

#include <algorithm>

#include "engine/base/log.h"
#include "engine/base/sha256.h"
#include "engine/runtime/fault.h"
#include "server/convert.h"

namespace tensord::server {
namespace {

using absl::StatusCode;
using runtime::CellRef;
using runtime::Fault;

runtime::Clock::time_point ToClock(absl::Time deadline, absl::Time now) {
  if (deadline == absl::InfiniteFuture()) return runtime::Clock::time_point::max();
  return runtime::Clock::now() + absl::ToChronoNanoseconds(deadline - now);
}

// Set while this thread asks for an executable: who is answered meanwhile had not to wait.
thread_local bool asking = false;

void Tell(const SessionEnv& env, const telemetry::CommandRecord& record,
          const absl::Status& status) {
  if (env.recorder != nullptr) env.recorder->CommandEnded(record, env.now(), status);
}

std::string TraceOf(const telemetry::CommandRecord& record) {
  return record.frame == nullptr ? "" : record.frame->trace.trace_hex();
}

}  // namespace

// ------------------------------------------------------------------ RunCommand

RunCommand::RunCommand(const Terms& terms, Work work) : Command(terms), work_(std::move(work)) {
  record_.frame = terms.frame;
  record_.op = work_.program == nullptr ? "Evaluate" : "Execute";
  if (work_.program != nullptr) record_.program = work_.program->digest;
}

RunCommand::~RunCommand() {
  *stop_ = true;
  if (submitted_) CountWatchers(-1);
}

bool RunCommand::MakesAny(const Span& ids) const {
  return std::any_of(work_.ids.begin(), work_.ids.end(),
                     [&](const Span& span) { return span.Meets(ids); });
}

void RunCommand::OnPrepared(Prepared prepared) {
  record_.planned = scheduler().env().now();
  record_.plan_hit = prepared.at_once;
  if (prepared.executable.ok()) {
    work_.executable = *std::move(prepared.executable);
  } else {
    prepared_ = prepared.executable.status();
  }
  Arrive();
}

void RunCommand::Prepare() {
  for (const CellRef& cell : work_.inputs) AwaitAvailable(cell);
  for (const CellRef& cell : work_.after) AwaitSettled(cell);
  record_.plan_hit = work_.executable != nullptr;
  if (work_.executable != nullptr) return;
  Owe();
  auto then = [callback = Callback(&RunCommand::OnPrepared)](
                  absl::StatusOr<runtime::ExecutableRef> executable) mutable {
    callback({std::move(executable), asking});
  };
  asking = true;
  if (work_.program != nullptr) {
    work_.program->program->WhenReady(std::move(then));
  } else {
    scheduler().engine().PrepareAsync(scheduler().lane(), work_.function, std::move(then));
  }
  asking = false;
}

// That it ended.
void RunCommand::Note(const absl::Status& status) {
  record_.executable = work_.executable;
  Tell(scheduler().env(), record_, status);
}

runtime::PoisonRef RunCommand::PoisonOfInputs() const {
  for (const CellRef& cell : work_.inputs) {
    if (cell->poisoned()) return cell->poison();
  }
  return nullptr;
}

absl::Status RunCommand::CheckMemory() const {
  int64_t bytes = 0;
  for (const CellRef& cell : work_.outputs) bytes += cell->type().max_bytes();
  return scheduler().resident()->Allow(bytes, "max_resident_bytes", "resident bytes");
}

runtime::RunRequest RunCommand::MakeRequest() {
  runtime::RunRequest request;
  request.executable = work_.executable;
  request.lane = scheduler().lane();
  request.inputs.reserve(work_.inputs.size());
  for (const CellRef& cell : work_.inputs) request.inputs.push_back(cell->value());
  for (int position : work_.donate) {
    // Ours alone when the ids ended with the item, and no other id or command holds the cell.
    const CellRef& cell = work_.inputs[static_cast<size_t>(position)];
    request.donate.push_back(position);
    if (cell->holders() > 1) continue;
    gave_ = true;
    request.inputs[static_cast<size_t>(position)] = runtime::Value();
    request.inputs[static_cast<size_t>(position)] = cell->Take();
  }
  request.variables = work_.variables;
  request.priority = terms().priority;
  request.deadline = ToClock(terms().deadline, scheduler().env().now());
  request.donate_required = work_.program != nullptr && work_.program->program->donate_required();
  request.on_copied = [this](int64_t bytes, const std::string& why) { OnCopied(bytes, why); };
  request.cancelled = stop_;
  request.charge = [ledger = scheduler().resident()](int64_t bytes) -> std::shared_ptr<void> {
    return std::make_shared<Charge>(ledger, bytes);
  };
  request.on_done = Callback(&RunCommand::OnDone);
  return request;
}

void RunCommand::Start() {
  record_.started = scheduler().env().now();
  if (const runtime::PoisonRef poison = PoisonOfInputs()) {
    PoisonOutputs(poison);
    Note(poison->status);
    return Finish();
  }
  if (!prepared_.ok()) return Fail(runtime::WithReason(prepared_, "COMPILE"));
  if (absl::Status status = CheckMemory(); !status.ok()) return Fail(status);
  absl::StatusOr<std::vector<runtime::Value>> results = scheduler().engine().Run(MakeRequest());
  if (results.ok()) return Submitted(*std::move(results));
  const bool memory = absl::IsResourceExhausted(results.status());
  if (memory && !gave_ && scheduler().RetryLater(*this)) return;
  Fail(results.status());
}

// Once for each Program and cause.
void RunCommand::OnCopied(int64_t bytes, const std::string& why) {
  constexpr int kMostCauses = 4;
  if (work_.program == nullptr || !work_.program->told_copied.insert(why).second) return;
  copied_.set_copied_bytes(copied_.copied_bytes() + static_cast<uint64_t>(bytes));
  const int causes = ++copied_causes_;
  if (causes == kMostCauses + 1) copied_.mutable_why()->append("; and more");
  if (causes > kMostCauses) return;
  StrAppend(copied_.mutable_why(), causes == 1 ? "" : "; ", why);
}

void RunCommand::TellCopied() {
  if (copied_causes_ == 0) return;
  v1::Reply reply = ReplyTo(origin());
  *reply.mutable_donated() = std::move(copied_);
  scheduler().host().AddReply(std::move(reply));
}

// The engine has the values now: later work of the same queues may write over them.
void RunCommand::CountWatchers(int by) {
  for (const CellRef& cell : work_.inputs) cell->CountWatchers(by);
  for (const CellRef& cell : work_.outputs) cell->CountWatchers(by);
}

void RunCommand::Submitted(std::vector<runtime::Value> results) {
  scheduler().CountSubmitted(1);
  TellCopied();
  work_.after.clear();
  submitted_ = true;
  CountWatchers(1);
  for (size_t i = 0; i < results.size() && i < work_.outputs.size(); ++i) {
    work_.outputs[i]->Submit(std::move(results[i]));
  }
}

void RunCommand::OnDone(const absl::Status& status) {
  scheduler().CountSubmitted(-1);
  const bool stopped = absl::IsCancelled(status) || absl::IsDeadlineExceeded(status);
  if (stopped) return Fail(stopped_.ok() ? status : stopped_);
  if (!status.ok()) return Fail(runtime::WithReason(status, "DEVICE_FAULT"));
  SettleAfter(work_.inputs);
}

void RunCommand::OnSettled() {
  if (const runtime::PoisonRef poison = PoisonOfInputs()) {
    PoisonOutputs(poison);
    Note(poison->status);
  } else {
    for (const CellRef& cell : work_.outputs) cell->Settle();
    Note(absl::OkStatus());
  }
  Finish();
}

void RunCommand::PoisonOutputs(const runtime::PoisonRef& poison) {
  for (const CellRef& cell : work_.outputs) cell->Fail(poison);
  scheduler().host().CountFailure();
}

void RunCommand::Fail(const absl::Status& status) {
  const base::ScopedLogTrace trace(TraceOf(record_));
  const runtime::Id first = work_.ids.empty() ? 0 : work_.ids.front().first;
  const runtime::PoisonRef poison = MakePoison(status, first, work_.op, origin());
  PoisonOutputs(poison);
  if (!work_.quiet) {
    v1::Reply reply = FaultReply(origin(), *poison);
    for (const Span& span : work_.ids) AddPoisoned(span, reply.mutable_fault());
    scheduler().host().AddReply(std::move(reply));
  }
  Note(status);
  Finish();
}

void RunCommand::GiveUp(const absl::Status& why) { Fail(why); }

// The engine decides: what has begun to write in place goes on.
void RunCommand::Stop(const absl::Status& why) {
  if (stopped_.ok()) stopped_ = why;
  *stop_ = true;
}

// ------------------------------------------------------------------ FetchCommand

FetchCommand::FetchCommand(const Terms& terms, What what) : Command(terms), what_(std::move(what)) {
  record_.frame = terms.frame;
  record_.op = "Fetch";
  record_.bytes = static_cast<int64_t>(what_.length);
}

FetchCommand::~FetchCommand() {
  if (watching_) what_.cell->CountWatchers(-1);
}

void FetchCommand::Start() {
  record_.started = scheduler().env().now();
  watching_ = true;  // after the copy below
  what_.cell->CountWatchers(1);
  if (what_.cell->poisoned() || !what_.is_inline || what_.length == 0) {
    return SettleAfter(absl::MakeConstSpan(&what_.cell, 1));
  }
  bytes_->resize(what_.length);
  scheduler().CountSubmitted(1);
  const absl::Span<std::byte> to(reinterpret_cast<std::byte*>(bytes_->data()), bytes_->size());
  scheduler().engine().CopyOut(scheduler().lane(), to, what_.cell->value(),
                               static_cast<int64_t>(what_.offset),
                               [keep = bytes_, then = Callback(&FetchCommand::OnCopied)](
                                   const absl::Status& status) mutable { then(status); });
}

void FetchCommand::OnCopied(const absl::Status& status) {
  scheduler().CountSubmitted(-1);
  if (status.ok()) return SettleAfter(absl::MakeConstSpan(&what_.cell, 1));
  Answer(FaultReply(origin(), runtime::WithReason(status, "DEVICE_FAULT")));
}

void FetchCommand::OnSettled() {
  if (what_.cell->poisoned()) return Answer(FaultReply(origin(), *what_.cell->poison()));
  v1::Reply reply = ReplyTo(origin());
  v1::Data& data = *reply.mutable_data();
  data.set_id(what_.id);
  FromType(what_.cell->type(), data.mutable_type());
  data.set_bytes(what_.length);
  data.set_offset(what_.offset);
  if (what_.is_inline) {
    data.set_inline_(std::move(*bytes_));
  } else {
    data.set_ticket(what_.ticket);
  }
  Answer(std::move(reply));
}

void FetchCommand::AnswerOnce(v1::Reply reply) {
  if (std::exchange(answered_, true)) return;
  const base::ScopedLogTrace trace(reply.has_fault() ? TraceOf(record_) : "");
  if (reply.has_fault()) scheduler().host().CountFailure();
  Tell(scheduler().env(), record_,
       absl::Status(static_cast<absl::StatusCode>(reply.fault().code()), reply.fault().message()));
  scheduler().host().AddReply(std::move(reply));
}

void FetchCommand::Answer(v1::Reply reply) {
  AnswerOnce(std::move(reply));
  Finish();
}

// A copy under way is awaited, and not told.
void FetchCommand::Stop(const absl::Status& why) { AnswerOnce(FaultReply(origin(), why)); }

void FetchCommand::GiveUp(const absl::Status& why) { Answer(FaultReply(origin(), why)); }

// ------------------------------------------------------------------ ReceiveCommand

ReceiveCommand::~ReceiveCommand() {
  if (watching_) what_.cell->CountWatchers(-1);
}

void ReceiveCommand::Receive(std::string_view bytes, std::shared_ptr<const void> keep) {
  bytes_ = bytes;
  keep_ = std::move(keep);
  Arrive();
}

void ReceiveCommand::ReceiveStaged(runtime::BufferPtr staging, std::string_view bytes,
                                   std::shared_ptr<const void> keep) {
  staging_ = std::move(staging);
  Receive(bytes, std::move(keep));
}

absl::Status ReceiveCommand::CheckBytesAndRoom() const {
  const types::Type& type = what_.cell->type();
  RETURN_IF_ERROR(CheckBytes(type, bytes_));
  if (!what_.digest.empty()) {
    const base::Digest digest = base::Sha256(bytes_);
    if (std::string_view(reinterpret_cast<const char*>(digest.data()), digest.size()) !=
        what_.digest) {
      return Fault(StatusCode::kDataLoss, "DIGEST",
                   "the bytes have another SHA-256: ", base::ToHex(digest));
    }
  }
  return scheduler().resident()->Allow(type.max_bytes(), "max_resident_bytes", "resident bytes");
}

absl::Status ReceiveCommand::TakeIn() {
  RETURN_IF_ERROR(CheckBytesAndRoom());
  const types::Type& type = what_.cell->type();
  runtime::Engine& engine = scheduler().engine();
  runtime::Value value;
  if (staging_ != nullptr) value = engine.Adopt(scheduler().lane(), std::move(staging_), type);
  const bool adopted = value.valid();
  if (!adopted) {
    ASSIGN_OR_RETURN(value, engine.Allocate(scheduler().lane(), type));
  }
  value.buffer->charge = std::make_shared<Charge>(scheduler().resident(), type.max_bytes());
  if (!adopted) CopyIn(value);
  what_.cell->Submit(std::move(value));
  if (!adopted) return absl::OkStatus();
  what_.cell->Settle();
  Finish();
  return absl::OkStatus();
}

void ReceiveCommand::CopyIn(const runtime::Value& value) {
  scheduler().CountSubmitted(1);
  scheduler().engine().CopyIn(scheduler().lane(), value, 0,
                              {reinterpret_cast<const std::byte*>(bytes_.data()), bytes_.size()},
                              [keep = keep_, then = Callback(&ReceiveCommand::OnCopied)](
                                  const absl::Status& status) mutable { then(status); });
  watching_ = true;
  what_.cell->CountWatchers(1);
}

void ReceiveCommand::OnCopied(const absl::Status& status) {
  scheduler().CountSubmitted(-1);
  if (!status.ok()) return Fail(runtime::WithReason(status, "DEVICE_FAULT"));
  what_.cell->Settle();
  Finish();
}

void ReceiveCommand::Start() {
  absl::Status status = TakeIn();
  bytes_ = {};
  staging_ = nullptr;
  keep_ = nullptr;
  if (!status.ok()) Fail(status);
}

void ReceiveCommand::Fail(const absl::Status& status) {
  if (std::exchange(failed_, true)) return;
  const runtime::PoisonRef poison = MakePoison(status, what_.id, "upload", origin());
  what_.cell->Fail(poison);
  v1::Reply reply = FaultReply(origin(), *poison);
  AddPoisoned({what_.id, 1}, reply.mutable_fault());
  scheduler().host().AddReply(std::move(reply));
  scheduler().host().CountFailure();
  Finish();
}

}  // namespace tensord::server
