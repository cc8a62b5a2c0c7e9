#include "engine/base/trace.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

#include "absl/strings/str_format.h"

namespace tensord::base {
namespace trace_internal {

std::atomic<bool> enabled = false;

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace trace_internal

namespace {

constexpr int64_t kCounter = -1;  // in place of a duration

struct Event {
  char name[32];
  char detail[64];
  int64_t start_ns;
  int64_t duration_or_kind;
  int64_t value;
  int32_t thread;
};

std::mutex ring_mutex;
std::vector<Event> ring;  // once full, the oldest is at next % size
size_t ring_capacity = 0;
size_t next = 0;

int32_t ThreadId() {
  static thread_local const auto id = static_cast<int32_t>(syscall(SYS_gettid));
  return id;
}

template <size_t N>
void CopyCut(char (&to)[N], std::string_view from) {
  const size_t size = std::min(from.size(), N - 1);
  if (size > 0) std::memcpy(to, from.data(), size);
  to[size] = 0;
}

void Keep(std::string_view name, std::string_view detail, int64_t start, int64_t duration,
          int64_t value) {
  Event event{};
  CopyCut(event.name, name);
  CopyCut(event.detail, detail);
  event.start_ns = start;
  event.duration_or_kind = duration;
  event.value = value;
  event.thread = ThreadId();
  std::lock_guard lock(ring_mutex);
  if (ring_capacity == 0) return;
  if (ring.size() < ring_capacity) {
    ring.push_back(event);
  } else {
    ring[next % ring_capacity] = event;
  }
  ++next;
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    // Control characters would break the JSON, and a cut name may end inside a UTF-8 character.
    quoted +=
        static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  }
  return quoted + "\"";
}

std::string EventAsJson(const Event& event) {
  const std::string head =
      absl::StrFormat("{\"name\":%s,\"pid\":%d,\"tid\":%d,\"ts\":%.3f", Quoted(event.name),
                      ::getpid(), event.thread, static_cast<double>(event.start_ns) / 1e3);
  if (event.duration_or_kind == kCounter) {
    return absl::StrFormat("%s,\"ph\":\"C\",\"args\":{\"value\":%d}}", head, event.value);
  }
  return absl::StrFormat("%s,\"ph\":\"X\",\"dur\":%.3f,\"args\":{\"detail\":%s}}", head,
                         static_cast<double>(event.duration_or_kind) / 1e3, Quoted(event.detail));
}

}  // namespace

void trace_internal::Record(std::string_view name, std::string_view detail, int64_t start_ns,
                            int64_t duration_ns) {
  Keep(name, detail, start_ns, duration_ns, 0);
}

void StartTrace(size_t capacity) {
  std::lock_guard lock(ring_mutex);
  ring.clear();
  ring_capacity = std::max<size_t>(1, capacity);
  next = 0;
  trace_internal::enabled.store(true, std::memory_order_relaxed);
}

void StopTrace() { trace_internal::enabled.store(false, std::memory_order_relaxed); }

void TraceCounter(std::string_view name, int64_t value) {
  if (TraceEnabled()) Keep(name, {}, trace_internal::NowNs(), kCounter, value);
}

std::string TraceAsJson() {
  std::vector<Event> events;
  {
    std::lock_guard lock(ring_mutex);
    const size_t oldest = ring.size() < ring_capacity || ring.empty() ? 0 : next % ring.size();
    events.assign(ring.begin() + static_cast<ptrdiff_t>(oldest), ring.end());
    events.insert(events.end(), ring.begin(), ring.begin() + static_cast<ptrdiff_t>(oldest));
  }
  std::string json = "{\"traceEvents\":[";
  for (size_t i = 0; i < events.size(); ++i) {
    json += i == 0 ? "\n" : ",\n";
    json += EventAsJson(events[i]);
  }
  return json + "\n]}\n";
}

}  // namespace tensord::base
