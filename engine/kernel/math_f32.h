// Transcendental functions of f32 as arithmetic: range reduction and polynomials in the closed
// scalar set, the same bits on every device and lane. Each row states its source and its bound,
// which tests/engine/kernel/math_f32_test.cc checks.
#pragma once

#include "engine/ir/node.h"

namespace tensord::kernel {

struct F32Expansion {
  ir::ScalarOp op;
  double max_ulp;  // over all finite inputs in the domain
  std::string_view source;
  ir::Ref (*expand)(ir::Graph& graph, absl::Span<const ir::Ref> operands);
};

// nullptr: the operation has none and is spelled by the renderer.
const F32Expansion* FindF32Expansion(ir::ScalarOp op);
absl::Span<const F32Expansion> AllF32Expansions();

}  // namespace tensord::kernel
