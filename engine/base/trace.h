// Spans and counters in a ring buffer, exported as Chrome trace JSON (chrome://tracing, Perfetto).
// While tracing is off a span costs one relaxed load.
//
//   void Compile(...) {
//     TraceSpan span("compile", kernel_name);
//     ...
//   }
//   TraceCounter("queue_depth", queue.size());
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace tensord::base {

namespace trace_internal {
extern std::atomic<bool> enabled;
int64_t NowNs();
void Record(std::string_view name, std::string_view detail, int64_t start_ns, int64_t duration_ns);
}  // namespace trace_internal

// Turns tracing on, keeping the newest `capacity` events, and forgets earlier ones.
void StartTrace(size_t capacity = 65536);
void StopTrace();  // what was kept stays exportable
inline bool TraceEnabled() { return trace_internal::enabled.load(std::memory_order_relaxed); }

// The kept events, oldest first, as {"traceEvents":[…]}. Thread-safe, like all of this file.
std::string TraceAsJson();

void TraceCounter(std::string_view name, int64_t value);

// A span from construction to the end of the scope, on this thread's line. Names and details longer
// than 31 and 63 bytes are cut. Both must live as long as the span.
class TraceSpan {
 public:
  explicit TraceSpan(std::string_view name, std::string_view detail = {})
      : start_ns_(TraceEnabled() ? trace_internal::NowNs() : -1), name_(name), detail_(detail) {}
  ~TraceSpan() {
    if (start_ns_ >= 0) {
      trace_internal::Record(name_, detail_, start_ns_, trace_internal::NowNs() - start_ns_);
    }
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  const int64_t start_ns_;
  const std::string_view name_;
  const std::string_view detail_;
};

}  // namespace tensord::base
