// A schedule and its lowered kernels as a plan.
#pragma once

#include "engine/runtime/plan.h"
#include "engine/schedule/donate.h"

namespace tensord::runtime {

// `kernel_of_step`: which of `kernels` each step runs; copies run none. Memory is not planned yet.
Plan AssemblePlan(const ir::Function& core, const schedule::Schedule& schedule,
                  absl::Span<const kernel::Linear> kernels, absl::Span<const int> kernel_of_step,
                  const schedule::Donations& donations);

}  // namespace tensord::runtime
