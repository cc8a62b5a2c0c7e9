#include "clients/cpp/tensord/daemon.h"

#include <utility>

#include "clients/cpp/tensord/rpc.h"

namespace tensord::client {

absl::StatusOr<Daemon> Daemon::At(DaemonOptions options) {
  absl::StatusOr<std::string> address = AddressOr(options.address), token = TokenOr(options.token);
  if (!address.ok()) return address.status();
  if (!token.ok()) return token.status();
  options.address = *std::move(address);
  options.token = *std::move(token);
  absl::StatusOr<Target> target = ParseAddress(options.address);
  if (!target.ok()) return target.status();
  auto credentials = CredentialsOr(options.credentials, *target, options.tls);
  if (!credentials.ok()) return credentials.status();
  options.credentials = *std::move(credentials);
  return Daemon(std::move(options), *std::move(target));
}

Daemon::Daemon(DaemonOptions options, Target target)
    : options_(std::move(options)),
      target_(std::move(target)),
      channel_(MakeChannel(target_, options_.credentials)) {}

template <typename Reply, typename Request>
absl::StatusOr<Reply> Daemon::Call(const char* method, Request request,
                                   absl::Duration timeout) const {
  if (!options_.token.empty()) request.mutable_credentials()->set_bearer(options_.token);
  Reply reply;
  absl::Status status =
      CallUnary(channel_, std::string("/tensord.v1.Compute/") + method, request, timeout, &reply);
  if (!status.ok()) return Explained(status);
  return reply;
}

absl::StatusOr<v1::Welcome> Daemon::Negotiate() const {
  v1::Hello hello;
  hello.set_min_version(1);
  hello.set_max_version(1);
  hello.set_client_name("tensord-cpp");
  hello.set_client_version(TENSORD_VERSION);
  return Call<v1::Welcome>("Negotiate", hello, options_.timeout);
}

absl::StatusOr<v1::ListOpsReply> Daemon::ListOps() const {
  return Call<v1::ListOpsReply>("ListOps", v1::ListOpsRequest(), options_.timeout);
}

absl::StatusOr<v1::ListDevicesReply> Daemon::ListDevices() const {
  return Call<v1::ListDevicesReply>("ListDevices", v1::ListDevicesRequest(), options_.timeout);
}

absl::StatusOr<v1::StatsReply> Daemon::GetStats(const std::vector<std::string>& names) const {
  v1::StatsRequest request;
  for (const std::string& name : names) request.add_names(name);
  return Call<v1::StatsReply>("GetStats", request, options_.timeout);
}

absl::StatusOr<v1::RunReply> Daemon::Run(v1::RunRequest request) const {
  const absl::Duration limit =
      request.timeout_us() == 0
          ? absl::InfiniteDuration()
          : absl::Microseconds(static_cast<int64_t>(request.timeout_us())) + absl::Seconds(1);
  return Call<v1::RunReply>("Run", std::move(request), limit);
}

absl::Status Daemon::Watch(v1::WatchRequest request,
                           const std::function<bool(v1::Event&)>& on_event) const {
  if (!options_.token.empty()) request.mutable_credentials()->set_bearer(options_.token);
  return CallForMany<v1::Event>(channel_, "/tensord.v1.Compute/Watch", request,
                                absl::InfiniteDuration(), on_event);
}

absl::StatusOr<grpc::health::v1::HealthCheckResponse> Daemon::Health(
    const std::string& service) const {
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  grpc::health::v1::HealthCheckResponse reply;
  absl::Status status =
      CallUnary(channel_, "/grpc.health.v1.Health/Check", request, options_.timeout, &reply);
  if (!status.ok()) return status;
  return reply;
}

}  // namespace tensord::client
