// Counters and gauges of the daemon: one table (metrics.def), read by GetStats and by Prometheus.
//
//   metrics.Add(Metric::frames_in);
//   metrics.AddProbe([&engine](Metrics& m) { m.Set(Metric::launches, engine.stats().launches); });
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/histogram.h"
#include "tensord/v1/compute.pb.h"

namespace tensord::server {

enum class Metric : uint8_t {
#define METRIC(name, kind, help) name,
#include "server/metrics.def"
};

enum class HistogramMetric : uint8_t {
#define HISTOGRAM(name, label, help) name,
#include "server/metrics.def"
  kCount
};

// Thread-safe; Add and Set are one relaxed atomic operation.
class Metrics : public prometheus::Collectable {
 public:
  Metrics();

  void Add(Metric metric, int64_t amount = 1) {
    values_[static_cast<size_t>(metric)].fetch_add(amount, std::memory_order_relaxed);
  }
  void Set(Metric metric, int64_t value) {
    values_[static_cast<size_t>(metric)].store(value, std::memory_order_relaxed);
  }
  int64_t Get(Metric metric) const {
    return values_[static_cast<size_t>(metric)].load(std::memory_order_relaxed);
  }

  // Cheap, but more than Add: a lock and a look-up of the label's value.
  void Observe(HistogramMetric metric, std::string_view label, absl::Duration duration) {
    histograms_[static_cast<size_t>(metric)].Observe(label, duration);
  }

  // Called before the numbers are read, to Set those that are kept elsewhere.
  using Probe = std::function<void(Metrics&)>;
  void AddProbe(Probe probe);

  // Called for Prometheus, to add families with labels that are kept elsewhere.
  using Families = std::function<void(std::vector<prometheus::MetricFamily>&)>;
  void AddFamilies(Families families);

  // The methods whose calls are counted, once, before the first CountCall.
  void NameMethods(std::vector<std::string> names);
  void CountCall(size_t method, absl::StatusCode code, absl::Duration duration);

  // For GetStats: the rows of these names (all when empty), in ascending order of name.
  v1::StatsReply Stats(const v1::StatsRequest& request);

  // For Prometheus.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static constexpr size_t kCodes = 17;
  struct CallCounts {
    std::string method;
    std::array<std::atomic<uint64_t>, kCodes> by_code = {};
  };

  void RunProbes() const;
  prometheus::MetricFamily CallsFamily() const;

  std::array<std::atomic<int64_t>, 64> values_ = {};
  std::array<LabelledHistogram, static_cast<size_t>(HistogramMetric::kCount)> histograms_;
  std::vector<std::unique_ptr<CallCounts>> calls_;
  const absl::Time started_ = absl::Now();
  mutable std::mutex mutex_;
  std::vector<Probe> probes_;
  std::vector<Families> families_;
};

}  // namespace tensord::server
