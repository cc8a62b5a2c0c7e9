// Which steps of a schedule run the same kernel.
#pragma once

#include <vector>

#include "engine/schedule/schedule.h"

namespace tensord::schedule {

struct DistinctKernels {
  std::vector<int> first;    // for each distinct kernel and device, its first step
  std::vector<int> of_step;  // position in `first`; -1 for a copy
};

// Steps whose kernels came from one entry of the kernel table and that donation changed alike are
// told to be the same; others may be equal without being found.
DistinctKernels FindDistinct(const Schedule& schedule);

}  // namespace tensord::schedule
