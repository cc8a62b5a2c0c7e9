// Random graphs over the core vocabulary: small shapes, every dtype of one kind at a time,
// movement, elementwise ops, reductions, contractions and gathers in any order.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/ir/function.h"
#include "engine/types/tensor.h"

namespace tensord::testing_support {

struct RandomGraph {
  ir::Function function;
  std::vector<types::HostTensor> arguments;
};

// Deterministic in `seed`.
RandomGraph MakeRandomGraph(uint64_t seed);

}  // namespace tensord::testing_support
