#include "server/principal_metrics.h"

#include <cstdint>

namespace tensord::server {
namespace {

struct Row {
  const char* name;
  const char* help;
  prometheus::MetricType type;
  double (*value)(const Account& account);
};

constexpr Row kRows[] = {
    {"tensord_principal_device_seconds_total", "Device time, by principal",
     prometheus::MetricType::Counter,
     [](const Account& a) { return static_cast<double>(a.lane->BusyNanoseconds()) * 1e-9; }},
    {"tensord_principal_sessions", "Sessions that live, by principal",
     prometheus::MetricType::Gauge,
     [](const Account& a) { return static_cast<double>(a.sessions.load()); }},
    {"tensord_principal_resident_bytes", "Device memory that values hold, by principal",
     prometheus::MetricType::Gauge,
     [](const Account& a) { return static_cast<double>(a.resident->used.load()); }},
    {"tensord_principal_staging_bytes", "Host memory of unbound uploads, by principal",
     prometheus::MetricType::Gauge,
     [](const Account& a) { return static_cast<double>(a.staging->used.load()); }},
    {"tensord_principal_nodes", "Living graph nodes, by principal", prometheus::MetricType::Gauge,
     [](const Account& a) { return static_cast<double>(a.nodes->used.load()); }},
    {"tensord_principal_in_flight", "Commands that have not ended, by principal",
     prometheus::MetricType::Gauge,
     [](const Account& a) { return static_cast<double>(a.in_flight->used.load()); }},
};

}  // namespace

void AddPrincipalFamilies(const SessionTable& table,
                          std::vector<prometheus::MetricFamily>& families) {
  const auto accounts = table.Accounts();
  for (const Row& row : kRows) {
    prometheus::MetricFamily family{row.name, row.help, row.type, {}};
    for (const auto& account : accounts) {
      prometheus::ClientMetric metric;
      metric.label = {{"principal", account->principal.name}};
      (row.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) =
          row.value(*account);
      family.metric.push_back(std::move(metric));
    }
    families.push_back(std::move(family));
  }
}

}  // namespace tensord::server
