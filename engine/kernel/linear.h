// The linear kernel: the last form of a computation before text or machine code. A flat vector of
// instructions over numbered registers, with structured loops. Renderers print it, the cpu device
// interprets it, the verifier proves it memory-safe, and its text is the key of the kernel cache.
//
//   kernel @axpy(%x: f32[n] in, %y: f32[n] inout, n in [1, 4096]) {
//     %0 = var n                          ; i64
//     %1 = const i64 0
//     %2 = for parallel %1, %0, 16 {      ; the loop variable, i64: lo, hi, step
//       ...
//     }
//   }
//
// Registers are written once, except accumulators (`acc`), which `set` updates and loops carry.
// Arithmetic is ir::ScalarOp on all lanes. A register is visible in its own block and inner ones.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/ir/scalar_op.h"
#include "engine/types/dtype.h"
#include "engine/types/sym.h"
#include "engine/types/tensor.h"

namespace tensord::kernel {

// dtype and lanes of a register. lanes == 1: a scalar. Bool vectors are masks.
struct VType {
  types::DType dtype = types::DType::kInvalid;
  int32_t lanes = 1;
  friend bool operator==(const VType&, const VType&) = default;
};

enum class Opcode : uint8_t {
  kConst,       // dst = imm in every lane
  kVar,         // dst (i64) = the bound variable number `index`
  kAlu,         // dst = scalar_op(src...); every operand has the lanes of dst
  kSplat,       // dst.lanes copies of scalar src[0]
  kIota,        // dst = 0, 1, ..., lanes - 1 of an integer dtype
  kExtract,     // dst = lane `index` of src[0]
  kInsert,      // dst = src[0] with lane `index` replaced by scalar src[1]
  kShuffle,     // dst[i] = concat(src[0], src[1])[lane_list[i]]
  kHorizontal,  // dst = scalar_op folded over the lanes of src[0], pairwise: halves first (i with
                // i + lanes/2), until one is left. lanes is a power of two
  kLoad,        // dst = buffer[src[0] + lane], contiguous; src[1], if any, masks: off lanes read 0
  kGather,      // dst[l] = buffer[src[0][l]]; src[1], if any, masks
  kStore,       // buffer[src[0] + lane] = src[1]; src[2], if any, masks
  kScatter,     // buffer[src[0][l]] = src[1][l] for ascending l; src[2], if any, masks
  kAcc,         // declares accumulator dst with initial value src[0]
  kSet,         // accumulator dst = src[0]
  kFor,         // opens a loop: dst (i64) runs from src[0] while < src[1] by step `index` > 0
  kIf,          // opens a block executed when scalar bool src[0] holds
  kEnd,         // closes the innermost kFor or kIf
  kBarrier,     // all work-items of the group meet; local memory is consistent after it
};

enum class LoopKind : uint8_t {
  kSerial,
  kParallel,  // iterations are independent and may run on any worker; outermost loops only
  kGroup,     // a grid dimension of work-groups (GPU); `lane_list[0]` is the dimension 0..2
  kLocal,     // a dimension of work-items within a group
};

enum class Space : uint8_t {
  kGlobal,   // a parameter
  kPrivate,  // an array of one worker or work-item (stack or thread scratch)
  kLocal,    // shared by a work-group
};

enum class Access : uint8_t { kIn, kOut, kInOut };

struct Buffer {
  std::string name;
  types::DType dtype = types::DType::kInvalid;
  types::Sym elements;  // constant unless it depends on the kernel's variables
  Space space = Space::kGlobal;
  Access access = Access::kIn;
  int32_t align = 64;  // bytes
};

struct Variable {
  std::string name;
  int64_t min = 0, max = 0;
};

struct Instr {
  Opcode opcode;
  ir::ScalarOp scalar_op = ir::ScalarOp::kAdd;  // kAlu, kHorizontal
  LoopKind loop = LoopKind::kSerial;            // kFor
  bool non_temporal = false;                    // kStore: the data is not read again soon
  VType type;                                   // of dst; of the stored value
  int32_t dst = -1;
  int32_t src[3] = {-1, -1, -1};
  int32_t buffer = -1;             // index into Linear::buffers
  int64_t index = 0;               // variable number, lane, step
  types::Scalar imm;               // kConst
  std::vector<int32_t> lane_list;  // kShuffle lanes; kFor grid dimension
};

struct Linear {
  std::string name;  // [a-z0-9_]+; says what it computes, not part of its identity
  std::vector<Variable> variables;
  std::vector<Buffer> buffers;  // global ones first, in argument order
  std::vector<Instr> code;
  int32_t registers = 0;  // numbers used

  int globals() const;  // how many buffers are arguments
};

// Canonical text, and back: one instruction a line, `;` starts a comment. The grammar is in
// linear_parse.cc. Parse checks syntax and numbering only (registers are numbered in order of
// appearance); call Verify next. Print wants indices (buffers, variables, dimensions) in range, as
// the builder and Parse make them.
std::string Print(const Linear& kernel);
std::string PrintInstr(const Linear& kernel, const Instr& instr);  // one line, not indented
std::string ToString(VType type);                                  // "f32x16"
absl::StatusOr<Linear> ParseLinear(std::string_view text);

// Proves the kernel well-formed and memory-safe, or says which instruction is not: types and lanes
// of every operand, definitions before uses, block structure, barriers only inside uniform control
// flow, and for every load, gather, store and scatter that each unmasked lane's index lies inside
// the buffer, by intervals of symbolic expressions or by a mask that implies it.
absl::Status Verify(const Linear& kernel);

// What one launch does, from the loop structure: for kernel lines and the tuner.
struct Work {
  double flops = 0;                           // float adds, multiplies, ... ; an fma counts 2
  double bytes_loaded = 0, bytes_stored = 0;  // global memory, every access
  double bytes_touched = 0;                   // each global buffer once
};
Work EstimateWork(const Linear& kernel, absl::Span<const int64_t> variable_values);

}  // namespace tensord::kernel
