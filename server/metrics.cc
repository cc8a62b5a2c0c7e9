#include "server/metrics.h"

#include <algorithm>
#include <limits>

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
#undef METRIC
};
static_assert(std::size(kRows) <= 64, "widen Metrics::values_");

// Upper bounds of the duration buckets, in seconds.
constexpr double kBounds[] = {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3,
                              5e-3,  20e-3,  0.1,    0.5,    2.0,  10.0};

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
  const double seconds = absl::ToDoubleSeconds(duration);
  const size_t bucket =
      std::lower_bound(std::begin(kBounds), std::end(kBounds), seconds) - std::begin(kBounds);
  counts.by_duration[bucket].fetch_add(1);
  counts.total_ns.fetch_add(absl::ToInt64Nanoseconds(duration));
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

prometheus::MetricFamily Metrics::DurationsFamily() const {
  prometheus::MetricFamily family;
  family.name = "tensord_call_seconds";
  family.help = "How long calls took, by method";
  family.type = prometheus::MetricType::Histogram;
  for (const auto& counts : calls_) {
    prometheus::ClientMetric metric;
    metric.label = {{"method", counts->method}};
    uint64_t sum = 0;
    for (size_t i = 0; i <= kBuckets; ++i) {
      sum += counts->by_duration[i].load();
      const double bound = i < kBuckets ? kBounds[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({sum, bound});
    }
    if (sum == 0) continue;
    metric.histogram.sample_count = sum;
    metric.histogram.sample_sum = static_cast<double>(counts->total_ns.load()) * 1e-9;
    family.metric.push_back(std::move(metric));
  }
  return family;
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  RunProbes();
  std::vector<prometheus::MetricFamily> families;
  for (const MetricRow& row : kRows) families.push_back(FamilyOf(row, Get(row.metric)));
  families.push_back(CallsFamily());
  families.push_back(DurationsFamily());
  std::vector<Families> others;
  {
    std::lock_guard lock(mutex_);
    others = families_;
  }
  for (const Families& add : others) add(families);
  return families;
}

}  // namespace tensord::server
