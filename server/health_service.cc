#include "server/health_service.h"

#include <atomic>
#include <optional>
#include <string>
#include <utility>

#include "engine/base/strings.h"
#include "grpc/health/v1/health.pb.h"

namespace tensord::server {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using transport::Call;
using transport::CallHandler;
using transport::Lane;
using transport::Method;
using transport::Services;

HealthCheckResponse::ServingStatus ToProto(Health health) {
  switch (health) {
    case Health::kServing:
      return HealthCheckResponse::SERVING;
    case Health::kNotServing:
      return HealthCheckResponse::NOT_SERVING;
    case Health::kUnknownService:
      return HealthCheckResponse::SERVICE_UNKNOWN;
  }
  return HealthCheckResponse::UNKNOWN;
}

void ServeCheck(const Services& services, const Peer&, HealthCheckRequest& request,
                Reply<HealthCheckResponse>& reply) {
  const Health health = services.lifecycle.HealthOf(request.service());
  if (health == Health::kUnknownService) {
    return reply(absl::NotFoundError(StrCat("no service ", request.service())));
  }
  HealthCheckResponse response;
  response.set_status(ToProto(health));
  reply(std::move(response));
}

// Answers at once and after each change, until the client or the daemon goes.
class HealthWatchCall : public CallHandler {
 public:
  HealthWatchCall(const Services& services, Call& call)
      : lifecycle_(services.lifecycle), call_(call) {}

  Flow OnMessage(grpc::ByteBuffer& message) override {
    HealthCheckRequest request;
    if (absl::Status status = transport::Parse(message, &request); !status.ok()) {
      call_.Close(std::move(status));
      return Flow::kPause;
    }
    service_ = request.service();
    watching_ = true;
    subscription_ = lifecycle_.Subscribe([call = call_.shared_from_this()] { call->Wake(); });
    call_.Wake();
    return Flow::kPause;
  }

  Pull Next(grpc::ByteBuffer* message) override {
    if (!watching_) return Pull::kNothing;
    if (lifecycle_.state() == State::kStopped) return Pull::kEnd;
    const Health health = lifecycle_.HealthOf(service_);
    if (health == sent_) return Pull::kNothing;
    sent_ = health;
    HealthCheckResponse response;
    response.set_status(ToProto(health));
    *message = transport::Serialize(response);
    return Pull::kMessage;
  }

  void OnEnd(const absl::Status&) override {
    if (watching_) lifecycle_.Unsubscribe(subscription_);
  }

 private:
  Lifecycle& lifecycle_;
  Call& call_;
  std::string service_;
  std::atomic<bool> watching_ = false;  // and service_ is set
  uint64_t subscription_ = 0;
  std::optional<Health> sent_;
};

std::unique_ptr<CallHandler> MakeCheck(const Services& services, Call& call) {
  return transport::Unary<HealthCheckRequest, HealthCheckResponse>(services, call, ServeCheck);
}

std::unique_ptr<CallHandler> MakeWatch(const Services& services, Call& call) {
  return std::make_unique<HealthWatchCall>(services, call);
}

constexpr Method kMethods[] = {
    {"/grpc.health.v1.Health/Check", Lane::kControl, Budget::kNone, true, MakeCheck},
    {"/grpc.health.v1.Health/Watch", Lane::kControl, Budget::kNone, true, MakeWatch},
};

}  // namespace

std::span<const Method> HealthMethods() { return kMethods; }

}  // namespace tensord::server
