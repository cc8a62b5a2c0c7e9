// Serves /metrics over HTTP for Prometheus.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "server/metrics.h"

namespace prometheus {
class Exposer;
}

namespace tensord::server {

class MetricsEndpoint {
 public:
  // `address` is "host:port". The metrics stay alive as long as the endpoint.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const std::string& address,
                                                                std::shared_ptr<Metrics> metrics);
  ~MetricsEndpoint();

  int port() const;

 private:
  MetricsEndpoint() = default;

  std::shared_ptr<Metrics> metrics_;
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace tensord::server
