// Errors with a reason: a word for programs that travels in the status beside the message.
//
//   return Fault(absl::StatusCode::kNotFound, "UNKNOWN_ID", "input ", id, " is not defined");
//   ReasonOf(status)   // "UNKNOWN_ID"
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "engine/base/status.h"

namespace tensord::runtime {

// The same status with this reason, replacing another.
absl::Status WithReason(absl::Status status, std::string_view reason);
// The reason it carries; else one that follows from its code.
std::string ReasonOf(const absl::Status& status);

template <typename... Args>
absl::Status Fault(absl::StatusCode code, std::string_view reason, const Args&... args) {
  return WithReason(absl::Status(code, StrCat(args...)), reason);
}

// Which limit was met: its name, what is in use or was asked for, and what is allowed.
struct LimitHit {
  std::string name;
  uint64_t used = 0, max = 0;
};
// RESOURCE_EXHAUSTED with reason LIMIT.
absl::Status OverLimit(std::string_view name, uint64_t used, uint64_t max, std::string_view what);
std::optional<LimitHit> LimitOf(const absl::Status& status);

}  // namespace tensord::runtime
