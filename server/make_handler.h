// The one place where main.cc meets the session core.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "server/compute_handler.h"
#include "server/credentials.h"
#include "server/lifecycle.h"
#include "server/metrics.h"
#include "server/options.h"
#include "server/telemetry/recorder.h"

namespace tensord::server {

// What a handler is built from; everything outlives it.
struct HandlerContext {
  const Options& options;
  Lifecycle& lifecycle;  // per-device health: SetHealthy("device.llvm", …)
  Metrics& metrics;      // counters to add to, and AddProbe for those the engine keeps
  const Authenticator& authenticator;
  const telemetry::Recorder* recorder = nullptr;  // of commands; may be none
};

// Opens the devices and caches that the options name. Errors stop the daemon before it listens.
absl::StatusOr<std::unique_ptr<ComputeHandler>> MakeComputeHandler(const HandlerContext& context);

}  // namespace tensord::server
