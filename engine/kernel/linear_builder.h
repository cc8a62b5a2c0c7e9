// Appends instructions to a linear kernel and answers register numbers.
//
//   LinearBuilder b("axpy");
//   int n = b.AddVariable("n", 1, 4096);
//   int x = b.AddGlobal("x", DType::kF32, b.VariableSym(n), Access::kIn);
//   int i = b.For(LoopKind::kParallel, b.I64(0), b.Var(n), 16);
//     int lane = b.Add(i, b.Iota({DType::kI64, 16}));           // scalars are splatted as needed
//     int v = b.Load(x, {DType::kF32, 16}, i, b.Lt(lane, b.Var(n)));
//   b.End();
//   Linear kernel = std::move(b).Finish();
//
// Pure instructions (const, var, alu, splat, iota, extract, insert, shuffle, horizontal) that read
// no accumulator are interned: asking twice for the same value in a block, or in a block inside it,
// answers the same register. They are also placed as far out as their operands allow, through
// serial loops and ifs but not out of a parallel, group or local loop; so nothing loop-invariant is
// computed in a loop, whatever order the caller asks in.
//
// Integer and bool arithmetic is folded lightly (constants, x + 0, x * 1, ...). Float arithmetic is
// never changed. Misuse (types, an End too many) aborts: the builder is for trusted code; text from
// elsewhere goes through ParseLinear and Verify.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "engine/ir/scalar_op.h"
#include "engine/kernel/linear.h"
#include "engine/types/dtype.h"
#include "engine/types/sym.h"
#include "engine/types/tensor.h"

namespace tensord::kernel {

class LinearBuilder {
 public:
  explicit LinearBuilder(std::string name);

  // Buffers and variables; the answer is what Load, Store and Var take. Globals may be added at any
  // time, in argument order; Finish puts them before the others.
  int AddGlobal(std::string name, types::DType dtype, types::Sym elements, Access access,
                int32_t align = 64);
  int AddLocal(std::string name, types::DType dtype, int64_t elements, int32_t align = 64);
  int AddPrivate(std::string name, types::DType dtype, int64_t elements, int32_t align = 64);
  int AddVariable(std::string name, int64_t min, int64_t max);
  types::Sym VariableSym(int variable) const;

  // Values.
  int Const(VType type, const types::Scalar& value);
  int Const(VType type, double value);  // rounded to the dtype
  int I64(int64_t value);
  int Var(int variable);
  int Alu(ir::ScalarOp op, VType type, absl::Span<const int> operands);
  int Alu(ir::ScalarOp op, VType type, std::initializer_list<int> operands) {
    return Alu(op, type, absl::MakeConstSpan(operands.begin(), operands.size()));
  }
  int Splat(int scalar, int32_t lanes);  // lanes == 1: the scalar itself
  int Iota(VType type);
  int Extract(int vector, int64_t lane);
  int Insert(int vector, int64_t lane, int scalar);
  int Shuffle(int a, int b, std::vector<int32_t> lanes);  // b == -1: a only
  int Horizontal(ir::ScalarOp op, int vector);

  // Alu with the result type taken from the operands; a scalar operand beside a vector is splatted.
  int Binary(ir::ScalarOp op, int a, int b);  // also the comparisons: result is bool
  int Unary(ir::ScalarOp op, int a) { return Alu(op, TypeOf(a), {a}); }
  int Add(int a, int b) { return Binary(ir::ScalarOp::kAdd, a, b); }
  int Sub(int a, int b) { return Binary(ir::ScalarOp::kSub, a, b); }
  int Mul(int a, int b) { return Binary(ir::ScalarOp::kMul, a, b); }
  int Div(int a, int b) { return Binary(ir::ScalarOp::kDiv, a, b); }
  int FloorDiv(int a, int b) { return Binary(ir::ScalarOp::kFloorDiv, a, b); }
  int FloorMod(int a, int b) { return Binary(ir::ScalarOp::kFloorMod, a, b); }
  int Min(int a, int b) { return Binary(ir::ScalarOp::kMin, a, b); }
  int Max(int a, int b) { return Binary(ir::ScalarOp::kMax, a, b); }
  int And(int a, int b) { return Binary(ir::ScalarOp::kAnd, a, b); }
  int Or(int a, int b) { return Binary(ir::ScalarOp::kOr, a, b); }
  int Eq(int a, int b) { return Binary(ir::ScalarOp::kEq, a, b); }
  int Ne(int a, int b) { return Binary(ir::ScalarOp::kNe, a, b); }
  int Lt(int a, int b) { return Binary(ir::ScalarOp::kLt, a, b); }
  int Le(int a, int b) { return Binary(ir::ScalarOp::kLe, a, b); }
  int Fma(int a, int b, int c);
  int Where(int condition, int a, int b);
  int Cast(int a, types::DType dtype);
  int Bitcast(int a, types::DType dtype);

