// How much a schedule computes, against what its graph asks for.
#pragma once

#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// Scalar operations of one run of `kernel`, with everything hoisted as the lowering does.
double KernelOperations(const LoopKernel& kernel);

// Scalar operations of all kernels over those of the graph computed once per element. 1 when
// nothing is computed twice; below 1 when equal expressions met.
double RecomputeRatio(absl::Span<const ir::Ref> graph, const Schedule& schedule);

}  // namespace tensord::schedule
