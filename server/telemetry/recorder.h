// Where commands that ended are noted: latencies by program, a line for each slow one, spans.
//
//   recorder.CommandEnded(record, env.now(), status);
#pragma once

#include <atomic>
#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/metrics.h"
#include "server/telemetry/command_record.h"
#include "server/telemetry/span_data.h"

namespace tensord::server::telemetry {

// Thread-safe; never waits.
class Recorder {
 public:
  using Export = std::function<void(SpanData)>;

  // `export_span` gets the spans of sampled traces; without one there are none. It must not wait.
  explicit Recorder(Metrics& metrics, Export export_span = nullptr)
      : metrics_(metrics), export_(std::move(export_span)) {}

  // Commands that take at least this long are logged; zero: none.
  void SetSlowCommand(absl::Duration least) { slow_ns_ = absl::ToInt64Nanoseconds(least); }

  void CommandEnded(const CommandRecord& record, absl::Time now, const absl::Status& status) const;
  // A frame was applied; what it asked for may go on.
  void FrameApplied(const FrameContext& frame, absl::Time now, int items, size_t bytes) const;

 private:
  struct Stages;
  void Observe(const CommandRecord& record, const Stages& stages) const;
  void ExportCommand(const CommandRecord& record, const Stages& stages,
                     const absl::Status& status) const;

  Metrics& metrics_;
  const Export export_;
  std::atomic<int64_t> slow_ns_ = 0;
};

// The first eight bytes of a Program's digest in hex, as metrics and logs name it.
std::string ProgramLabel(const base::Digest& digest);

}  // namespace tensord::server::telemetry
