// The rows of op_table.h, as data.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "tests/ops/op_table.h"

namespace tensord::testing_support {

struct FormsEntry {
  std::string_view rows;  // names, a space between
  std::vector<std::string_view> forms;
};
struct RangeEntry {
  std::string_view rows;
  Range range;
};
struct ToleranceEntry {
  std::string_view rows;
  Tolerance tolerance;
};
struct ReasonEntry {
  std::string_view rows;  // one row, or ROW/INPUT
  std::string_view reason;
};

// Of elementwise rows by their number of inputs, from one.
extern const std::array<std::vector<std::string_view>, 3> kElementwiseForms;
extern const std::vector<FormsEntry> kForms;
extern const std::vector<RangeEntry> kRanges;
extern const std::vector<ToleranceEntry> kTolerances;
extern const std::vector<ReasonEntry> kLeftOut;
extern const std::vector<ReasonEntry> kNotDifferenced;

}  // namespace tensord::testing_support
