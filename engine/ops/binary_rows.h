// The parts of the binary family.
#pragma once

#include "engine/ops/rows.h"

namespace tensord::ops {

const std::vector<OpRow>& ArithmeticRows();  // binary.cc
const std::vector<OpRow>& BinaryMathRows();  // binary_math.cc: composites of them
const std::vector<OpRow>& ComparisonRows();  // comparison.cc
const std::vector<OpRow>& BitwiseRows();     // bitwise.cc: bits and truth values

}  // namespace tensord::ops
