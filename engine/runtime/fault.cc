#include "engine/runtime/fault.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"

namespace tensord::runtime {
namespace {

constexpr char kReason[] = "tensord/reason";
constexpr char kLimit[] = "tensord/limit";  // name, used and max, separated by spaces

std::string_view ReasonOfCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
      return "INVALID";
    case absl::StatusCode::kNotFound:
      return "UNKNOWN_ID";
    case absl::StatusCode::kAlreadyExists:
      return "ID_USED";
    case absl::StatusCode::kResourceExhausted:
      return "OUT_OF_MEMORY";
    case absl::StatusCode::kDeadlineExceeded:
      return "DEADLINE";
    case absl::StatusCode::kCancelled:
      return "CANCELLED";
    case absl::StatusCode::kUnimplemented:
      return "UNIMPLEMENTED";
    case absl::StatusCode::kUnavailable:
      return "DRAINING";
    case absl::StatusCode::kUnauthenticated:
      return "AUTH";
    case absl::StatusCode::kPermissionDenied:
      return "FORBIDDEN";
    default:
      return "INTERNAL";
  }
}

}  // namespace

absl::Status WithReason(absl::Status status, std::string_view reason) {
  status.SetPayload(kReason, absl::Cord(ToAbsl(reason)));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  if (const auto payload = status.GetPayload(kReason)) return std::string(*payload);
  return std::string(ReasonOfCode(status.code()));
}

absl::Status OverLimit(std::string_view name, uint64_t used, uint64_t max, std::string_view what) {
  absl::Status status = Fault(absl::StatusCode::kResourceExhausted, "LIMIT", what, ": ", used,
                              ", at most ", max, " (", name, ")");
  status.SetPayload(kLimit, absl::Cord(StrCat(name, " ", used, " ", max)));
  return status;
}

std::optional<LimitHit> LimitOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kLimit);
  if (!payload) return std::nullopt;
  const std::string text(*payload);
  const std::vector<std::string_view> words = Split(text, " ");
  LimitHit hit{std::string(words.at(0))};
  (void)absl::SimpleAtoi(ToAbsl(words.at(1)), &hit.used);
  (void)absl::SimpleAtoi(ToAbsl(words.at(2)), &hit.max);
  return hit;
}

}  // namespace tensord::runtime
