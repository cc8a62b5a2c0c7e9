#include "engine/codegen/regions.h"

#include <algorithm>

#include "engine/base/status.h"
#include "engine/base/strings.h"

namespace tensord::codegen {
namespace {

using kernel::Instr;
using kernel::Linear;
using kernel::LoopKind;
using kernel::Opcode;
using kernel::Space;

bool Opens(const Instr& instr) {
  return instr.opcode == Opcode::kFor || instr.opcode == Opcode::kIf;
}

bool IsPure(Opcode opcode) {
  switch (opcode) {
    case Opcode::kConst:
    case Opcode::kVar:
    case Opcode::kAlu:
    case Opcode::kSplat:
    case Opcode::kIota:
    case Opcode::kExtract:
    case Opcode::kInsert:
    case Opcode::kShuffle:
    case Opcode::kHorizontal:
      return true;
    default:
      return false;
  }
}

// Which instruction closes each kFor and kIf.
std::vector<int> FindEnds(const Linear& kernel) {
  std::vector<int> ends(kernel.code.size(), -1), open;
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    if (Opens(kernel.code[i])) open.push_back(static_cast<int>(i));
    if (kernel.code[i].opcode == Opcode::kEnd) {
      ends[open.back()] = static_cast<int>(i);
      open.pop_back();
    }
  }
  return ends;
}

absl::Status CheckBarriers(const Linear& kernel) {
  std::vector<bool> open;  // whether each open block is a loop over work-items
  for (const Instr& instr : kernel.code) {
    if (Opens(instr)) {
      open.push_back(instr.opcode == Opcode::kFor && instr.loop == LoopKind::kLocal);
    } else if (instr.opcode == Opcode::kEnd) {
      open.pop_back();
    } else if (instr.opcode == Opcode::kBarrier && std::count(open.begin(), open.end(), true) > 0) {
      return Unimplemented("kernel ", kernel.name,
                           ": a barrier inside a loop over work-items runs on GPU devices only");
    }
  }
  return absl::OkStatus();
}

class Planner {
 public:
  explicit Planner(const Linear& kernel) : kernel_(kernel), ends_(FindEnds(kernel)) {}

  void CutRegions();
  void FindFrameSlots();
  absl::Status PlaceArrays(int64_t max_stack_bytes, int64_t max_scratch_bytes);
  RegionPlan Take() { return std::move(plan_); }

 private:
  bool HasEffect(int begin, int end) const;
  void CloseSerial(int end);
  absl::Status PlaceArray(int buffer, int64_t max_stack_bytes, int64_t* stack_bytes);

