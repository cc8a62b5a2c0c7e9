// Times as the wire has them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace tensord::client {

// More than that is no limit at all.
inline bool IsLimit(absl::Duration timeout) { return timeout < absl::Hours(24 * 365); }

// Microseconds, where 0 is no limit.
inline uint64_t WireTimeout(absl::Duration timeout) {
  if (!IsLimit(timeout)) return 0;
  return static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Microseconds(timeout), 1));
}

}  // namespace tensord::client
