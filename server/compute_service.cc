#include "server/compute_service.h"

#include <utility>

#include "server/compute_streams.h"

namespace tensord::server {
namespace {

using transport::Call;
using transport::CallHandler;
using transport::Lane;
using transport::Method;
using transport::Services;
using transport::Unary;
using HandlerPtr = std::unique_ptr<CallHandler>;

void ServeRun(const Services& services, const Peer& peer, v1::RunRequest& request,
              Reply<v1::RunReply>& reply) {
  auto principal = Authenticate(services, peer, request.credentials());
  if (!principal.ok()) return reply(principal.status());
  services.compute.Run(*principal, std::move(request), std::move(reply));
}

void ServeNegotiate(const Services& services, const Peer& peer, v1::Hello& hello,
                    Reply<v1::Welcome>& reply) {
  auto principal = Authenticate(services, peer, hello.credentials());
  if (!principal.ok()) return reply(principal.status());
  reply(services.compute.Negotiate(*principal, hello));
}

void ServeListOps(const Services& services, const Peer& peer, v1::ListOpsRequest& request,
                  Reply<v1::ListOpsReply>& reply) {
  auto principal = Authenticate(services, peer, request.credentials());
  if (!principal.ok()) return reply(principal.status());
  reply(services.compute.ListOps());
}

void ServeListDevices(const Services& services, const Peer& peer, v1::ListDevicesRequest& request,
                      Reply<v1::ListDevicesReply>& reply) {
  auto principal = Authenticate(services, peer, request.credentials());
  if (!principal.ok()) return reply(principal.status());
  reply(services.compute.ListDevices());
}

void ServeGetStats(const Services& services, const Peer& peer, v1::StatsRequest& request,
                   Reply<v1::StatsReply>& reply) {
  auto principal = Authenticate(services, peer, request.credentials());
  if (!principal.ok()) return reply(principal.status());
  reply(services.metrics.Stats(request));
}

HandlerPtr MakeRun(const Services& services, Call& call) {
  return Unary<v1::RunRequest, v1::RunReply>(services, call, ServeRun);
}
HandlerPtr MakeNegotiate(const Services& services, Call& call) {
  return Unary<v1::Hello, v1::Welcome>(services, call, ServeNegotiate);
}
HandlerPtr MakeListOps(const Services& services, Call& call) {
  return Unary<v1::ListOpsRequest, v1::ListOpsReply>(services, call, ServeListOps);
}
HandlerPtr MakeListDevices(const Services& services, Call& call) {
  return Unary<v1::ListDevicesRequest, v1::ListDevicesReply>(services, call, ServeListDevices);
}
HandlerPtr MakeGetStats(const Services& services, Call& call) {
  return Unary<v1::StatsRequest, v1::StatsReply>(services, call, ServeGetStats);
}

constexpr Method kMethods[] = {
    {"/tensord.v1.Compute/Session", Lane::kControl, Budget::kSession, false, MakeSession},
    {"/tensord.v1.Compute/Upload", Lane::kBulk, Budget::kTransfer, true, MakeUpload},
    {"/tensord.v1.Compute/Download", Lane::kBulk, Budget::kTransfer, true, MakeDownload},
    {"/tensord.v1.Compute/Submit", Lane::kControl, Budget::kCall, true, MakeSubmit},
    {"/tensord.v1.Compute/UploadPart", Lane::kBulk, Budget::kTransfer, true, MakeUploadPart},
    {"/tensord.v1.Compute/Run", Lane::kControl, Budget::kCall, false, MakeRun},
    {"/tensord.v1.Compute/Watch", Lane::kControl, Budget::kCall, false, MakeWatch},
    {"/tensord.v1.Compute/Negotiate", Lane::kControl, Budget::kCall, true, MakeNegotiate},
    {"/tensord.v1.Compute/ListOps", Lane::kControl, Budget::kCall, true, MakeListOps},
    {"/tensord.v1.Compute/ListDevices", Lane::kControl, Budget::kCall, true, MakeListDevices},
    {"/tensord.v1.Compute/GetStats", Lane::kControl, Budget::kCall, true, MakeGetStats},
};

}  // namespace

std::span<const Method> ComputeMethods() { return kMethods; }

}  // namespace tensord::server
