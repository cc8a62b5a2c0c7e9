// Results written over donated parameters.
#pragma once

#include <vector>

#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// Value `result` lives in the buffer of function parameter `parameter`.
struct Donation {
  int parameter = 0;
  int result = 0;
};

// For each donated parameter, a result of the same size that a kernel may write over it: the kernel
// is the last reader, and reads every element at the very point where it writes it. Rewrites that
// kernel to one read-write buffer.
std::vector<Donation> DonateInPlace(Schedule& schedule, absl::Span<const int> donated);

}  // namespace tensord::schedule
