#include "server/metrics_endpoint.h"

#include <exception>
#include <utility>

#include "engine/base/status.h"
#include "prometheus/exposer.h"

namespace tensord::server {

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(
    const std::string& address, std::shared_ptr<Metrics> metrics) {
  auto endpoint = std::unique_ptr<MetricsEndpoint>(new MetricsEndpoint);
  endpoint->metrics_ = std::move(metrics);
  try {
    endpoint->exposer_ = std::make_unique<prometheus::Exposer>(address, 1);
  } catch (const std::exception& error) {
    return InvalidArgument("cannot serve metrics on ", address, ": ", error.what());
  }
  endpoint->exposer_->RegisterCollectable(endpoint->metrics_);
  return endpoint;
}

MetricsEndpoint::~MetricsEndpoint() = default;

int MetricsEndpoint::port() const {
  const auto ports = exposer_->GetListeningPorts();
  return ports.empty() ? 0 : ports.front();
}

}  // namespace tensord::server
