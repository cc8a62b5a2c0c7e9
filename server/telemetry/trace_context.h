// W3C Trace Context: which trace a frame belongs to, and what in it asked for the frame.
//
//   const TraceContext context = ParseTraceparent(frame.traceparent());
//   if (context.sampled()) ...
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tensord::server::telemetry {

using TraceId = std::array<uint8_t, 16>;
using SpanId = std::array<uint8_t, 8>;  // zeroes: none

struct TraceContext {
  TraceId trace = {};
  SpanId span = {};
  uint8_t flags = 0;

  bool valid() const { return trace != TraceId{}; }
  bool sampled() const { return valid() && (flags & 1) != 0; }
  std::string trace_hex() const;  // 32 lower-case digits; "" when not valid
};

// As https://www.w3.org/TR/trace-context/#traceparent-header says: "00-<trace>-<span>-<flags>", and
// later versions by the fields that this one knows. Anything else is no context, and no error.
TraceContext ParseTraceparent(std::string_view text);

// Random and not zero. Thread-safe.
SpanId NewSpanId();

}  // namespace tensord::server::telemetry
