#include "clients/cpp/tensord/errors.h"

#include <algorithm>
#include <string_view>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/tensord/sources.h"

namespace tensord::client {
namespace {

constexpr char kFaultUrl[] = "type.googleapis.com/tensord.v1.Fault";
constexpr size_t kMostPoisoned = 4096;

absl::StatusCode CodeOf(uint32_t code) {
  return code >= 1 && code <= 16 ? static_cast<absl::StatusCode>(code) : absl::StatusCode::kUnknown;
}

std::vector<uint64_t> IdsOf(const v1::Fault& fault) {
  std::vector<uint64_t> ids;
  for (const v1::IdSpan& span : fault.poisoned()) {
    for (uint64_t i = 0; i < std::max(span.count(), 1u) && ids.size() < kMostPoisoned; ++i) {
      ids.push_back(span.first() + i);
    }
  }
  return ids;
}

FaultInfo InfoOf(const v1::Fault& fault) {
  FaultInfo info;
  info.reason = fault.reason();
  info.message = fault.message();
  info.op = fault.op();
  info.node = fault.node();
  info.cause = fault.cause();
  info.poisoned = IdsOf(fault);
  if (const std::optional<v1::Source> source = FindSource(fault.source())) {
    info.file = source->file();
    info.line = source->line();
    info.function = source->function();
  }
  info.retry_after = absl::Milliseconds(static_cast<int64_t>(fault.retry_after_ms()));
  info.limit = fault.limit();
  info.used = fault.used();
  info.max = fault.max();
  info.fatal = fault.fatal();
  return info;
}

// The reason in front of "SHAPE: add: …", or empty.
std::string_view ReasonIn(std::string_view message) {
  const size_t end = message.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
  if (end == message.npos || end < 2 || message.substr(end, 2) != ": ") return {};
  return message.substr(0, end);
}

}  // namespace

std::optional<FaultInfo> FaultOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kFaultUrl);
  v1::Fault fault;
  if (!payload.has_value() || !fault.ParseFromString(std::string(*payload))) return std::nullopt;
  return InfoOf(fault);
}

absl::Status StatusOf(const v1::Fault& fault) {
  const std::string place = PlaceOf(InfoOf(fault));
  absl::Status status(CodeOf(fault.code()), place.empty()
                                                ? fault.message()
                                                : absl::StrCat(fault.message(), " (", place, ")"));
  status.SetPayload(kFaultUrl, absl::Cord(fault.SerializeAsString()));
  return status;
}

absl::Status StatusOf(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = status.error_message();
  const std::string_view reason = ReasonIn(message);
  if (reason.empty())
    return absl::Status(CodeOf(static_cast<uint32_t>(status.error_code())), message);
  v1::Fault fault;
  fault.set_code(static_cast<uint32_t>(status.error_code()));
  fault.set_reason(std::string(reason));
  fault.set_message(message.substr(reason.size() + 2));
  return StatusOf(fault);
}

std::string PlaceOf(const FaultInfo& fault) {
  return fault.file.empty() ? "" : absl::StrCat(fault.file, ":", fault.line);
}

}  // namespace tensord::client
