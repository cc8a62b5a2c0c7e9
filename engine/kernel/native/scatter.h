// Scatter: for every point of the ranges, updates in ascending order, so that the last one wins and
// sums have one order whatever the threads. Points write disjoint elements and run in parallel.
#pragma once

#include "engine/kernel/emitter.h"
#include "engine/kernel/linear_builder.h"
#include "engine/schedule/loop.h"

namespace tensord::kernel::native {

// Appends the region to `builder`; `buffers` are the builder's numbers of the kernel's parameters.
// The scatter's parameter already holds the base.
void EmitScatter(LinearBuilder& builder, const schedule::LoopKernel& kernel,
                 const schedule::Scatter& scatter, absl::Span<const int> buffers, Clamp clamp);

}  // namespace tensord::kernel::native
