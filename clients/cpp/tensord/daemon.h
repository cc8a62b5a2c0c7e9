// A daemon's calls that need no session: what it offers, what it counts, one graph by itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/tensord/address.h"
#include "grpc/health/v1/health.pb.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::client {

struct DaemonOptions {
  std::string address;                                    // empty: see AddressOr
  std::string token;                                      // likewise
  absl::Duration timeout = absl::Seconds(10);             // of each call but Run and Watch
  TlsFiles tls;                                           // of a tls:// address
  std::shared_ptr<grpc::ChannelCredentials> credentials;  // in place of `tls`
};

// Thread-safe. A call connects when it is made: UNAVAILABLE when nobody listens.
class Daemon {
 public:
  // Errors: INVALID_ARGUMENT, an address that is none; NOT_FOUND, a file of `tls`.
  static absl::StatusOr<Daemon> At(DaemonOptions options);

  // unix:///path, tls://host:port or host:port, as given or found.
  const std::string& address() const { return options_.address; }
  const Target& target() const { return target_; }

  absl::StatusOr<v1::Welcome> Negotiate() const;
  absl::StatusOr<v1::ListOpsReply> ListOps() const;
  absl::StatusOr<v1::ListDevicesReply> ListDevices() const;
  absl::StatusOr<v1::StatsReply> GetStats(const std::vector<std::string>& names = {}) const;
  // Compiled, run, answered, forgotten. request.timeout_us is the daemon's limit; the call itself
  // waits a second longer.
  absl::StatusOr<v1::RunReply> Run(v1::RunRequest request) const;
  // Until `on_event` answers false or the daemon stops.
  absl::Status Watch(v1::WatchRequest request,
                     const std::function<bool(v1::Event&)>& on_event) const;
  // The standard health service: SERVING, NOT_SERVING …; NOT_FOUND for a service that is none.
  absl::StatusOr<grpc::health::v1::HealthCheckResponse> Health(const std::string& service) const;

 private:
  Daemon(DaemonOptions options, Target target);
  template <typename Reply, typename Request>
  absl::StatusOr<Reply> Call(const char* method, Request request, absl::Duration timeout) const;

  DaemonOptions options_;
  Target target_;
  std::shared_ptr<grpc::Channel> channel_;
};

}  // namespace tensord::client
