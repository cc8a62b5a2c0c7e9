// The ComputeHandler over an engine: sessions, transfers and tools.
#pragma once

#include <memory>

#include "engine/runtime/engine.h"
#include "server/compute_handler.h"
#include "server/credentials.h"
#include "server/lifecycle.h"
#include "server/metrics.h"
#include "server/session_table.h"
#include "server/telemetry/recorder.h"
#include "tensord/v1/session.pb.h"

namespace tensord::server {

struct SessionHandlerOptions {
  v1::Limits limits;  // DefaultLimits() of session_env.h, changed as the daemon likes
  PrincipalLimits principal_limits;
  absl::Duration lease = absl::Seconds(60);       // without a stream, where the client does not say
  Lifecycle* lifecycle = nullptr;                 // whose changes watchers hear of, if it is given
  const telemetry::Recorder* recorder = nullptr;  // of commands, if it is given
};

// What is referred to outlives the handler; the engine is its own.
std::unique_ptr<ComputeHandler> MakeSessionHandler(std::unique_ptr<runtime::Engine> engine,
                                                   Metrics& metrics,
                                                   const Authenticator& authenticator,
                                                   const SessionHandlerOptions& options);

}  // namespace tensord::server
