#include "server/admission.h"

#include <limits>
#include <string_view>

#include "engine/base/status.h"

namespace tensord::server {
namespace {

constexpr std::string_view kNames[] = {"", "max-sessions", "max-calls", "max-transfers"};

}  // namespace

Admission::Admission(const Limits& limits)
    : limits_(
          {std::numeric_limits<int64_t>::max(), limits.sessions, limits.calls, limits.transfers}) {}

absl::StatusOr<Admission::Ticket> Admission::Admit(Budget budget) {
  const auto index = static_cast<size_t>(budget);
  const int64_t in_use = counts_[index].fetch_add(1);
  Ticket ticket(&counts_[index]);
  if (in_use >= limits_[index]) {
    return ResourceExhausted(kNames[index], ": ", in_use, " of ", limits_[index],
                             " are in use; try again in ", absl::ToInt64Milliseconds(kRetryAfter),
                             " ms");
  }
  return ticket;
}

}  // namespace tensord::server
