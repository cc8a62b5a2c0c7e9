// Structured logs: one line per event on stderr, key=value text or JSON (TENSORD_LOG_FORMAT).
//
//   LOG_INFO("session opened", {"principal", principal}, {"id", 3});
//   → time=2026-01-02T03:04:05.678Z level=info msg="session opened" principal=uid:0 id=3
//
// Thread-safe; a line is written whole. Fields are not evaluated below the level in force. Within a
// ScopedLogTrace lines end with the trace that they belong to.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace tensord::base {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
enum class LogFormat : uint8_t { kText, kJson };

// A key and its value as text; `quoted` values are strings in JSON, the others numbers or booleans.
struct LogField {
  LogField(std::string_view k, std::string_view v) : key(k), value(v), quoted(true) {}
  LogField(std::string_view k, const char* v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : LogField(k, std::string_view(v)) {}
  LogField(std::string_view k, const absl::Status& v) : key(k), value(v.ToString()), quoted(true) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  LogField(std::string_view k, double v);
  template <typename T>
    requires std::is_integral_v<T>
  LogField(std::string_view k, T v) : key(k), value(std::to_string(v)) {}

  std::string_view key;
  std::string value;
  bool quoted = false;
};

bool LogEnabled(LogLevel level);
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

// The line (with its newline) that Log would write at `unix_micros`.
std::string FormatLogLine(LogFormat format, LogLevel level, int64_t unix_micros,
                          std::string_view message, std::initializer_list<LogField> fields);

// While it lives, lines that this thread writes have a last field trace_id, unless `trace_id` is
// empty. Scopes nest.
class ScopedLogTrace {
 public:
  explicit ScopedLogTrace(std::string trace_id);
  ~ScopedLogTrace();
  ScopedLogTrace(const ScopedLogTrace&) = delete;
  ScopedLogTrace& operator=(const ScopedLogTrace&) = delete;

 private:
  const std::string trace_id_;
  const std::string* const outer_;
};

// Where lines go: a file descriptor that stays open, 2 from the start.
void SetLogFd(int fd);

}  // namespace tensord::base

#define TENSORD_LOG(level, message, ...)                   \
  do {                                                     \
    if (::tensord::base::LogEnabled(level)) {              \
      ::tensord::base::Log(level, message, {__VA_ARGS__}); \
    }                                                      \
  } while (false)
#define LOG_DEBUG(...) TENSORD_LOG(::tensord::base::LogLevel::kDebug, __VA_ARGS__)
#define LOG_INFO(...) TENSORD_LOG(::tensord::base::LogLevel::kInfo, __VA_ARGS__)
#define LOG_WARNING(...) TENSORD_LOG(::tensord::base::LogLevel::kWarning, __VA_ARGS__)
#define LOG_ERROR(...) TENSORD_LOG(::tensord::base::LogLevel::kError, __VA_ARGS__)
