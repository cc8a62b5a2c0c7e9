#include "server/transport/call.h"

#include <utility>

#include "engine/base/strings.h"
#include "server/transport/hand_over.h"
#include "server/transport/messages.h"

namespace tensord::server::transport {
namespace {

constexpr absl::Duration kWriteTimeout = absl::Seconds(30);
constexpr absl::Duration kFirstMessageTimeout = absl::Seconds(10);

}  // namespace

std::shared_ptr<Call> Call::Create(CallHost* host, int method, grpc::ServerCompletionQueue* queue) {
  std::shared_ptr<Call> call(new Call(host, method, queue));
  call->self_ = call;
  return call;
}

Call::Call(CallHost* host, int method, grpc::ServerCompletionQueue* queue)
    : host_(host), method_(method), queue_(queue), rpc_(std::make_unique<RpcState>()) {
  HandOver(&done_tag_);
  rpc_->context.AsyncNotifyWhenDone(&done_tag_);
}

// ------------------------------------------------------------------------------- its beginning

void Call::OnStart(bool ok) {
  if (!ok) {
    host_->OnUnused(*this);
    rpc_.reset();
    auto last = std::move(self_);
    return;
  }
  totals_.started = absl::Now();
  under_way_.store(2);  // this event, and the done tag
  host_->OnStarted(*this);
  LeaveFromEvent();
}

void Call::Accept(std::unique_ptr<CallHandler> handler, Admission::Ticket ticket) {
  handler_ = std::move(handler);
  source_ = handler_.get();
  ticket_ = std::move(ticket);
  {
    std::lock_guard lock(read_mutex_);
    reading_ = Reading::kWaiting;
  }
  StartRead();
  outbox_.Wake();
}

void Call::Refuse(const absl::Status& status, absl::Duration retry_after) {
  heard_ = true;
  if (retry_after > absl::ZeroDuration()) {
    rpc_->context.AddTrailingMetadata("grpc-retry-pushback-ms",
                                      StrCat(absl::ToInt64Milliseconds(retry_after)));
  }
  CloseWith({status, std::nullopt});
}

// ------------------------------------------------------------------------------- reading

void Call::StartRead() {
  under_way_.fetch_add(1);
  HandOver(&read_tag_);
  rpc_->stream.Read(&incoming_, &read_tag_);
}

void Call::OnRead(bool ok) {
  heard_ = true;
  {
    std::lock_guard lock(read_mutex_);
    reading_ = ok ? Reading::kDelivering : Reading::kEnded;
    resume_ = false;
  }
  if (ok) {
    Deliver();
  } else {
    handler_->OnHalfClose();
  }
  LeaveFromEvent();
}

void Call::Deliver() {
  ++totals_.messages_in;
  totals_.bytes_in += incoming_.Length();
  const Flow flow = handler_->OnMessage(incoming_);
  incoming_.Clear();
  {
    std::lock_guard lock(read_mutex_);
    if (flow == Flow::kPause && !resume_) {
      reading_ = Reading::kPaused;
      return;
    }
    reading_ = Reading::kWaiting;
  }
  StartRead();
}

void Call::ResumeReading() {
  if (!Enter()) return;
  bool start = false;
  {
    std::lock_guard lock(read_mutex_);
    if (reading_ == Reading::kDelivering) resume_ = true;
    start = reading_ == Reading::kPaused;
    if (start) reading_ = Reading::kWaiting;
  }
  if (start) StartRead();
  LeaveFromCaller();
}

// ------------------------------------------------------------------------------- writing

void Call::Wake() {
  if (!Enter()) return;
  outbox_.Wake();
  LeaveFromCaller();
}

void Call::Close(absl::Status status) { CloseWith({std::move(status), std::nullopt}); }

void Call::Answer(grpc::ByteBuffer message) { CloseWith({absl::OkStatus(), std::move(message)}); }

void Call::CloseWith(CallEnd end) {
  if (!Enter()) return;
  outbox_.Close(std::move(end));
  LeaveFromCaller();
}

Pull Call::Next(grpc::ByteBuffer* message) {
  CallHandler* source = source_;
  return source == nullptr ? Pull::kNothing : source->Next(message);
}

void Call::Write(const grpc::ByteBuffer& message) {
  ++totals_.messages_out;
  totals_.bytes_out += message.Length();
  write_began_ns_ = absl::GetCurrentTimeNanos();
  under_way_.fetch_add(1);
  HandOver(&write_tag_);
  rpc_->stream.Write(message, &write_tag_);
}

void Call::OnWrite(bool ok) {
  write_began_ns_ = 0;
  if (!ok) rpc_->context.TryCancel();
  outbox_.OnWritten(ok);
  LeaveFromEvent();
}

void Call::Finish(CallEnd end) {
  totals_.status = end.status;
  under_way_.fetch_add(1);
  HandOver(&finish_tag_);
  if (end.last) {
    ++totals_.messages_out;
    totals_.bytes_out += end.last->Length();
    rpc_->stream.WriteAndFinish(*end.last, grpc::WriteOptions(), ToGrpc(end.status), &finish_tag_);
  } else {
    rpc_->stream.Finish(ToGrpc(end.status), &finish_tag_);
  }
}

void Call::OnFinish(bool /*ok*/) { LeaveFromEvent(); }

// ------------------------------------------------------------------------------- its end

void Call::Abort() {
  if (!Enter()) return;
  rpc_->context.TryCancel();
  LeaveFromCaller();
}

void Call::CheckProgress(absl::Time now) {
  const int64_t began = write_began_ns_;
  if (began != 0 && now - absl::FromUnixNanos(began) > kWriteTimeout) Abort();
  if (end_at_us_ <= absl::ToUnixMicros(now)) {
    Close(absl::UnauthenticatedError("the credentials have expired; call again with new ones"));
  }
  if (!heard_ && now - totals_.started > kFirstMessageTimeout) {
    Close(absl::DeadlineExceededError("nothing was sent within 10 s of the call's beginning"));
  }
}

void Call::OnDone(bool /*ok*/) {
  client_gone_ = rpc_->context.IsCancelled();
  over_ = true;
  LeaveFromEvent();
}

void Call::OnLast(bool /*ok*/) { End(); }

bool Call::Enter() {
  int count = under_way_.load();
  while (count > 0) {
    if (under_way_.compare_exchange_weak(count, count + 1)) return true;
  }
  return false;
}

void Call::LeaveFromEvent() {
  if (under_way_.fetch_sub(1) == 1) End();
}

// The caller may be the handler itself, or hold its locks: the end comes from the queue's thread.
void Call::LeaveFromCaller() {
  if (under_way_.fetch_sub(1) == 1) {
    last_alarm_.emplace();
    HandOver(&last_tag_);
    last_alarm_->Set(queue_, gpr_now(GPR_CLOCK_MONOTONIC), &last_tag_);
  }
}

void Call::End() {
  totals_.ended = absl::Now();
  if (client_gone_) totals_.status = absl::CancelledError("the client has gone");
  if (handler_ != nullptr) handler_->OnEnd(totals_.status);
  handler_.reset();
  ticket_ = {};
  rpc_.reset();
  auto last = std::move(self_);
  host_->OnEnded(*this);
}

}  // namespace tensord::server::transport
