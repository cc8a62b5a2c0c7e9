// Calls without generated stubs: unary, one request and many replies, many requests and one reply.
// Each drives a completion queue of its own and returns when the call is over.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/errors.h"

namespace tensord::client {

// No deadline for an infinite timeout.
inline void SetTimeout(grpc::ClientContext& context, absl::Duration timeout) {
  if (timeout < absl::Hours(24 * 365))
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

namespace rpc_internal {
// Waits for the one operation under way; whether it succeeded.
inline bool Await(grpc::CompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  return queue.Next(&tag, &ok) && ok;
}
}  // namespace rpc_internal

// `method` is a path: "/tensord.v1.Compute/GetStats".
template <typename Reply, typename Request>
absl::Status CallUnary(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                       const Request& request, absl::Duration timeout, Reply* reply) {
  grpc::TemplatedGenericStub<Request, Reply> stub(channel);
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  grpc::CompletionQueue queue;
  grpc::Status status;
  auto call = stub.PrepareUnaryCall(&context, method, request, &queue);
  call->StartCall();
  call->Finish(reply, &status, nullptr);
  rpc_internal::Await(queue);
  return StatusOf(status);
}

// Calls `on_reply` for each reply until it returns false, which cancels the call (and is OK).
template <typename Reply, typename Request>
absl::Status CallForMany(const std::shared_ptr<grpc::Channel>& channel, const std::string& method,
                         const Request& request, absl::Duration timeout,
                         const std::function<bool(Reply&)>& on_reply) {
  using rpc_internal::Await;
  grpc::TemplatedGenericStub<Request, Reply> stub(channel);
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  bool stopped = false;
  if (Await(queue)) {
    call->WriteLast(request, grpc::WriteOptions(), nullptr);
    Await(queue);
    for (Reply reply; !stopped; reply.Clear()) {
      call->Read(&reply, nullptr);
      if (!Await(queue)) break;
      stopped = !on_reply(reply);
    }
  }
  if (stopped) context.TryCancel();
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  return stopped ? absl::OkStatus() : StatusOf(status);
}

// Sends what `next` answers until it answers false; a call that breaks off before tells why.
template <typename Reply, typename Request>
absl::Status SendMany(grpc::CompletionQueue& queue, const std::shared_ptr<grpc::Channel>& channel,
                      const std::string& method, absl::Duration timeout,
                      const std::function<bool(Request*)>& next, Reply* reply) {
  using rpc_internal::Await;
  grpc::TemplatedGenericStub<Request, Reply> stub(channel);
  grpc::ClientContext context;
  SetTimeout(context, timeout);
  auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  bool going = Await(queue);
  for (Request request; going && next(&request);) {
    call->Write(request, nullptr);
    going = Await(queue);
  }
  if (going) {
    call->WritesDone(nullptr);
    Await(queue);
  }
  call->Read(reply, nullptr);
  Await(queue);
  grpc::Status status;
  call->Finish(&status, nullptr);
  Await(queue);
  return StatusOf(status);
}

}  // namespace tensord::client
