#include "server/access_log.h"

#include "engine/base/log.h"

namespace tensord::server {
namespace {

base::LogLevel LevelOf(const transport::Method& method, const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return base::LogLevel::kError;
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
      break;
    default:
      return base::LogLevel::kInfo;
  }
  const bool stream = method.budget == Budget::kSession || method.budget == Budget::kTransfer;
  return stream ? base::LogLevel::kInfo : base::LogLevel::kDebug;
}

}  // namespace

void LogCall(const transport::Method& method, const Peer& peer,
             const transport::CallTotals& totals) {
  const base::LogLevel level = LevelOf(method, totals.status);
  TENSORD_LOG(level, "call", {"method", method.path}, {"peer", peer.address},
              {"code", absl::StatusCodeToString(totals.status.code())},
              {"error", std::string(totals.status.message())},
              {"us", absl::ToInt64Microseconds(totals.ended - totals.started)},
              {"messages_in", totals.messages_in}, {"messages_out", totals.messages_out},
              {"bytes_in", totals.bytes_in}, {"bytes_out", totals.bytes_out});
}

}  // namespace tensord::server
