// A schedule and its lowered kernels as a plan.
#pragma once

#include "engine/runtime/plan.h"
#include "engine/schedule/donate.h"

namespace tensord::runtime {

// `kernels`: one per kernel step, in order. Memory is not planned yet.
Plan AssemblePlan(const ir::Function& core, const schedule::Schedule& schedule,
                  absl::Span<const kernel::Linear> kernels,
                  absl::Span<const schedule::Donation> donations);

}  // namespace tensord::runtime
