// Spans to a collector: OTLP over gRPC, by batches, from a thread of its own.
//
//   OtlpExporter exporter("localhost:4317", metrics);
//   exporter.Add(std::move(span));
//
// The call blocks on a completion queue of its own: one callback reactor anywhere in the process
// would halve the daemon's uploads.
#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/metrics.h"
#include "server/telemetry/span_data.h"

namespace tensord::server::telemetry {

class OtlpExporter {
 public:
  static constexpr size_t kMostQueued = 8192;
  static constexpr size_t kMostInBatch = 512;

  // `endpoint` is "host:port" or "unix:///path"; without encryption, so it is a collector on this
  // machine or in its pod. It need not be there yet. `metrics` outlives the exporter.
  OtlpExporter(const std::string& endpoint, Metrics& metrics);
  // Sends what is queued, for two seconds at most; what is left is counted as dropped.
  ~OtlpExporter();
  OtlpExporter(const OtlpExporter&) = delete;

  // Queues it; drops it when kMostQueued are waiting. Thread-safe, never waits for the collector.
  void Add(SpanData span);

 private:
  using Batch = std::vector<SpanData>;

  void Run();
  Batch NextBatch();
  void Deliver(const Batch& batch);
  absl::Status Send(const Batch& batch, int64_t* rejected);
  absl::Time deadline() const;
  bool Pause(absl::Duration time);

  Metrics& metrics_;
  grpc::GenericStub stub_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SpanData> queue_;
  absl::Time give_up_ = absl::InfiniteFuture();  // finite when it is to end
  absl::Time warned_ = absl::InfinitePast();     // the thread's own
  std::thread thread_;
};

// OK for "host:port" and "unix:///path"; else what was expected.
absl::Status CheckOtlpEndpoint(std::string_view endpoint);

}  // namespace tensord::server::telemetry
