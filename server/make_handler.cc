#include "server/make_handler.h"

#include "engine/base/log.h"
#include "engine/base/status.h"
#include "server/session_env.h"
#include "server/session_handler.h"

namespace tensord::server {
namespace {

runtime::EngineOptions EngineOptionsOf(const Options& options) {
  runtime::EngineOptions engine;
  engine.devices = options.device;
  engine.cache_dir = options.cache_dir;
  engine.threads = static_cast<int>(options.threads);
  engine.memory_limit = options.memory_limit;
  engine.cache_memory = options.cache_memory;
  engine.cache_disk = options.cache_disk;
  engine.lane_cache = options.principal_cache;
  engine.lane_compiles = static_cast<int>(options.principal_compiles);
  return engine;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ComputeHandler>> MakeComputeHandler(const HandlerContext& context) {
  ASSIGN_OR_RETURN(std::unique_ptr<runtime::Engine> engine,
                   runtime::Engine::Create(EngineOptionsOf(context.options)));
  for (const runtime::DeviceInfo& device : engine->devices()) {
    LOG_INFO("device opened", {"name", device.name}, {"memory_limit", device.memory_limit},
             {"threads", device.capabilities.threads});
    context.lifecycle.SetHealthy(StrCat("device.", device.name), true);
  }
  v1::Limits limits = DefaultLimits();
  limits.set_max_sessions(static_cast<uint64_t>(context.options.principal_sessions));
  return MakeSessionHandler(
      std::move(engine), context.metrics, context.authenticator,
      {.limits = limits,
       .principal_limits = {context.options.principal_nodes, context.options.principal_in_flight},
       .lease = context.options.lease,
       .lifecycle = &context.lifecycle,
       .recorder = context.recorder});
}

}  // namespace tensord::server
