// The plain evaluator: the oracle of the tests. Runs core ops one at a time on host tensors, floats
// in float64 internally and rounded to the dtype only at results, integers exactly. No device, no
// scheduling; slow and obvious.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/types/tensor.h"

namespace tensord::ops {

// Results of `function` on `arguments`. Composites without their own `evaluate` are expanded.
// `variables` gives the value of each of function.variables.
absl::StatusOr<std::vector<types::HostTensor>> EvaluateFunction(
    const ir::Function& function, absl::Span<const types::HostTensor> arguments,
    absl::Span<const int64_t> variables = {});

}  // namespace tensord::ops
