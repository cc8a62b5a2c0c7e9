// Results written over donated parameters.
#pragma once

#include <string>
#include <vector>

#include "engine/schedule/schedule.h"

namespace tensord::schedule {

// Value `result` lives in the buffer of function parameter `parameter`.
struct Donation {
  int parameter = 0;
  int result = 0;
};

// A donated parameter over which nothing is written.
struct Refusal {
  int parameter = 0;
  std::string why;  // continues "input 3 ..."
};

struct Donations {
  std::vector<Donation> taken;
  std::vector<Refusal> refused;  // none for a parameter that nothing reads
};

// For each donated parameter, a result of the same size that a kernel may write over it: the kernel
// is the last reader, and reads every element no later than it writes it. Rewrites that kernel to
// one read-write buffer, and to store only what changes (store_changes.h).
Donations DonateInPlace(Schedule& schedule, absl::Span<const int> donated);

}  // namespace tensord::schedule
