// What is noted of a command on its way, for latencies, slow-command lines and spans.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "engine/base/sha256.h"
#include "engine/runtime/engine.h"
#include "server/telemetry/trace_context.h"

namespace tensord::server::telemetry {

// Whose session it is. Filled in by Hello, before any command.
struct SessionLabel {
  std::string principal, label;
};

// The frame that commands came in. `trace` is its own span; not valid without a traceparent.
struct FrameContext {
  std::shared_ptr<const SessionLabel> session;
  absl::Time received;
  TraceContext trace;
  SpanId parent = {};
};
using FrameRef = std::shared_ptr<const FrameContext>;

// A command's stages follow each other: received → (compile) → planned → (queued: for its inputs
// and for a place on the device) → started → (run) → ended.
struct CommandRecord {
  FrameRef frame;
  std::string_view op;  // "Execute", "Evaluate", "Fetch"
  std::optional<base::Digest> program;
  absl::Time planned = absl::InfinitePast();    // before `received`: when received
  absl::Time started = absl::InfiniteFuture();  // after its end: it never did
  bool plan_hit = false;                        // its plan was in memory
  runtime::ExecutableRef executable;            // of one that ran: its kernels, inputs and results
  int64_t bytes = 0;                            // of a Fetch
};

}  // namespace tensord::server::telemetry
