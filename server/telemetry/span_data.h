// A span that has ended, as it leaves the daemon.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "server/telemetry/trace_context.h"

namespace tensord::server::telemetry {

struct SpanData {
  using Value = std::variant<bool, int64_t, std::string>;

  TraceContext context;  // its trace, its own id
  SpanId parent = {};
  std::string_view name;  // lives for ever
  bool server = false;    // its parent is in another process
  absl::Time start, end;
  std::vector<std::pair<std::string_view, Value>> attributes;  // keys live for ever
  absl::Status status;
};

}  // namespace tensord::server::telemetry
