// Results of a device against the evaluator's, by the tolerance of a row.
#pragma once

#include <string>

#include "engine/types/tensor.h"
#include "tests/ops/op_table.h"

namespace tensord::testing_support {

// What a sum of products is judged by: the same call on magnitudes, and on ones.
struct SumScale {
  types::HostTensor magnitude;  // |A| |B|, of the result's shape
  double terms = 1;             // K
};

// The distance from 1 to the next number.
double Epsilon(types::DType dtype);

// "" when they agree: integers exactly, NaN with NaN, infinities by sign, floats within the
// tolerance, zeros by sign too where the tolerance is exact. Else the first element that differs.
std::string Disagreement(const types::HostTensor& got, const types::HostTensor& want,
                         const Tolerance& tolerance, const SumScale& sum);

// The same for gradients: `eps` of the largest finite element, at least of 1.
std::string GradientDisagreement(const types::HostTensor& got, const types::HostTensor& want,
                                 double eps);

}  // namespace tensord::testing_support
