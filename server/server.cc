#include "server/server.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "engine/base/host.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/check_addresses.h"
#include "server/compute_service.h"
#include "server/health_service.h"
#include "server/reflection_service.h"

namespace tensord::server {
namespace {

constexpr absl::Duration kTick = absl::Seconds(1);
constexpr absl::Duration kDrainPoll = absl::Milliseconds(20);
constexpr absl::Duration kLastWords = absl::Milliseconds(200);  // for statuses to be sent

std::vector<transport::Method> AllMethods() {
  std::vector<transport::Method> methods;
  for (auto rows : {ComputeMethods(), HealthMethods(), ReflectionMethods()}) {
    methods.insert(methods.end(), rows.begin(), rows.end());
  }
  return methods;
}

TokenSources TokenSourcesOf(const Options& options) {
  return {options.token_file,
          options.jwt_key_file,
          options.jwt_secret_file,
          {options.jwt_issuer, options.jwt_audience, options.jwt_principal_claim}};
}

bool ListensByTls(const std::vector<std::string>& addresses) {
  return std::any_of(addresses.begin(), addresses.end(),
                     [](const std::string& address) { return address.starts_with("tls://"); });
}

std::unique_ptr<telemetry::OtlpExporter> MakeExporter(const Options& options, Metrics& metrics) {
  if (options.otlp_endpoint.empty()) return nullptr;
  return std::make_unique<telemetry::OtlpExporter>(options.otlp_endpoint, metrics);
}

telemetry::Recorder::Export ExportOf(telemetry::OtlpExporter* exporter) {
  if (exporter == nullptr) return nullptr;
  return [exporter](telemetry::SpanData span) { exporter->Add(std::move(span)); };
}

}  // namespace

Server::Server(const Options& options)
    : options_(options),
      admission_({options.max_sessions, options.max_calls, options.max_transfers}),
      exporter_(MakeExporter(options, *metrics_)),
      recorder_(*metrics_, ExportOf(exporter_.get())) {
  recorder_.SetSlowCommand(options.slow_command);
}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options,
                                                      const MakeHandler& make_handler) {
  auto server = std::unique_ptr<Server>(new Server(options));
  RETURN_IF_ERROR(server->Prepare(make_handler));
  RETURN_IF_ERROR(server->Serve());
  return server;
}

absl::StatusOr<std::vector<std::string>> Server::Check(const Options& options,
                                                       const MakeHandler& make_handler) {
  Server server(options);
  RETURN_IF_ERROR(server.Prepare(make_handler));
  return CheckAddresses(options);
}

// All that start-up may refuse, but for the addresses.
absl::Status Server::Prepare(const MakeHandler& make_handler) {
  RETURN_IF_ERROR(authenticator_.Load(TokenSourcesOf(options_)));
  if (ListensByTls(options_.listen)) {
    ASSIGN_OR_RETURN(tls_,
                     TlsFiles::Load({options_.tls_cert, options_.tls_key, options_.tls_client_ca}));
  }
  ASSIGN_OR_RETURN(handler_,
                   make_handler({options_, lifecycle_, *metrics_, authenticator_, &recorder_}));
  return absl::OkStatus();
}

absl::Status Server::Serve() {
  ASSIGN_OR_RETURN(auto config, TransportConfig());
  const transport::Services services{*handler_, lifecycle_, *metrics_, authenticator_};
  ASSIGN_OR_RETURN(transport_,
                   transport::Transport::Start(config, AllMethods(), services, admission_));
  if (!options_.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(endpoint_, MetricsEndpoint::Start(options_.metrics_listen, metrics_));
  }
  housekeeper_ = std::thread([this] { KeepHouse(); });
  lifecycle_.MarkReady();
  return absl::OkStatus();
}

absl::StatusOr<transport::Transport::Config> Server::TransportConfig() const {
  transport::Transport::Config config;
  for (const std::string& listen : options_.listen) {
    ASSIGN_OR_RETURN(Address address, ParseAddress(listen));
    config.listen.push_back(std::move(address));
  }
  config.threads_per_lane = options_.io_threads > 0 ? static_cast<int>(options_.io_threads)
                                                    : std::clamp(base::CpuCount() / 2, 1, 4);
  config.new_connections = {static_cast<size_t>(options_.max_new_connections), options_.first_call};
  config.tls = tls_.get();
  return config;
}

void Server::KeepHouse() {
  std::unique_lock lock(mutex_);
  while (
      !stopping_.wait_for(lock, absl::ToChronoMilliseconds(kTick), [this] { return stopped_; })) {
    lock.unlock();
    const bool reload = reload_.exchange(false);
    authenticator_.Reload(reload);
    if (tls_ != nullptr) tls_->Reload(reload);
    transport_->CheckProgress();
    handler_->OnTick(absl::Now());
    ++rounds_;
    lock.lock();
  }
}

void Server::Drain(absl::Duration delay, const Wait& wait) {
  lifecycle_.BeginDrain();
  bool hurry = delay > absl::ZeroDuration() && wait(delay);
  lifecycle_.Refuse();
  if (!hurry) {
    handler_->OnGoingAway(options_.drain_timeout);
    const absl::Time deadline = absl::Now() + options_.drain_timeout;
    while (!hurry && !handler_->Idle() && absl::Now() < deadline) hurry = wait(kDrainPoll);
  }
  Stop();
}

void Server::Stop() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  stopping_.notify_all();
  lifecycle_.Refuse();
  lifecycle_.MarkStopped();
  if (housekeeper_.joinable()) housekeeper_.join();
  endpoint_.reset();
  if (transport_ != nullptr) transport_->Shutdown(kLastWords);
  handler_.reset();
  exporter_.reset();
}

Server::~Server() { Stop(); }

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> texts;
  for (const Address& address : transport_->addresses()) texts.push_back(address.ToString());
  return texts;
}

}  // namespace tensord::server
