#include "engine/base/settings.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>

#include "absl/strings/numbers.h"
#include "engine/base/strings.h"

namespace tensord::base {
namespace {

constexpr std::string_view kPrefix = "TENSORD_";

// Each Parse reads `text` into `*value`, or leaves it alone and returns what was expected instead.
std::string Parse(std::string_view text, std::string_view, bool* value) {
  return absl::SimpleAtob(ToAbsl(text), value) ? "" : "true or false";
}

std::string Parse(std::string_view text, std::string_view allowed, int64_t* value) {
  int64_t number = 0, low = INT64_MIN, high = INT64_MAX;
  if (const size_t dots = allowed.find(".."); dots != std::string_view::npos) {
    (void)absl::SimpleAtoi(ToAbsl(allowed.substr(0, dots)), &low);
    (void)absl::SimpleAtoi(ToAbsl(allowed.substr(dots + 2)), &high);
  }
  if (!absl::SimpleAtoi(ToAbsl(text), &number) || number < low || number > high) {
    return StrCat("a whole number from ", low, " to ", high);
  }
  *value = number;
  return "";
}

std::string Parse(std::string_view text, std::string_view allowed, std::string* value) {
  if (!allowed.empty()) {
    const std::vector<std::string_view> choices = Split(allowed, "|");
    if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
      return StrCat("one of ", allowed);
    }
  }
  *value = std::string(text);
  return "";
}

std::string_view TypeName(const bool*) { return "bool"; }
std::string_view TypeName(const int64_t*) { return "int"; }
std::string_view TypeName(const std::string*) { return "string"; }

std::string Text(bool value) { return value ? "true" : "false"; }
std::string Text(int64_t value) { return StrCat(value); }
std::string Text(const std::string& value) { return value; }

// Reads `text` into the knob called `name` (without prefix): false when there is no such knob.
bool Assign(Settings& settings, std::string_view name, std::string_view text,
            std::string* expected) {
#define TENSORD_SETTINGS_ASSIGN(type, field, knob, default_value, allowed, doc) \
  if (name == knob) {                                                           \
    *expected = Parse(text, allowed, &settings.field);                          \
    return true;                                                                \
  }
  TENSORD_SETTINGS(TENSORD_SETTINGS_ASSIGN)
#undef TENSORD_SETTINGS_ASSIGN
  return false;
}

// Every Settings ever in force: references handed out stay valid.
struct Holder {
  std::mutex mutex;
  std::vector<std::unique_ptr<const Settings>> all;
  std::atomic<const Settings*> current = nullptr;

  void Put(Settings settings) {
    all.push_back(std::make_unique<const Settings>(std::move(settings)));
    current.store(all.back().get(), std::memory_order_release);
  }
};

Holder& TheHolder() {
  static Holder* const holder = new Holder;  // outlives static destructors that still log
  return *holder;
}

}  // namespace

std::vector<SettingRow> SettingTable() {
  const Settings defaults;
  std::vector<SettingRow> rows;
#define TENSORD_SETTINGS_ROW(type, field, name, default_value, allowed, doc) \
  rows.push_back({name, TypeName(&defaults.field), Text(defaults.field), allowed, doc});
  TENSORD_SETTINGS(TENSORD_SETTINGS_ROW)
#undef TENSORD_SETTINGS_ROW
  return rows;
}

Settings ParseSettings(std::span<const std::string> environment,
                       std::vector<std::string>* problems) {
  Settings settings;
  for (std::string_view entry : environment) {
    const size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view name = entry.substr(0, equals), text = entry.substr(equals + 1);
    std::string expected;
    if (Assign(settings, name.substr(kPrefix.size()), text, &expected) && !expected.empty() &&
        problems != nullptr) {
      problems->push_back(StrCat(name, "=\"", text, "\": expected ", expected));
    }
  }
  return settings;
}

std::vector<std::string> UnknownSettings(std::span<const std::string> environment,
                                         std::span<const std::string_view> also_known) {
  std::vector<std::string> unknown;
  for (std::string_view entry : environment) {
    const std::string_view name = entry.substr(0, entry.find('='));
    if (!name.starts_with(kPrefix)) continue;
    Settings scratch;
    std::string expected;
    const bool known = Assign(scratch, name.substr(kPrefix.size()), "", &expected) ||
                       std::find(also_known.begin(), also_known.end(), name) != also_known.end();
    if (!known) unknown.emplace_back(name);
  }
  std::sort(unknown.begin(), unknown.end());
  return unknown;
}

std::vector<std::string> ProcessEnvironment() {
  std::vector<std::string> entries;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    entries.emplace_back(*entry);
  }
  return entries;
}

const Settings& GetSettings() {
  Holder& holder = TheHolder();
  if (const Settings* settings = holder.current.load(std::memory_order_acquire)) return *settings;
  std::lock_guard lock(holder.mutex);
  if (holder.current.load(std::memory_order_relaxed) == nullptr) {
    holder.Put(ParseSettings(ProcessEnvironment(), nullptr));
  }
  return *holder.current.load(std::memory_order_relaxed);
}

void OverrideSettings(Settings settings) {
  Holder& holder = TheHolder();
  std::lock_guard lock(holder.mutex);
  holder.Put(std::move(settings));
}

bool DumpWanted(std::string_view pass) {
  const std::string& dump = GetSettings().dump;
  if (dump.empty()) return false;
  for (std::string_view name : Split(dump, ",")) {
    if (name == "all" || name == pass) return true;
  }
  return false;
}

}  // namespace tensord::base
