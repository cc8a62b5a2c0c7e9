// Kernels that write over a donated buffer store what changes there, and nothing else: an update of
// a slice touches the slice alone.
#pragma once

#include <vector>

#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// The steps that stand for `step`, whose outputs are all written over inputs (donate.h): where an
// output keeps the element it is written over outside a box of the grid, the loops run over the
// box. Outputs with boxes of their own become steps of their own. A scatter into its own base
// copies nothing. Else `step` itself.
std::vector<Step> StoreOnlyChanges(Step step);

}  // namespace tensord::schedule
