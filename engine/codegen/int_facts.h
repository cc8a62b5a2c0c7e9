// What is known of the integer registers of a kernel: bounds and a common divisor. Renderers use it
// for alignment, for cheaper division and for loops that surely run.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "engine/kernel/linear.h"

namespace tensord::codegen {

// Of every lane: min <= value <= max and value is a multiple of `multiple` (0: value is 0).
struct IntFact {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
  int64_t multiple = 1;

  bool constant() const { return min == max; }
  bool Within(int64_t lo, int64_t hi) const { return lo <= min && max <= hi; }
  // The largest power of two, at most `limit` (itself one), that divides the value.
  int64_t PowerOfTwo(int64_t limit) const;
};

// One per register; registers of floats, loaded integers and accumulators have the bounds of their
// dtype (u64: none).
std::vector<IntFact> FindIntFacts(const kernel::Linear& kernel);

}  // namespace tensord::codegen
