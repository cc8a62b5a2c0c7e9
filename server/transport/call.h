// One RPC on the server: a small state machine on a completion queue.
//
// Every method, unary ones too, is a raw bidirectional stream of byte buffers here; what a method
// means is its CallHandler. gRPC may report to a call what it likes and when it likes: the call
// counts the operations under way and ends, exactly once, when the last one is back.
#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/admission.h"
#include "server/principal.h"
#include "server/stream_handler.h"
#include "server/transport/outbox.h"

namespace tensord::server::transport {

class Call;

// What one kind of call does. Called as stream_handler.h says of its handlers.
class CallHandler {
 public:
  virtual ~CallHandler() = default;
  virtual Flow OnMessage(grpc::ByteBuffer& message) = 0;
  // No more messages; also comes before OnEnd when the client vanishes.
  virtual void OnHalfClose() {}
  virtual Pull Next(grpc::ByteBuffer* /*message*/) { return Pull::kNothing; }
  virtual void OnEnd(const absl::Status& /*status*/) {}
};

// What a tag on a completion queue is.
struct Tag {
  Call* call = nullptr;
  void (Call::*on)(bool ok) = nullptr;
};

// Whom a call reports to: the transport.
class CallHost {
 public:
  virtual ~CallHost() = default;
  // A client called: ask for the next call, then Accept or Refuse this one.
  virtual void OnStarted(Call& call) = 0;
  // The server shuts down; the call never was.
  virtual void OnUnused(Call& call) = 0;
  // The call is over. It is destroyed when nobody holds it any more.
  virtual void OnEnded(Call& call) = 0;
};

// How a call ends.
struct CallEnd {
  absl::Status status;
  std::optional<grpc::ByteBuffer> last;  // sent together with the status
};

// Sums over the life of a call, for logs and metrics.
struct CallTotals {
  absl::Time started;
  absl::Time ended;
  uint64_t messages_in = 0, messages_out = 0;
  uint64_t bytes_in = 0, bytes_out = 0;
  absl::Status status;
};

class Call final : public Stream, public std::enable_shared_from_this<Call> {
 public:
  using Rpc = grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>;

  // `method` is the number of its row, for the host.
  static std::shared_ptr<Call> Create(CallHost* host, int method,
                                      grpc::ServerCompletionQueue* queue);

  // For whoever asks gRPC for the call, before it arrives.
  grpc::ServerContext* context() { return &rpc_->context; }
  Rpc* stream() { return &rpc_->stream; }
  Tag* start_tag() { return &start_tag_; }

  // In OnStarted: sets the call going with its handler, or ends it.
  void Accept(std::unique_ptr<CallHandler> handler, Admission::Ticket ticket);
  void Refuse(const absl::Status& status, absl::Duration retry_after);

  // Stream. Close sends what the handler still has, then the status.
  void Wake() override;
  void ResumeReading() override;
  void Close(absl::Status status) override;
  void Abort() override;
  bool cancelled() const override { return over_.load(std::memory_order_relaxed); }

  // Ends the call with a last message and OK: the answer of a unary call.
  void Answer(grpc::ByteBuffer message);

  // Ends the call with UNAUTHENTICATED at this time: what was proved of the caller holds no longer.
  void EndAt(absl::Time time) { end_at_us_ = absl::ToUnixMicros(time); }

  // Ends a call whose time is over, whose client has not taken a write for 30 s, or has sent
  // nothing for 10 s after it began. Called now and then.
  void CheckProgress(absl::Time now);

  int method() const { return method_; }
  grpc::ServerCompletionQueue* queue() const { return queue_; }
  Peer peer;                                            // set by the host in OnStarted
  const CallTotals& totals() const { return totals_; }  // once it has ended

 private:
  friend class Outbox<Call, Call, grpc::ByteBuffer, CallEnd>;
  enum class Reading { kNo, kWaiting, kDelivering, kPaused, kEnded };
  struct RpcState {
    grpc::ServerContext context;
    Rpc stream{&context};
  };

  Call(CallHost* host, int method, grpc::ServerCompletionQueue* queue);

  // Events of the completion queue.
  void OnStart(bool ok);
  void OnRead(bool ok);
  void OnWrite(bool ok);
  void OnFinish(bool ok);
  void OnDone(bool ok);
  void OnLast(bool ok);

  // The outbox's wire and source.
  void Write(const grpc::ByteBuffer& message);
  void Finish(CallEnd end);
  Pull Next(grpc::ByteBuffer* message);

  // Counting what is under way. Enter fails once the call has ended.
  bool Enter();
  void LeaveFromEvent();
  void LeaveFromCaller();
  void End();

  void StartRead();
  void Deliver();
  void CloseWith(CallEnd end);

  CallHost* const host_;
  const int method_;
  grpc::ServerCompletionQueue* const queue_;
  std::unique_ptr<RpcState> rpc_;
  std::unique_ptr<CallHandler> handler_;
  std::atomic<CallHandler*> source_ = nullptr;  // a Wake from elsewhere may come before Accept
  Admission::Ticket ticket_;
  std::shared_ptr<Call> self_;  // until it ends

  Tag start_tag_{this, &Call::OnStart}, read_tag_{this, &Call::OnRead};
  Tag write_tag_{this, &Call::OnWrite}, finish_tag_{this, &Call::OnFinish};
  Tag done_tag_{this, &Call::OnDone}, last_tag_{this, &Call::OnLast};
  std::optional<grpc::Alarm> last_alarm_;

  std::atomic<int> under_way_ = 0;
  std::atomic<bool> over_ = false;
  bool client_gone_ = false;
  Outbox<Call, Call, grpc::ByteBuffer, CallEnd> outbox_{this, this};

  std::mutex read_mutex_;
  Reading reading_ = Reading::kNo;
  bool resume_ = false;
  grpc::ByteBuffer incoming_;

  std::atomic<int64_t> write_began_ns_ = 0;     // 0: none in flight
  std::atomic<bool> heard_ = false;             // a first message came
  std::atomic<int64_t> end_at_us_ = INT64_MAX;  // since the epoch
  CallTotals totals_;
};

}  // namespace tensord::server::transport
