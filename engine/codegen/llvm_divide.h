// Integer division in LLVM text, total: x // 0 = x % 0 = 0 and MIN // -1 wraps.
#pragma once

#include <string>

#include "engine/codegen/llvm_alu.h"

namespace tensord::codegen {

// `op` is floor or truncated division or remainder; operands are integers of one type. Guards are
// left out where the operands' facts make them needless.
std::string EmitIntDivide(LlvmWriter& w, ir::ScalarOp op, const Operand& a, const Operand& b);

}  // namespace tensord::codegen
