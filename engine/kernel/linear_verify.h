// The parts of Verify, in the order it runs them. Each relies on those before it.
#pragma once

#include "absl/status/status.h"
#include "engine/base/status.h"
#include "engine/kernel/linear.h"

namespace tensord::kernel {

// "kernel axpy, instruction 7 `%5 = load f32 %x[%3]`: " before the message.
absl::Status AtInstr(const Linear& kernel, const Instr& instr, std::string_view message);

// Names, variables, buffers, and that every number in an instruction is in its range.
absl::Status VerifyNumbers(const Linear& kernel);

// Types and lanes of operands, and what each instruction's fields may be.
absl::Status VerifyTypes(const Linear& kernel);

// Blocks, scopes, where the kinds of loops may stand, what they may touch, barriers.
absl::Status VerifyStructure(const Linear& kernel);

// Every access inside its buffer.
absl::Status VerifyMemory(const Linear& kernel);

}  // namespace tensord::kernel
