#include "engine/base/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <mutex>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "engine/base/settings.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

constexpr std::string_view kLevelNames[] = {"debug", "info", "warning", "error", "off"};

std::atomic<int> log_fd = 2;
std::mutex write_mutex;
thread_local const std::string* log_trace = nullptr;

LogLevel LevelInForce() {
  const std::string& name = GetSettings().log_level;
  for (uint8_t i = 0; i < std::size(kLevelNames); ++i) {
    if (name == kLevelNames[i]) return static_cast<LogLevel>(i);
  }
  return LogLevel::kInfo;
}

// `text` as a JSON string; the escapes are good for text lines too.
void AppendQuoted(std::string& line, std::string_view text) {
  line += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&line, "\\u%04x", static_cast<unsigned>(c));
    } else {
      line += c;
    }
  }
  line += '"';
}

bool NeedsQuotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '"' || c == '=' || c == '\\') return true;
  }
  return false;
}

void AppendText(std::string& line, std::string_view key, std::string_view value, bool) {
  StrAppend(&line, line.empty() ? "" : " ", key, "=");
  if (NeedsQuotes(value)) {
    AppendQuoted(line, value);
  } else {
    StrAppend(&line, value);
  }
}

void AppendJson(std::string& line, std::string_view key, std::string_view value, bool quoted) {
  line += line.empty() ? "{" : ",";
  AppendQuoted(line, key);
  line += ':';
  if (quoted) {
    AppendQuoted(line, value);
  } else {
    StrAppend(&line, value);
  }
}

void WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nowhere left to complain to
    text.remove_prefix(static_cast<size_t>(written));
  }
}

}  // namespace

// JSON has no NaN and no infinities: they become strings.
LogField::LogField(std::string_view k, double v)
    : key(k), value(StrCat(v)), quoted(!std::isfinite(v)) {}

bool LogEnabled(LogLevel level) { return level >= LevelInForce(); }

std::string FormatLogLine(LogFormat format, LogLevel level, int64_t unix_micros,
                          std::string_view message, std::initializer_list<LogField> fields) {
  const auto append = format == LogFormat::kJson ? AppendJson : AppendText;
  std::string line;
  append(line, "time",
         absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMicros(unix_micros),
                          absl::UTCTimeZone()),
         true);
  append(line, "level", kLevelNames[static_cast<int>(level)], true);
  append(line, "msg", message, true);
  for (const LogField& field : fields) append(line, field.key, field.value, field.quoted);
  if (log_trace != nullptr && !log_trace->empty()) append(line, "trace_id", *log_trace, true);
  line += format == LogFormat::kJson ? "}\n" : "\n";
  return line;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  const LogFormat format = GetSettings().log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  const std::string line =
      FormatLogLine(format, level, absl::GetCurrentTimeNanos() / 1000, message, fields);
  std::lock_guard lock(write_mutex);
  WriteAll(log_fd.load(), line);
}

ScopedLogTrace::ScopedLogTrace(std::string trace_id)
    : trace_id_(std::move(trace_id)), outer_(std::exchange(log_trace, &trace_id_)) {}

ScopedLogTrace::~ScopedLogTrace() { log_trace = outer_; }

void SetLogFd(int fd) { log_fd.store(fd); }

}  // namespace tensord::base
