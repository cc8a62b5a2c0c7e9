// One loop kernel to its linear form: choose a schedule for the loops, then emit.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "engine/kernel/linear.h"
#include "engine/schedule/loop.h"
#include "engine/types/capabilities.h"

namespace tensord::kernel {

struct LowerOptions {
  uint64_t schedule_seed = 0;  // 0: the heuristic; else a random legal schedule (same bits)
};

// Verified linear kernel whose global buffers are kernel.params in order.
absl::StatusOr<Linear> Lower(const schedule::LoopKernel& kernel,
                             const types::Capabilities& capabilities,
                             const LowerOptions& options = {});

}  // namespace tensord::kernel
