#include "server/metrics.h"

#include <algorithm>

#include "absl/status/status.h"
#include "engine/base/strings.h"

namespace tensord::server {
namespace {

enum Kind { kCounter, kGauge };

struct MetricRow {
  Metric metric;
  std::string_view name;
  Kind kind;
  std::string_view help;
};

constexpr MetricRow kRows[] = {
#define METRIC(name, kind, help) {Metric::name, #name, kind, help},
#include "server/metrics.def"
};
static_assert(std::size(kRows) <= 64, "widen Metrics::values_");

struct HistogramRow {
  std::string_view name, label, help;
};

constexpr HistogramRow kHistogramRows[] = {
#define HISTOGRAM(name, label, help) {#name, #label, help},
#include "server/metrics.def"
};

prometheus::MetricFamily FamilyOf(const MetricRow& row, int64_t value) {
  prometheus::MetricFamily family;
  prometheus::ClientMetric metric;
  if (row.kind == kCounter) {
    family.name = StrCat("tensord_", row.name, "_total");
    family.type = prometheus::MetricType::Counter;
    metric.counter.value = static_cast<double>(value);
  } else {
    family.name = StrCat("tensord_", row.name);
    family.type = prometheus::MetricType::Gauge;
    metric.gauge.value = static_cast<double>(value);
  }
  family.help = std::string(row.help);
  family.metric.push_back(std::move(metric));
  return family;
}

bool Wanted(const v1::StatsRequest& request, std::string_view name) {
  return request.names().empty() ||
         std::find(request.names().begin(), request.names().end(), name) != request.names().end();
}

}  // namespace

Metrics::Metrics() = default;

void Metrics::AddProbe(Probe probe) {
  std::lock_guard lock(mutex_);
  probes_.push_back(std::move(probe));
}

void Metrics::AddFamilies(Families families) {
  std::lock_guard lock(mutex_);
  families_.push_back(std::move(families));
}

void Metrics::NameMethods(std::vector<std::string> names) {
  for (std::string& name : names) {
    calls_.push_back(std::make_unique<CallCounts>());
    calls_.back()->method = std::move(name);
  }
}

void Metrics::CountCall(size_t method, absl::StatusCode code, absl::Duration duration) {
  CallCounts& counts = *calls_[method];
  counts.by_code[std::min<size_t>(static_cast<size_t>(code), kCodes - 1)].fetch_add(1);
  Observe(HistogramMetric::call_seconds, counts.method, duration);
}

void Metrics::RunProbes() const {
  std::vector<Probe> probes;
  {
    std::lock_guard lock(mutex_);
    probes = probes_;
  }
  for (const Probe& probe : probes) probe(const_cast<Metrics&>(*this));
}

v1::StatsReply Metrics::Stats(const v1::StatsRequest& request) {
  RunProbes();
  v1::StatsReply reply;
  std::vector<const MetricRow*> rows;
  for (const MetricRow& row : kRows) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](auto* a, auto* b) { return a->name < b->name; });
  for (const MetricRow* row : rows) {
    if (!Wanted(request, row->name)) continue;
    v1::Counter& counter = *reply.add_counters();
    counter.set_name(std::string(row->name));
    counter.set_value(static_cast<uint64_t>(std::max<int64_t>(0, Get(row->metric))));
    counter.set_gauge(row->kind == kGauge);
  }
  reply.set_uptime_us(static_cast<uint64_t>(absl::ToInt64Microseconds(absl::Now() - started_)));
  reply.set_server_version(TENSORD_VERSION);
  return reply;
}

prometheus::MetricFamily Metrics::CallsFamily() const {
  prometheus::MetricFamily family;
  family.name = "tensord_calls_total";
  family.help = "Calls that ended, by method and status code";
  family.type = prometheus::MetricType::Counter;
  for (const auto& counts : calls_) {
    for (size_t code = 0; code < kCodes; ++code) {
      const uint64_t count = counts->by_code[code].load();
      if (count == 0) continue;
      prometheus::ClientMetric metric;
      metric.label = {{"method", counts->method},
                      {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))}};
      metric.counter.value = static_cast<double>(count);
      family.metric.push_back(std::move(metric));
    }
  }
  return family;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  RunProbes();
  std::vector<prometheus::MetricFamily> families;
  for (const MetricRow& row : kRows) families.push_back(FamilyOf(row, Get(row.metric)));
  families.push_back(CallsFamily());
  for (size_t i = 0; i < std::size(kHistogramRows); ++i) {
    const HistogramRow& row = kHistogramRows[i];
    families.push_back(histograms_[i].Family(StrCat("tensord_", row.name), row.help, row.label));
  }
  std::vector<Families> others;
  {
    std::lock_guard lock(mutex_);
    others = families_;
  }
  for (const Families& add : others) add(families);
  return families;
}

}  // namespace tensord::server
