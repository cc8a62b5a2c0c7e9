// The parameters of a loop kernel that is already built: who loads them, and other numbers for
// them.
#pragma once

#include <vector>

#include "engine/schedule/loop.h"

namespace tensord::schedule {

// The loads of parameter `param` that `values` are computed from.
std::vector<Ref> LoadsOf(absl::Span<const Ref> values, int param);
// The values of a kernel's outputs; positions and updates of its scatters.
std::vector<Ref> OutputValues(const LoopKernel& kernel);
std::vector<Ref> ScatterValues(const LoopKernel& kernel);

// Parameter i becomes `to[i]` wherever it is read or written. The parameters themselves stay.
void RenumberParams(LoopKernel& kernel, const std::vector<int>& to);

// Leaves out the parameters that nothing reads or writes, and what `values` (one entry for each)
// has for them.
void DropUnusedParams(LoopKernel& kernel, std::vector<int>& values);

}  // namespace tensord::schedule
