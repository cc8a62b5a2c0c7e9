// stats, cache, kernels, sessions: what GetStats counts.
#include <algorithm>
#include <cstdio>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "clients/cpp/tensorctl/commands.h"

namespace tensord::ctl {
namespace {

using Counters = std::map<std::string, int64_t>;

// All of these counters. Errors: NOT_FOUND names one that the daemon lacks.
absl::StatusOr<Counters> Read(const Arguments& arguments, const std::vector<std::string>& names) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return daemon.status();
  const auto reply = daemon->GetStats(names);
  if (!reply.ok()) return reply.status();
  Counters counters;
  for (const v1::Counter& counter : reply->counters()) {
    counters[counter.name()] = static_cast<int64_t>(counter.value());
  }
  for (const std::string& name : names) {
    if (!counters.contains(name)) {
      return absl::NotFoundError(absl::StrCat("the daemon counts nothing called ", name,
                                              "; `tensorctl stats` lists what it counts"));
    }
  }
  return counters;
}

// A table of one row: the counters under titles for people.
struct Shown {
  std::string name, title;
  Format format = Format::kPlain;
};

ExitCode PrintCounters(const Arguments& arguments, const std::vector<Shown>& shown) {
  std::vector<std::string> names;
  for (const Shown& row : shown) names.push_back(row.name);
  auto counters = Read(arguments, names);
  if (!counters.ok()) return Report(counters.status());
  Table table{{}, {{}}, true};
  for (const Shown& row : shown) {
    table.columns.push_back({row.name, row.title, row.format});
    table.rows[0].push_back((*counters)[row.name]);
  }
  return Print(arguments, table);
}

std::string KindName(v1::EventKind kind) {
  std::string name = v1::EventKind_Name(kind).substr(sizeof("EVENT_KIND_SESSION_") - 1);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return name;
}

void PrintEvent(const Arguments& arguments, const v1::Event& event) {
  const std::string time =
      absl::FormatTime(absl::FromUnixMicros(static_cast<int64_t>(event.unix_us())));
  const Table table{{{"time", "TIME"},
                     {"event", "EVENT"},
                     {"session", "SESSION"},
                     {"label", "LABEL"},
                     {"principal", "PRINCIPAL"},
                     {"message", "MESSAGE"}},
                    {{time, KindName(event.kind()), absl::BytesToHexString(event.session()),
                      event.label(), event.principal(), event.message()}},
                    true};
  if (arguments.json) {
    std::fputs(ToJson(table).c_str(), stdout);
  } else {
    for (const Cell& cell : table.rows[0]) std::printf("%s  ", std::get<std::string>(cell).c_str());
    std::printf("\n");
  }
  std::fflush(stdout);
}

ExitCode FollowSessions(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  v1::WatchRequest request;
  for (const v1::EventKind kind : {v1::EVENT_KIND_SESSION_OPENED, v1::EVENT_KIND_SESSION_DETACHED,
                                   v1::EVENT_KIND_SESSION_RESUMED, v1::EVENT_KIND_SESSION_CLOSED}) {
    request.add_kinds(kind);
  }
  return Report(daemon->Watch(request, [&](v1::Event& event) {
    PrintEvent(arguments, event);
    return true;
  }));
}

}  // namespace

ExitCode ShowStats(const Arguments& arguments) {
  const auto daemon = DaemonOf(arguments);
  if (!daemon.ok()) return Report(daemon.status());
  if (const auto named = Read(arguments, arguments.words); !named.ok()) {
    return Report(named.status());
  }
  const auto reply = daemon->GetStats(arguments.words);
  if (!reply.ok()) return Report(reply.status());
  Table table{{{"name", "NAME"}, {"value", "VALUE"}, {"kind", "KIND"}}, {}};
  for (const v1::Counter& counter : reply->counters()) {
    table.rows.push_back({counter.name(), static_cast<int64_t>(counter.value()),
                          std::string(counter.gauge() ? "gauge" : "counter")});
  }
  if (arguments.words.empty()) {
    table.rows.push_back(
        {std::string("uptime_us"), static_cast<int64_t>(reply->uptime_us()), std::string("gauge")});
  }
  return Print(arguments, table);
}

// A row for each of the two caches: graphs to plans, kernels to machine code.
ExitCode ShowCache(const Arguments& arguments) {
  auto counters = Read(arguments, {"plan_hits", "plan_disk_hits", "plans_made",
                                   "kernel_memory_hits", "kernel_disk_hits", "kernels_compiled"});
  if (!counters.ok()) return Report(counters.status());
  Table table{{{"cache", "CACHE"},
               {"memory_hits", "IN MEMORY"},
               {"disk_hits", "ON DISK"},
               {"misses", "MADE ANEW"},
               {"hit_rate", "HIT RATE", Format::kPercent}},
              {}};
  const auto add = [&](const char* cache, int64_t memory, int64_t disk, int64_t misses) {
    const int64_t asked = std::max<int64_t>(memory + disk + misses, 1);
    table.rows.push_back({std::string(cache), memory, disk, misses,
                          static_cast<double>(memory + disk) / static_cast<double>(asked)});
  };
  Counters& c = *counters;
  add("plans", c["plan_hits"], c["plan_disk_hits"], c["plans_made"]);
  add("kernels", c["kernel_memory_hits"], c["kernel_disk_hits"], c["kernels_compiled"]);
  return Print(arguments, table);
}

ExitCode ShowKernels(const Arguments& arguments) {
  return PrintCounters(arguments, {{"kernels_compiled", "compiled"},
                                   {"compile_failures", "failed to compile"},
                                   {"compile_us", "time compiling", Format::kMicroseconds},
                                   {"kernel_memory_hits", "found in memory"},
                                   {"kernel_disk_hits", "found on disk"},
                                   {"launches", "launches"}});
}

// The wire lists no sessions: their numbers, or with --follow what happens to them.
ExitCode ShowSessions(const Arguments& arguments) {
  if (arguments.follow) return FollowSessions(arguments);
  return PrintCounters(arguments, {{"sessions", "alive"},
                                   {"session_streams", "connected"},
                                   {"sessions_opened", "opened so far"},
                                   {"transfers", "transfers open"},
                                   {"resident_bytes", "device memory", Format::kBytes},
                                   {"staging_bytes", "unbound uploads", Format::kBytes}});
}

}  // namespace tensord::ctl
