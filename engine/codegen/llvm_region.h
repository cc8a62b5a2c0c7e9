// One region of a kernel as LLVM functions: the code, and for a parallel loop its trip count.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/codegen/int_facts.h"
#include "engine/codegen/llvm_alu.h"
#include "engine/codegen/llvm_writer.h"
#include "engine/codegen/regions.h"

namespace tensord::codegen {

// Writes the regions of one kernel, one function at a time; the declarations they need pile up in
// the writer. Not thread-safe.
class LlvmRegionWriter {
 public:
  LlvmRegionWriter(const kernel::Linear& kernel, const RegionPlan& plan);

  // `define internal void @NAME(ptr args, ptr vars, i64 begin, i64 end, ptr scratch, ptr frame)`.
  // A parallel loop runs its iterations begin <= i < end, of which there is at least one.
  std::string Run(const Region& region, std::string_view name);
  // `define internal i64 @NAME(ptr args, ptr vars, ptr frame)`: the iterations of a parallel
  // region.
  std::string Trip(const Region& region, std::string_view name);

  const LlvmWriter& writer() const { return w_; }

 private:
  struct Block {
    kernel::Opcode opcode;
    int number;  // of its labels
    const kernel::Instr* instr;
    std::string bound;  // of a loop
  };

  // Structure (llvm_region.cc).
  void Start(const Region& region, bool whole);
  void Emit(const kernel::Instr& instr);
  void EmitFrameLoad(int reg);
  void OpenParallel(const kernel::Instr& loop);
  void OpenFor(const kernel::Instr& loop, std::string lo, std::string hi, bool surely_runs);
  void OpenIf(std::string_view condition);
  void Close();

  // Values (llvm_values.cc).
  std::string Value(const kernel::Instr& instr);
  std::string Splat(const kernel::Instr& instr);
  std::string Iota(kernel::VType type);
  std::string Shuffle(const kernel::Instr& instr);
  std::string AsVector(int reg);
  std::string Use(int reg);       // the operand text, without its type
  std::string TypedUse(int reg);  // with it
  Operand OperandOf(int reg);

  // Memory (llvm_memory.cc).
  void EmitBase(int buffer);
  std::string Load(const kernel::Instr& instr);
  std::string Gather(const kernel::Instr& instr);
  void Store(const kernel::Instr& instr);
  void Scatter(const kernel::Instr& instr);
  std::string Index(int reg);
  std::string Address(const kernel::Instr& instr);
  int64_t AlignmentOf(const kernel::Instr& instr) const;
  std::string FromMemory(kernel::VType type, const std::string& loaded);
  std::string ToMemory(int reg);

  kernel::VType TypeOf(int reg) const { return types_[reg]; }

  const kernel::Linear& kernel_;
  const RegionPlan& plan_;
  const std::vector<IntFact> facts_;
  std::vector<kernel::VType> types_;  // by register
  std::vector<bool> is_accumulator_;
  LlvmWriter w_;

  // Of the function being written.
  std::vector<std::string> values_;  // by register; of accumulators: the address
  std::vector<Block> blocks_;
  bool non_temporal_ = false;
};

}  // namespace tensord::codegen
