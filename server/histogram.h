// Histograms of durations, one for each value of a label, for Prometheus.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "engine/base/mutex.h"
#include "prometheus/metric_family.h"

namespace tensord::server {

// Thread-safe.
class Histogram {
 public:
  void Observe(absl::Duration duration);
  void Fill(prometheus::ClientMetric* metric) const;

 private:
  static constexpr size_t kBuckets = 12;  // and one without bound

  std::array<std::atomic<uint64_t>, kBuckets + 1> counts_ = {};
  std::atomic<int64_t> total_ns_ = 0;
};

// Thread-safe. The values of the label are bounded: clients choose some of them.
class LabelledHistogram {
 public:
  static constexpr size_t kMostLabels = 64;
  static constexpr std::string_view kOther = "other";  // all further values

  void Observe(std::string_view label, absl::Duration duration);
  // `label` is the label's name. Values are in ascending order.
  prometheus::MetricFamily Family(std::string name, std::string_view help,
                                  std::string_view label) const;

 private:
  mutable Mutex mutex_;
  std::map<std::string, std::unique_ptr<Histogram>, std::less<>> by_label_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tensord::server
