#include "server/histogram.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/strings.h"

namespace tensord::server {
namespace {

// Upper bounds of the buckets, in seconds.
constexpr double kBounds[] = {50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3,
                              5e-3,  20e-3,  0.1,    0.5,    2.0,  10.0};

}  // namespace

void Histogram::Observe(absl::Duration duration) {
  static_assert(std::size(kBounds) == kBuckets);
  const double seconds = absl::ToDoubleSeconds(duration);
  const auto bucket =
      std::lower_bound(std::begin(kBounds), std::end(kBounds), seconds) - std::begin(kBounds);
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  total_ns_.fetch_add(absl::ToInt64Nanoseconds(duration), std::memory_order_relaxed);
}

void Histogram::Fill(prometheus::ClientMetric* metric) const {
  uint64_t sum = 0;
  for (size_t i = 0; i <= kBuckets; ++i) {
    sum += counts_[i].load(std::memory_order_relaxed);
    const double bound = i < kBuckets ? kBounds[i] : std::numeric_limits<double>::infinity();
    metric->histogram.bucket.push_back({sum, bound});
  }
  metric->histogram.sample_count = sum;
  metric->histogram.sample_sum =
      static_cast<double>(total_ns_.load(std::memory_order_relaxed)) * 1e-9;
}

void LabelledHistogram::Observe(std::string_view label, absl::Duration duration) {
  Histogram* histogram = nullptr;
  {
    MutexLock lock(mutex_);
    auto found = by_label_.find(label);
    if (found == by_label_.end()) {
      if (by_label_.size() >= kMostLabels) label = kOther;
      found = by_label_.try_emplace(std::string(label), nullptr).first;
      if (found->second == nullptr) found->second = std::make_unique<Histogram>();
    }
    histogram = found->second.get();
  }
  histogram->Observe(duration);
}

prometheus::MetricFamily LabelledHistogram::Family(std::string name, std::string_view help,
                                                   std::string_view label) const {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::string(help);
  family.type = prometheus::MetricType::Histogram;
  MutexLock lock(mutex_);
  for (const auto& [value, histogram] : by_label_) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = {{std::string(label), value}};
    histogram->Fill(&metric);
  }
  return family;
}

}  // namespace tensord::server
