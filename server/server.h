// The daemon without its main(): builds every part in order, owns them, and takes them down.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "server/admission.h"
#include "server/credentials.h"
#include "server/lifecycle.h"
#include "server/make_handler.h"
#include "server/metrics.h"
#include "server/metrics_endpoint.h"
#include "server/options.h"
#include "server/telemetry/otlp_exporter.h"
#include "server/telemetry/recorder.h"
#include "server/transport/transport.h"

namespace tensord::server {

class Server {
 public:
  using MakeHandler =
      std::function<absl::StatusOr<std::unique_ptr<ComputeHandler>>(const HandlerContext&)>;

  // Serves when it returns. Errors: an address in use, unsound tokens or certificates, and what
  // `make_handler` reports.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options,
                                                       const MakeHandler& make_handler);
  ~Server();

  // Whether Start would find what it needs: credentials, devices, cache folder, addresses. Nothing
  // listens afterwards. The answer lists what may be otherwise by then: addresses in use now.
  static absl::StatusOr<std::vector<std::string>> Check(const Options& options,
                                                        const MakeHandler& make_handler);

  // Ends it politely: NOT_SERVING, `delay`, GoingAway, refuse, wait for sessions to finish (at most
  // drain_timeout), stop. `wait` sleeps for the time it is given and returns true to cut things
  // short.
  using Wait = std::function<bool(absl::Duration)>;
  void Drain(absl::Duration delay, const Wait& wait);

  // Ends it now. Idempotent.
  void Stop();

  // Reads the files of tokens, keys and certificates again at the next tick, within a second, even
  // if they look the same. Thread-safe.
  void Reload() { reload_ = true; }

  std::vector<std::string> addresses() const;
  int metrics_port() const { return endpoint_ == nullptr ? 0 : endpoint_->port(); }
  Lifecycle& lifecycle() { return lifecycle_; }
  Metrics& metrics() { return *metrics_; }
  telemetry::Recorder& recorder() { return recorder_; }
  // How often the housekeeper came round, about once a second: it stands still when a part hangs.
  uint64_t rounds() const { return rounds_; }

 private:
  explicit Server(const Options& options);
  absl::Status Prepare(const MakeHandler& make_handler);
  absl::Status Serve();
  absl::StatusOr<transport::Transport::Config> TransportConfig() const;
  void KeepHouse();

  const Options options_;
  Lifecycle lifecycle_;
  std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
  Admission admission_;
  Authenticator authenticator_{metrics_.get()};
  std::unique_ptr<TlsFiles> tls_;  // nullptr: no TLS listeners
  std::unique_ptr<telemetry::OtlpExporter> exporter_;
  telemetry::Recorder recorder_;
  std::unique_ptr<ComputeHandler> handler_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<MetricsEndpoint> endpoint_;

  std::mutex mutex_;
  std::condition_variable stopping_;
  bool stopped_ = false;
  std::atomic<uint64_t> rounds_ = 0;
  std::atomic<bool> reload_ = false;
  std::thread housekeeper_;
};

}  // namespace tensord::server
