// Transcendental functions of f32 as arithmetic: range reduction and polynomials in the closed
// scalar set, without branches or tables, the same bits on every device and lane. Special values
// are C's (annex F): NaN, infinities, zeros with their signs, denormals on either side.
//
// Each row states its source and its bound, which tests/engine/kernel/math_f32_test.cc checks on a
// sample and tests/bench/llvm_math.cc, for one operand, on every float.
#pragma once

#include "engine/ir/node.h"

namespace tensord::kernel {

struct F32Expansion {
  ir::ScalarOp op;
  double max_ulp;  // off the exact result, over all inputs; denormals count in units of 2^-149
  std::string_view source;
  ir::Ref (*expand)(ir::Graph& graph, absl::Span<const ir::Ref> operands);
};

// nullptr: the operation isn't transcendental.
const F32Expansion* FindF32Expansion(ir::ScalarOp op);
absl::Span<const F32Expansion> AllF32Expansions();

}  // namespace tensord::kernel
