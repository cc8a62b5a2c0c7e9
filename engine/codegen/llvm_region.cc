#include "engine/codegen/llvm_region.h"

#include <algorithm>
#include <limits>

namespace tensord::codegen {

using kernel::Instr;
using kernel::Opcode;
using kernel::VType;

LlvmRegionWriter::LlvmRegionWriter(const kernel::Linear& kernel, const RegionPlan& plan)
    : kernel_(kernel),
      plan_(plan),
      facts_(FindIntFacts(kernel)),
      types_(kernel.registers),
      is_accumulator_(kernel.registers, false) {
  for (const Instr& instr : kernel.code) {
    if (instr.dst < 0 || instr.opcode == Opcode::kSet) continue;
    types_[instr.dst] = instr.opcode == Opcode::kFor ? VType{types::DType::kI64, 1} : instr.type;
    is_accumulator_[instr.dst] = instr.opcode == Opcode::kAcc;
  }
}

// Opens the entry block: the base addresses that the region needs, what earlier regions left for
// it, and again what they computed cheaply. `whole`: for all its code, else for a loop's bounds.
void LlvmRegionWriter::Start(const Region& region, bool whole) {
  values_.assign(kernel_.registers, "");
  blocks_.clear();
  non_temporal_ = false;
  std::vector<bool> needed(kernel_.registers, false), buffers(kernel_.buffers.size(), false);
  auto need = [&](const Instr& instr) {
    for (int src : instr.src) {
      if (src >= 0) needed[src] = true;
    }
    if (instr.opcode == Opcode::kSet) needed[instr.dst] = true;
    if (instr.buffer >= 0) buffers[instr.buffer] = true;
  };
  for (int i = region.begin; i < (whole ? region.end : region.begin + 1); ++i) {
    need(kernel_.code[i]);
  }
  for (int i = region.begin - 1; i >= 0; --i) {
    if (plan_.repeatable[i] && needed[kernel_.code[i].dst]) need(kernel_.code[i]);
  }
  for (size_t b = 0; b < buffers.size(); ++b) {
    if (buffers[b]) EmitBase(static_cast<int>(b));
  }
  for (int i = 0; i < region.begin; ++i) {
    const Instr& instr = kernel_.code[i];
    if (instr.dst < 0 || instr.opcode == Opcode::kSet || !needed[instr.dst]) continue;
    if (plan_.repeatable[i]) {
      Emit(instr);
    } else if (plan_.frame_slots[instr.dst] >= 0) {
      EmitFrameLoad(instr.dst);
    }
  }
}

void LlvmRegionWriter::EmitFrameLoad(int reg) {
  const std::string address =
      w_.Define("getelementptr inbounds i8, ptr %frame, i64 ", plan_.frame_slots[reg]);
  values_[reg] = is_accumulator_[reg] ? address
                                      : w_.Define("load ", RegisterType(TypeOf(reg)), ", ptr ",
                                                  address, ", align ", kArrayAlign);
}

std::string LlvmRegionWriter::Run(const Region& region, std::string_view name) {
  Start(region, /*whole=*/true);
  for (int i = region.begin; i < region.end; ++i) {
    const Instr& instr = kernel_.code[i];
    if (region.parallel && i == region.begin) {
      OpenParallel(instr);
    } else {
      Emit(instr);
    }
  }
  // Non-temporal stores are ordered with nothing but a full fence.
  if (non_temporal_) w_.Line("fence seq_cst");
  w_.Line("ret void");
  return StrCat("define internal void @", name,
                "(ptr noalias readonly align 8 %args, ptr noalias readonly align 8 %vars, "
                "i64 %begin, i64 %end, ptr noalias align 64 %scratch, "
                "ptr noalias align 64 %frame) #0 {\nentry:\n",
                w_.TakeFunction(), "}\n");
}

std::string LlvmRegionWriter::Trip(const Region& region, std::string_view name) {
  Start(region, /*whole=*/false);
  const Instr& loop = kernel_.code[region.begin];
  const std::string lo = Use(loop.src[0]), hi = Use(loop.src[1]);
  const std::string runs = w_.Define("icmp slt i64 ", lo, ", ", hi);
  const std::string span = w_.Define("sub i64 ", hi, ", ", lo);
  const std::string last = w_.Define("add i64 ", span, ", -1");
  const std::string steps = w_.Define("udiv i64 ", last, ", ", loop.index);
  const std::string trips = w_.Define("add i64 ", steps, ", 1");
  const std::string result = w_.Define("select i1 ", runs, ", i64 ", trips, ", i64 0");
  w_.Line("ret i64 ", result);
  return StrCat("define internal i64 @", name,
                "(ptr noalias readonly align 8 %args, ptr noalias readonly align 8 %vars, "
                "ptr noalias align 64 %frame) #0 {\nentry:\n",
                w_.TakeFunction(), "}\n");
}

void LlvmRegionWriter::Emit(const Instr& instr) {
  switch (instr.opcode) {
    case Opcode::kBarrier:
      return;
    case Opcode::kStore:
      return Store(instr);
    case Opcode::kScatter:
      return Scatter(instr);
    case Opcode::kFor: {
      const bool surely_runs = facts_[instr.src[0]].max < facts_[instr.src[1]].min;
      return OpenFor(instr, Use(instr.src[0]), Use(instr.src[1]), surely_runs);
    }
    case Opcode::kIf:
      return OpenIf(Use(instr.src[0]));
    case Opcode::kEnd:
      return Close();
    case Opcode::kSet:
      return w_.Line("store ", TypedUse(instr.src[0]), ", ptr ", values_[instr.dst]);
    case Opcode::kAcc: {
      const std::string type = RegisterType(instr.type);
      if (plan_.frame_slots[instr.dst] >= 0) {
        EmitFrameLoad(instr.dst);
      } else {
        values_[instr.dst] = w_.StackSlot(type, kArrayAlign);
      }
      return w_.Line("store ", TypedUse(instr.src[0]), ", ptr ", values_[instr.dst]);
    }
    default:
      break;
  }
  values_[instr.dst] = Value(instr);
  if (plan_.frame_slots[instr.dst] >= 0) {
    const std::string slot =
        w_.Define("getelementptr inbounds i8, ptr %frame, i64 ", plan_.frame_slots[instr.dst]);
    w_.Line("store ", TypedUse(instr.dst), ", ptr ", slot, ", align ", kArrayAlign);
  }
}

// The caller's share of the iterations; it is never empty.
void LlvmRegionWriter::OpenParallel(const Instr& loop) {
  const std::string lo = Use(loop.src[0]), hi = Use(loop.src[1]);
  const std::string skipped = w_.Define("mul nsw i64 %begin, ", loop.index);
  const std::string start = w_.Define("add nsw i64 ", lo, ", ", skipped);
  const std::string done = w_.Define("mul nsw i64 %end, ", loop.index);
  const std::string stop = w_.Define("add nsw i64 ", lo, ", ", done);
  const std::string bound =
      w_.Call("i64", "llvm.smin.i64", "i64, i64", StrCat("i64 ", stop, ", i64 ", hi));
  OpenFor(loop, start, bound, /*surely_runs=*/true);
}

void LlvmRegionWriter::OpenFor(const Instr& loop, std::string lo, std::string hi,
                               bool surely_runs) {
  const int n = w_.NextNumber();
  const std::string before = w_.block();
  if (surely_runs) {
    w_.Line("br label %loop", n);
  } else {
    const std::string runs = w_.Define("icmp slt i64 ", lo, ", ", hi);
    w_.Line("br i1 ", runs, ", label %loop", n, ", label %done", n);
  }
  w_.OpenBlock(StrCat("loop", n));
  values_[loop.dst] = w_.Define("phi i64 [ ", lo, ", %", before, " ], [ %i", n, ", %next", n, " ]");
  blocks_.push_back({Opcode::kFor, n, &loop, std::move(hi)});
}

void LlvmRegionWriter::OpenIf(std::string_view condition) {
  const int n = w_.NextNumber();
  w_.Line("br i1 ", condition, ", label %then", n, ", label %done", n);
  w_.OpenBlock(StrCat("then", n));
  blocks_.push_back({Opcode::kIf, n, nullptr, ""});
}

void LlvmRegionWriter::Close() {
  const Block block = std::move(blocks_.back());
  blocks_.pop_back();
  const int n = block.number;
  if (block.opcode == Opcode::kFor) {
    w_.Line("br label %next", n);
    w_.OpenBlock(StrCat("next", n));
    const int64_t step = block.instr->index;
    const bool overflows =
        facts_[block.instr->src[1]].max > std::numeric_limits<int64_t>::max() - step;
    w_.Line("%i", n, " = add ", overflows ? "" : "nsw ", "i64 ", values_[block.instr->dst], ", ",
            step);
    const std::string more = w_.Define("icmp slt i64 %i", n, ", ", block.bound);
    // A sum that wrapped around is past the end.
    const std::string rises =
        overflows ? w_.Define("icmp sgt i64 %i", n, ", ", values_[block.instr->dst]) : more;
    const std::string again = overflows ? w_.Define("and i1 ", more, ", ", rises) : more;
    w_.Line("br i1 ", again, ", label %loop", n, ", label %done", n);
  } else {
    w_.Line("br label %done", n);
  }
  w_.OpenBlock(StrCat("done", n));
}

}  // namespace tensord::codegen