  const Linear& kernel_;
  const std::vector<int> ends_;
  int serial_begin_ = 0;
  RegionPlan plan_;
  std::vector<int> region_of_;  // by instruction; -1: in none
};

bool Planner::HasEffect(int begin, int end) const {
  for (int i = begin; i < end; ++i) {
    const Opcode opcode = kernel_.code[i].opcode;
    if (!IsPure(opcode) && opcode != Opcode::kBarrier) return true;
  }
  return false;
}

void Planner::CloseSerial(int end) {
  if (HasEffect(serial_begin_, end)) plan_.regions.push_back({false, serial_begin_, end});
}

void Planner::CutRegions() {
  const int size = static_cast<int>(kernel_.code.size());
  std::vector<bool> repeatable_register(kernel_.registers, false);
  plan_.repeatable.resize(size, false);
  for (int i = 0; i < size; ++i) {
    const Instr& instr = kernel_.code[i];
    const bool outer = instr.opcode == Opcode::kFor &&
                       (instr.loop == LoopKind::kParallel || instr.loop == LoopKind::kGroup);
    if (outer) {
      CloseSerial(i);
      plan_.regions.push_back({true, i, ends_[i] + 1});
      serial_begin_ = ends_[i] + 1;
    }
    if (Opens(instr)) i = ends_[i];
    if (!IsPure(instr.opcode)) continue;
    plan_.repeatable[i] = std::all_of(std::begin(instr.src), std::end(instr.src),
                                      [&](int src) { return src < 0 || repeatable_register[src]; });
    repeatable_register[instr.dst] = plan_.repeatable[i];
  }
  CloseSerial(size);
  region_of_.resize(size, -1);
  for (size_t r = 0; r < plan_.regions.size(); ++r) {
    std::fill(region_of_.begin() + plan_.regions[r].begin,
              region_of_.begin() + plan_.regions[r].end, static_cast<int>(r));
  }
}

void Planner::FindFrameSlots() {
  plan_.frame_slots.assign(kernel_.registers, -1);
  std::vector<int> definition(kernel_.registers, -1);
  auto use = [&](int reg, int user) {
    const int def = definition[reg];
    if (plan_.repeatable[def] || region_of_[def] == region_of_[user]) return;
    if (plan_.frame_slots[reg] >= 0) return;
    const kernel::VType type = kernel_.code[def].type;
    plan_.frame_slots[reg] = plan_.frame_bytes;
    const int64_t bytes = int64_t{types::Bytes(type.dtype)} * type.lanes;
    plan_.frame_bytes += (bytes + kArrayAlign - 1) / kArrayAlign * kArrayAlign;
  };
  for (size_t i = 0; i < kernel_.code.size(); ++i) {
    const Instr& instr = kernel_.code[i];
    for (int src : instr.src) {
      if (src >= 0) use(src, static_cast<int>(i));
    }
    if (instr.opcode == Opcode::kSet) {
      use(instr.dst, static_cast<int>(i));
    } else if (instr.dst >= 0) {
      definition[instr.dst] = static_cast<int>(i);
    }
  }
}

absl::Status Planner::PlaceArray(int buffer, int64_t max_stack_bytes, int64_t* stack_bytes) {
  const kernel::Buffer& array = kernel_.buffers[buffer];
  if (!array.elements.is_constant()) {
    return Unimplemented("kernel ", kernel_.name, ": private array ", array.name,
                         " of variable size");
  }
  int first = -1;
  bool several = false;  // code outside parallel loops, cut by one of them
  for (size_t i = 0; i < kernel_.code.size(); ++i) {
    if (kernel_.code[i].buffer != buffer) continue;
    if (first < 0) first = region_of_[i];
    several = several || region_of_[i] != first;
  }
  const int64_t elements = array.elements.constant();
  const int64_t limit = int64_t{1} << 50;
  const int64_t bytes =
      elements > limit
          ? limit
          : (elements * types::Bytes(array.dtype) + kArrayAlign - 1) / kArrayAlign * kArrayAlign;
  ArrayHome& home = plan_.arrays[buffer];
  if (several) {
    home = {ArrayPlace::kFrame, plan_.frame_bytes};
    plan_.frame_bytes += bytes;
  } else if (*stack_bytes + bytes > max_stack_bytes) {
    home = {ArrayPlace::kScratch, plan_.scratch_bytes};
    plan_.scratch_bytes += bytes;
  } else {
    *stack_bytes += bytes;
  }
  return absl::OkStatus();
}

absl::Status Planner::PlaceArrays(int64_t max_stack_bytes, int64_t max_scratch_bytes) {
  plan_.arrays.resize(kernel_.buffers.size());
  int64_t stack_bytes = 0;
  for (size_t b = 0; b < kernel_.buffers.size(); ++b) {
    if (kernel_.buffers[b].space == Space::kGlobal) continue;
    RETURN_IF_ERROR(PlaceArray(static_cast<int>(b), max_stack_bytes, &stack_bytes));
    if (plan_.scratch_bytes + plan_.frame_bytes > max_scratch_bytes) {
      return ResourceExhausted(
          "kernel ", kernel_.name, ": private arrays up to ", kernel_.buffers[b].name, " take ",
          plan_.scratch_bytes + plan_.frame_bytes, " bytes, more than ", max_scratch_bytes);
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RegionPlan> PlanRegions(const Linear& kernel, int64_t max_stack_bytes,
                                       int64_t max_scratch_bytes) {
  RETURN_IF_ERROR(CheckBarriers(kernel));
  Planner planner(kernel);
  planner.CutRegions();
  planner.FindFrameSlots();
  RETURN_IF_ERROR(planner.PlaceArrays(max_stack_bytes, max_scratch_bytes));
  return planner.Take();
}

}  // namespace tensord::codegen