  // Memory. `type` is of the value; `mask` -1: every lane.
  int Load(int buffer, VType type, int index, int mask = -1);
  int Gather(int buffer, VType type, int indices, int mask = -1);
  void Store(int buffer, int index, int value, int mask = -1, bool non_temporal = false);
  void Scatter(int buffer, int indices, int value, int mask = -1);

  // Accumulators: registers that Set changes. Whoever reads one reads what it holds at that place;
  // Get copies that into a register that stays.
  int Acc(int initial);
  int Get(int accumulator) {
    return Alu(ir::ScalarOp::kBitcast, TypeOf(accumulator), {accumulator});
  }
  void Set(int accumulator, int value);

  // Blocks. For answers the loop variable. Group and local loops name their dimension.
  int For(LoopKind kind, int lo, int hi, int64_t step = 1, int dimension = 0);
  void If(int condition);
  void End();
  void Barrier();

  // Values of index expressions, as i64: `variables` maps the names in them to registers, scalar or
  // vector (a vector makes the result a vector). Kernel variables need no entry.
  using Names = absl::flat_hash_map<std::string, int>;
  int EmitSym(const types::Sym& sym, const Names& variables = {});
  // The bool of `mask`, or -1 when it always holds.
  int EmitMask(const types::Mask& mask, const Names& variables = {});

  VType TypeOf(int reg) const { return values_[reg].type; }
  // The constant in every lane of `reg`, if it is one.
  std::optional<types::Scalar> ConstantOf(int reg) const;
  int depth() const { return static_cast<int>(blocks_.size()) - 1; }

  // The kernel: unused pure instructions dropped, registers renumbered in order of appearance.
  // REQUIRES: every block is closed.
  Linear Finish() &&;

 private:
  struct Key {  // what makes two pure instructions the same value
    Instr instr;
    friend bool operator==(const Key& a, const Key& b) {
      const Instr &x = a.instr, &y = b.instr;
      return x.opcode == y.opcode && x.scalar_op == y.scalar_op && x.type == y.type &&
             std::equal(x.src, x.src + 3, y.src) && x.index == y.index && x.imm == y.imm &&
             x.lane_list == y.lane_list;
    }
    template <typename H>
    friend H AbslHashValue(H h, const Key& key) {
      const Instr& k = key.instr;
      return H::combine(std::move(h), k.opcode, k.scalar_op, k.type.dtype, k.type.lanes, k.src[0],
                        k.src[1], k.src[2], k.index, k.imm, k.lane_list);
    }
  };
  struct Block {
    int id = 0;
    bool barrier_to_hoisting = false;  // body of a parallel, group or local loop, or the kernel's
    std::vector<Instr> code;           // opens with the kFor or kIf; empty for the kernel's body
    absl::flat_hash_map<Key, int> interned;
  };
  struct Value {
    VType type;
    int depth = 0;  // of the block it is defined in, and that block
    int block_id = 0;
    bool accumulator = false;
    Instr def;  // a copy, for folding
  };

  void Append(Instr instr);            // to the innermost block
  int Define(Instr instr, int depth);  // gives dst a number
  int Pure(Instr instr);               // interned and hoisted
  void OpenBlock(Instr instr, bool barrier_to_hoisting);
  int VisibleDepth(int reg) const;  // aborts when reg is out of scope
  void Unify(int* a, int* b);
  int FoldAlu(ir::ScalarOp op, VType type, absl::Span<const int> operands);  // -1: as it is
  int FoldIdentity(ir::ScalarOp op, VType type, int a, int b);
  int FoldPowerOfTwo(ir::ScalarOp op, VType type, int a, int b);
  int FoldSplats(ir::ScalarOp op, VType type, absl::Span<const int> operands);
  int FoldCast(VType type, int a);
  bool IsInt(int reg, int64_t value) const;
  void CheckAccess(int buffer, VType type, int index, int32_t index_lanes, int mask) const;

  Linear kernel_;
  std::vector<Value> values_;
  std::vector<Block> blocks_;
  int blocks_opened_ = 0;
};

// Takes out pure instructions and loads nobody reads, puts global buffers first, and renumbers
// registers in order of appearance: the form that Print shows and ParseLinear reads back.
void Canonicalize(Linear& kernel);

}  // namespace tensord::kernel
