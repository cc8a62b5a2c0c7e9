// What the benchmark programs share: medians, and the row of deploy/dev bench that they print, one
// JSON object a line (tests/bench/README.md says what the fields mean).
#pragma once

#include <algorithm>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "engine/base/strings.h"

namespace tensord::bench {

// REQUIRES: values is not empty; share from 0 to 1.
inline double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

inline double Median(const std::vector<double>& values) { return Quantile(values, 0.5); }

// The distance of the quartiles, as a share of the median.
inline double Spread(const std::vector<double>& values) {
  return (Quantile(values, 0.75) - Quantile(values, 0.25)) / Median(values);
}

struct Row {
  std::string name;
  std::string unit;
  int threads = 1;
  double ours = 0;
  std::optional<double> peer = {};
  std::string peer_name = {}, peer_version = {};  // empty: null
  std::optional<double> ratio = {}, limit = {}, of_limit = {}, max_error = {}, allowed = {},
                        spread = {};
};

inline void Print(const Row& row) {
  const auto number = [](const std::optional<double>& value) {
    return value.has_value() ? absl::StrFormat("%.6g", *value) : std::string("null");
  };
  const auto text = [](const std::string& value) {
    return value.empty() ? std::string("null") : StrCat("\"", value, "\"");
  };
  const std::string line = StrCat(
      "{\"name\": \"", row.name, "\", \"unit\": \"", row.unit, "\", \"threads\": ", row.threads,
      ", \"ours\": ", number(row.ours), ", \"peer\": ", number(row.peer),
      ", \"peer_name\": ", text(row.peer_name), ", \"peer_version\": ", text(row.peer_version),
      ", \"ratio\": ", number(row.ratio), ", \"limit\": ", number(row.limit),
      ", \"of_limit\": ", number(row.of_limit), ", \"max_error\": ", number(row.max_error),
      ", \"allowed\": ", number(row.allowed), ", \"spread\": ", number(row.spread), "}\n");
  std::fputs(line.c_str(), stdout);
}

}  // namespace tensord::bench
