#include <algorithm>
#include <vector>

#include "engine/kernel/linear_builder.h"

namespace tensord::kernel {
namespace {

bool HasEffect(Opcode opcode) {
  switch (opcode) {
    case Opcode::kStore:
    case Opcode::kScatter:
    case Opcode::kSet:
    case Opcode::kFor:
    case Opcode::kIf:
    case Opcode::kEnd:
    case Opcode::kBarrier:
      return true;
    default:
      return false;
  }
}

// Registers that something with an effect needs, found from the end. A `set` counts only when its
// accumulator is read; a loop may read what is set further down, so the walk repeats until stable.
std::vector<bool> LiveRegisters(const Linear& kernel) {
  std::vector<bool> live(kernel.registers, false);
  bool changed = true;
  auto need = [&](const Instr& instr) {
    for (int32_t src : instr.src) {
      if (src < 0 || live[src]) continue;
      live[src] = true;
      changed = true;
    }
  };
  while (changed) {
    changed = false;
    for (auto instr = kernel.code.rbegin(); instr != kernel.code.rend(); ++instr) {
      bool needed = instr->opcode == Opcode::kSet ? live[instr->dst]
                                                  : HasEffect(instr->opcode) || live[instr->dst];
      if (needed) need(*instr);
    }
  }
  return live;
}

void DropUnused(Linear& kernel) {
  std::vector<bool> live = LiveRegisters(kernel);
  std::erase_if(kernel.code, [&](const Instr& instr) {
    if (instr.opcode == Opcode::kSet) return !live[instr.dst];
    return !HasEffect(instr.opcode) && !live[instr.dst];
  });
}

void GlobalsFirst(Linear& kernel) {
  std::vector<int32_t> order(kernel.buffers.size()), place(kernel.buffers.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int32_t>(i);
  std::stable_partition(order.begin(), order.end(),
                        [&](int32_t i) { return kernel.buffers[i].space == Space::kGlobal; });
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<int32_t>(i);
    buffers.push_back(std::move(kernel.buffers[order[i]]));
  }
  kernel.buffers = std::move(buffers);
  for (Instr& instr : kernel.code) {
    if (instr.buffer >= 0) instr.buffer = place[instr.buffer];
  }
}

void Renumber(Linear& kernel) {
  std::vector<int32_t> number(kernel.registers, -1);
  kernel.registers = 0;
  for (Instr& instr : kernel.code) {
    for (int32_t& src : instr.src) {
      if (src >= 0) src = number[src];
    }
    if (instr.dst < 0) continue;
    if (instr.opcode != Opcode::kSet) number[instr.dst] = kernel.registers++;
    instr.dst = number[instr.dst];
  }
}

}  // namespace

int Linear::globals() const {
  return static_cast<int>(std::count_if(buffers.begin(), buffers.end(),
                                        [](const Buffer& b) { return b.space == Space::kGlobal; }));
}

void Canonicalize(Linear& kernel) {
  DropUnused(kernel);
  GlobalsFirst(kernel);
  Renumber(kernel);
}

}  // namespace tensord::kernel
