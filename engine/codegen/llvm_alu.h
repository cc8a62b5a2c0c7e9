// ir::ScalarOp in LLVM text: every op total, as engine/ir/scalar_math.h has it, on any lanes.
//
// Floats stay IEEE (no fast-math flags, contraction only in fma); f16 and bf16 compute in float and
// round after; transcendentals call libm once per lane, with the same functions as the cpu device.
#pragma once

#include <string>

#include "absl/types/span.h"
#include "engine/codegen/int_facts.h"
#include "engine/codegen/llvm_writer.h"

namespace tensord::codegen {

struct Operand {
  std::string text;  // a name or a literal, without its type
  kernel::VType type;
  IntFact fact;  // of integers
};

// Appends the instructions of `op` on `operands`; answers the operand text of the result.
// REQUIRES: the operands are as the op wants them (kernel::Verify).
std::string EmitAlu(LlvmWriter& w, ir::ScalarOp op, kernel::VType result,
                    absl::Span<const Operand> operands);

// The conversions among the registers of any two dtypes (kCast), lanes kept.
std::string EmitCast(LlvmWriter& w, types::DType to, const Operand& from);

// A half or bf16 register as float, and back with rounding to nearest even.
std::string EmitHalfToFloat(LlvmWriter& w, const Operand& half);
std::string EmitFloatToHalf(LlvmWriter& w, types::DType to, std::string_view value, int lanes);

// `op` over the lanes of `value`, halves first, until one is left.
std::string EmitHorizontal(LlvmWriter& w, ir::ScalarOp op, const Operand& value);

}  // namespace tensord::codegen
