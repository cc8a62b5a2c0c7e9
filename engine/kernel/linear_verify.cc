#include "engine/kernel/linear_verify.h"

#include <algorithm>
#include <array>

#include "absl/container/flat_hash_set.h"
#include "engine/kernel/linear_index.h"

namespace tensord::kernel {
namespace {

constexpr int32_t kMaxLanes = 1024;
constexpr int64_t kMaxArrayBytes = int64_t{1} << 31;
constexpr int64_t kMaxBytes = int64_t{1} << 60;

// Names stand in source text that renderers write.
bool IsName(std::string_view name) {
  auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
  };
  return !name.empty() && name.size() <= 128 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

absl::Status VerifyVariables(const Linear& kernel, absl::flat_hash_set<std::string>& names) {
  for (const Variable& v : kernel.variables) {
    if (!IsName(v.name)) return InvalidArgument("variable \"", v.name, "\" is no name");
    if (!names.insert(v.name).second) return InvalidArgument("two things are named ", v.name);
    if (v.min > v.max || v.min < -types::kSymLimit / 2 || v.max > types::kSymLimit / 2) {
      return InvalidArgument("variable ", v.name, " is in [", v.min, ", ", v.max, "]");
    }
  }
  return absl::OkStatus();
}

// The elements are an expression of the kernel's variables, with the bounds that these have.
absl::Status VerifyElements(const Linear& kernel, const Buffer& b) {
  for (const auto& used : b.elements.Variables()) {
    auto declared = std::find_if(kernel.variables.begin(), kernel.variables.end(),
                                 [&](const Variable& v) { return v.name == used.name; });
    if (declared == kernel.variables.end() || declared->min != used.min ||
        declared->max != used.max) {
      return InvalidArgument("buffer ", b.name, " of ", b.elements.ToString(),
                             " elements: the kernel has no variable ", used.name, " in [", used.min,
                             ", ", used.max, "]");
    }
  }
  const bool array = b.space != Space::kGlobal;
  const int64_t most = (array ? kMaxArrayBytes : kMaxBytes) / types::Bytes(b.dtype);
  if ((array && !b.elements.is_constant()) || b.elements.min() < 0 || b.elements.max() > most) {
    return InvalidArgument("buffer ", b.name, " of ", b.elements.ToString(), " elements");
  }
  return absl::OkStatus();
}

absl::Status VerifyBuffers(const Linear& kernel, absl::flat_hash_set<std::string>& names) {
  bool globals_over = false;
  for (const Buffer& b : kernel.buffers) {
    if (!IsName(b.name)) return InvalidArgument("buffer \"", b.name, "\" is no name");
    if (!names.insert(b.name).second) return InvalidArgument("two things are named ", b.name);
    if (types::Bytes(b.dtype) == 0) return InvalidArgument("buffer ", b.name, " has no dtype");
    if (b.align < 1 || !std::has_single_bit(static_cast<uint32_t>(b.align))) {
      return InvalidArgument("buffer ", b.name, " is aligned to ", b.align);
    }
    globals_over = globals_over || b.space != Space::kGlobal;
    if (globals_over && b.space == Space::kGlobal) {
      return InvalidArgument("global buffer ", b.name, " stands after a local or private one");
    }
    RETURN_IF_ERROR(VerifyElements(kernel, b));
  }
  return absl::OkStatus();
}

bool Accesses(Opcode opcode) {
  return opcode == Opcode::kLoad || opcode == Opcode::kGather || opcode == Opcode::kStore ||
         opcode == Opcode::kScatter;
}

bool HasType(Opcode opcode) {
  return opcode != Opcode::kIf && opcode != Opcode::kEnd && opcode != Opcode::kBarrier;
}

bool Defines(Opcode opcode) {
  return HasType(opcode) && opcode != Opcode::kSet && opcode != Opcode::kStore &&
         opcode != Opcode::kScatter;
}

// What is wrong with the numbers of `instr`, or nothing. `next` registers are defined before it.
std::string_view NumberError(const Linear& kernel, const Instr& instr, int32_t next) {
  if (instr.opcode > Opcode::kBarrier) return "no such opcode";
  if (instr.scalar_op >= ir::ScalarOp::kCount) return "no such scalar op";
  if (instr.loop > LoopKind::kLocal) return "no such kind of loop";
  for (int32_t src : instr.src) {
    if (src < -1 || src >= next) return "an operand that is no register defined above";
  }
  if (Defines(instr.opcode) ? instr.dst != next : instr.dst != -1 && instr.opcode != Opcode::kSet) {
    return "registers are not numbered in order of appearance";
  }
  if (instr.opcode == Opcode::kSet && (instr.dst < 0 || instr.dst >= next)) {
    return "set of a register that isn't defined above";
  }
  const int32_t buffers = static_cast<int32_t>(kernel.buffers.size());
  if (Accesses(instr.opcode) ? instr.buffer < 0 || instr.buffer >= buffers : instr.buffer != -1) {
    return "no such buffer";
  }
  if (instr.opcode == Opcode::kVar &&
      (instr.index < 0 || instr.index >= static_cast<int64_t>(kernel.variables.size()))) {
    return "no such variable";
  }
  if (HasType(instr.opcode) && (types::Bytes(instr.type.dtype) == 0 || instr.type.lanes < 1 ||
                                instr.type.lanes > kMaxLanes)) {
    return "no such type";
  }
  const bool grid = instr.opcode == Opcode::kFor &&
                    (instr.loop == LoopKind::kGroup || instr.loop == LoopKind::kLocal);
  if (grid && (instr.lane_list.size() != 1 || instr.lane_list[0] < 0 || instr.lane_list[0] > 2)) {
    return "a grid loop has one dimension, 0 to 2";
  }
  if (!grid && instr.opcode != Opcode::kShuffle && !instr.lane_list.empty()) return "a lane list";
  return {};
}

}  // namespace

absl::Status AtInstr(const Linear& kernel, const Instr& instr, std::string_view message) {
  return InvalidArgument("instruction ", &instr - kernel.code.data(), " `",
                         PrintInstr(kernel, instr), "`: ", message);
}

absl::Status VerifyNumbers(const Linear& kernel) {
  if (!IsName(kernel.name) && !kernel.name.empty()) {
    return InvalidArgument("\"", kernel.name, "\" is no name of a kernel");
  }
  absl::flat_hash_set<std::string> names;
  RETURN_IF_ERROR(VerifyVariables(kernel, names));
  RETURN_IF_ERROR(VerifyBuffers(kernel, names));
  int32_t next = 0;
  for (const Instr& instr : kernel.code) {
    const std::string_view error = NumberError(kernel, instr, next);
    if (!error.empty()) {
      return InvalidArgument("instruction ", &instr - kernel.code.data(), ": ", error);
    }
    if (Defines(instr.opcode)) ++next;
  }
  if (next != kernel.registers) {
    return InvalidArgument(next, " registers are defined, not ", kernel.registers);
  }
  return absl::OkStatus();
}

absl::Status VerifyMemory(const Linear& kernel) {
  IndexValues values(kernel);
  Facts facts;
  std::vector<Facts::Mark> blocks;
  for (const Instr& instr : kernel.code) {
    if (instr.opcode == Opcode::kFor || instr.opcode == Opcode::kIf) blocks.push_back(facts.mark());
    if (instr.opcode == Opcode::kEnd) {
      facts.Restore(blocks.back());
      blocks.pop_back();
    }
    if (Accesses(instr.opcode)) {
      const bool stores = instr.opcode == Opcode::kStore || instr.opcode == Opcode::kScatter;
      const bool contiguous = instr.opcode == Opcode::kLoad || instr.opcode == Opcode::kStore;
      const Facts::Mark before = facts.mark();
      const int32_t mask = instr.src[stores ? 2 : 1];
      if (mask >= 0) values.AddConditions(mask, facts);
      types::Sym index = values.Value(instr.src[0], facts);
      if (contiguous) index += IndexValues::Lane(instr.type.lanes);
      const types::Sym& size = kernel.buffers[instr.buffer].elements;
      if (!facts.Within(index, 0, size - 1)) {
        auto end = [](int64_t v) {
          return v <= -types::kSymLimit ? "-inf" : v >= types::kSymLimit ? "inf" : StrCat(v);
        };
        return AtInstr(kernel, instr,
                       StrCat("index ", index.ToString(), " in [", end(index.min()), ", ",
                              end(index.max()), "] may lie outside the ", size.ToString(),
                              " elements of ", kernel.buffers[instr.buffer].name));
      }
      facts.Restore(before);
    }
    if (!values.Follow(instr, facts)) {
      return AtInstr(kernel, instr, "the loop's bounds may be too large to count in 64 bits");
    }
  }
  return absl::OkStatus();
}

absl::Status Verify(const Linear& kernel) {
  for (auto step : {VerifyNumbers, VerifyTypes, VerifyStructure, VerifyMemory}) {
    absl::Status status = step(kernel);
    if (!status.ok()) return Annotate(status, StrCat("kernel ", kernel.name, ": "));
  }
  return absl::OkStatus();
}

}  // namespace tensord::kernel
