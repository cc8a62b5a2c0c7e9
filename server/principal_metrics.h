// What each principal uses, for Prometheus: labelled by principal, never by session.
#pragma once

#include <vector>

#include "prometheus/metric_family.h"
#include "server/session_table.h"

namespace tensord::server {

void AddPrincipalFamilies(const SessionTable& table,
                          std::vector<prometheus::MetricFamily>& families);

}  // namespace tensord::server
