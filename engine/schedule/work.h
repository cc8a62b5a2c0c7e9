// How much a schedule computes, against what its graph asks for.
#pragma once

#include "engine/schedule/loop.h"

namespace tensord::schedule {

// Scalar operations of one run of `kernel`, with everything hoisted as the lowering does.
double KernelOperations(const LoopKernel& kernel);

// Scalar operations of the graph, every element computed once. Kernels run as many when nothing is
// computed twice, fewer where equal expressions met.
double GraphOperations(absl::Span<const ir::Ref> graph);

}  // namespace tensord::schedule
