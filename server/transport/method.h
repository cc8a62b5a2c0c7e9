// The table of methods: what the transport serves, one row each.
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "server/admission.h"
#include "server/compute_handler.h"
#include "server/credentials.h"
#include "server/lifecycle.h"
#include "server/metrics.h"
#include "server/transport/call.h"
#include "server/transport/messages.h"

namespace tensord::server::transport {

// Which queues, and so which threads, serve a call: a megabyte being copied must not hold a
// session's frame up.
enum class Lane : uint8_t { kControl, kBulk };

// What handlers are made from; all of it outlives every call.
struct Services {
  ComputeHandler& compute;
  Lifecycle& lifecycle;
  Metrics& metrics;
  const Authenticator& authenticator;
};

struct Method {
  const char* path;  // "/package.Service/Method"
  Lane lane;
  Budget budget;
  bool while_refusing;  // served also in the second half of a drain
  std::unique_ptr<CallHandler> (*make)(const Services& services, Call& call);
};

// A unary method: one request in, one answer out, at any time and from any thread.
//
//   std::unique_ptr<CallHandler> MakePing(const Services& services, Call& call) {
//     return Unary<v1::Ping, v1::Pong>(
//         services, call, [](auto& services, auto& peer, auto& ping, auto& reply) { reply(…); });
//   }
template <typename Request, typename Answer>
class UnaryCall : public CallHandler {
 public:
  // `request` and `reply` may be moved from.
  using Serve = void (*)(const Services& services, const Peer& peer, Request& request,
                         Reply<Answer>& reply);

  UnaryCall(const Services& services, Call& call, Serve serve)
      : services_(services), call_(call), serve_(serve) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    Request request;
    absl::Status status = Parse(message, &request);
    if (status.ok()) {
      Reply<Answer> reply = MakeReply();
      serve_(services_, call_.peer, request, reply);
    } else {
      call_.Close(std::move(status));
    }
    return Flow::kPause;
  }

  void OnHalfClose() override { call_.Close(absl::InvalidArgumentError("the request is missing")); }

 private:
  Reply<Answer> MakeReply() {
    auto call = call_.shared_from_this();
    return Reply<Answer>(call, [call](absl::StatusOr<Answer> answer) {
      if (answer.ok()) {
        call->Answer(Serialize(*answer));
      } else {
        call->Close(answer.status());
      }
    });
  }

  const Services& services_;
  Call& call_;
  Serve serve_;
};

template <typename Request, typename Answer>
std::unique_ptr<CallHandler> Unary(const Services& services, Call& call,
                                   typename UnaryCall<Request, Answer>::Serve serve) {
  return std::make_unique<UnaryCall<Request, Answer>>(services, call, serve);
}

}  // namespace tensord::server::transport
