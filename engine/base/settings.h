// The engine's knobs: one table, read once from the environment as TENSORD_<NAME>.
//
//   if (GetSettings().debug >= 2) LOG_INFO("launch", {"kernel", name});
//   if (DumpWanted("fuse")) std::fputs(Print(function).c_str(), stderr);
//
// A new knob is one row below: type, field, NAME, default, allowed values, documentation. Allowed
// values are "low..high" for an int, "a|b|c" for a string, "" for anything.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// clang-format off
#define TENSORD_SETTINGS(ROW)                                                                     \
  ROW(std::string, dump, "DUMP", "", "",                                                          \
      "passes whose graph is printed before and after, separated by commas; all prints every one") \
  ROW(int64_t, debug, "DEBUG", 0, "0..9",                                                         \
      "1 prints a line per plan, 2 prints a line per kernel launch with its time and rates")      \
  ROW(int64_t, threads, "THREADS", 0, "0..1024",                                                  \
      "threads of the llvm and cpu devices; 0 takes the cores that affinity and cgroup allow")    \
  ROW(std::string, cache_dir, "CACHE_DIR", "", "",                                                \
      "folder of compiled kernels and plans, of mode 0700; empty keeps nothing on disk")          \
  ROW(int64_t, compile_workers, "COMPILE_WORKERS", 0, "0..256",                                   \
      "processes that compile kernels; 0 takes one per core")                                     \
  ROW(int64_t, compile_timeout_ms, "COMPILE_TIMEOUT_MS", 20000, "1..3600000",                     \
      "a worker that compiles one kernel for longer is killed and the kernel quarantined")        \
  ROW(bool, validate, "VALIDATE", false, "",                                                      \
      "runs every kernel on a second device too and compares the results")                        \
  ROW(int64_t, schedule_seed, "SCHEDULE_SEED", 0, "0..9223372036854775807",                       \
      "0 schedules by heuristic, anything else draws each schedule at random from this seed")     \
  ROW(std::string, log_format, "LOG_FORMAT", "text", "text|json",                                 \
      "log lines as key=value text or as JSON objects")                                           \
  ROW(std::string, log_level, "LOG_LEVEL", "info", "debug|info|warning|error|off",                \
      "the least severe level that is written")
// clang-format on

namespace tensord::base {

// The value of every knob, by its field name.
struct Settings {
#define TENSORD_SETTINGS_FIELD(type, field, name, default_value, allowed, doc) \
  type field = default_value;
  TENSORD_SETTINGS(TENSORD_SETTINGS_FIELD)
#undef TENSORD_SETTINGS_FIELD
};

// A row of the table as text, for --help, the README and tests.
struct SettingRow {
  std::string_view name;  // without the TENSORD_ prefix
  std::string_view type;  // "string", "int" or "bool"
  std::string default_value;
  std::string_view allowed;
  std::string_view doc;
};
std::vector<SettingRow> SettingTable();

// Reads "TENSORD_NAME=value" entries. A malformed value keeps the default; it is reported in
// `problems` (when not null) with what was expected. Other variables are left alone.
Settings ParseSettings(std::span<const std::string> environment,
                       std::vector<std::string>* problems);

// The TENSORD_* names in `environment` that are neither knobs nor in `also_known`
// (full names such as "TENSORD_ADDR"), sorted.
std::vector<std::string> UnknownSettings(std::span<const std::string> environment,
                                         std::span<const std::string_view> also_known);

// This process's environment as "NAME=value" entries.
std::vector<std::string> ProcessEnvironment();

// The settings of this process: the environment at first use, or what OverrideSettings put in
// place. Thread-safe; the reference stays valid for ever.
const Settings& GetSettings();

// Replaces the settings (flags beat the environment, and tests set knobs). Earlier references keep
// their old values.
void OverrideSettings(Settings settings);

// Whether DUMP names this pass or says "all".
bool DumpWanted(std::string_view pass);

// Sets knobs for one scope:  ScopedSettings scope([](Settings& s) { s.schedule_seed = 7; });
class ScopedSettings {
 public:
  template <typename Change>
  explicit ScopedSettings(Change change) : before_(GetSettings()) {
    Settings settings = before_;
    change(settings);
    OverrideSettings(std::move(settings));
  }
  ~ScopedSettings() { OverrideSettings(before_); }
  ScopedSettings(const ScopedSettings&) = delete;
  ScopedSettings& operator=(const ScopedSettings&) = delete;

 private:
  Settings before_;
};

}  // namespace tensord::base
