#include <string>

#include "engine/base/strings.h"
#include "engine/kernel/linear.h"

namespace tensord::kernel {
namespace {

std::string Reg(int32_t number) { return StrCat("%", number); }

void AppendOperands(const Instr& instr, std::string* text) {
  for (int i = 0; i < 3 && instr.src[i] >= 0; ++i) {
    StrAppend(text, i == 0 ? " %" : ", %", instr.src[i]);
  }
}

void AppendLanes(const std::vector<int32_t>& lanes, std::string* text) {
  text->push_back('[');
  for (size_t i = 0; i < lanes.size(); ++i) StrAppend(text, i == 0 ? "" : ", ", lanes[i]);
  text->push_back(']');
}

// "%x[%3]", and the mask where there is one.
std::string Place(const Linear& kernel, const Instr& instr) {
  return StrCat(" %", kernel.buffers[instr.buffer].name, "[", Reg(instr.src[0]), "]");
}

std::string Masked(int32_t mask) { return mask < 0 ? "" : StrCat(" mask ", Reg(mask)); }

std::string LoopName(const Instr& instr) {
  switch (instr.loop) {
    case LoopKind::kSerial:
      return "serial";
    case LoopKind::kParallel:
      return "parallel";
    case LoopKind::kGroup:
      return StrCat("group.", instr.lane_list.at(0));
    case LoopKind::kLocal:
      return StrCat("local.", instr.lane_list.at(0));
  }
  return "";
}

void AppendInstr(const Linear& kernel, const Instr& instr, std::string* text) {
  const std::string type = ToString(instr.type);
  switch (instr.opcode) {
    case Opcode::kConst:
      return StrAppend(text, "const ", type, " ", instr.imm.ToString());
    case Opcode::kVar:
      return StrAppend(text, "var ", kernel.variables[instr.index].name);
    case Opcode::kAlu:
      StrAppend(text, ir::Row(instr.scalar_op).name, " ", type);
      return AppendOperands(instr, text);
    case Opcode::kSplat:
      return StrAppend(text, "splat ", type, " ", Reg(instr.src[0]));
    case Opcode::kIota:
      return StrAppend(text, "iota ", type);
    case Opcode::kExtract:
      return StrAppend(text, "extract ", type, " ", Reg(instr.src[0]), ", ", instr.index);
    case Opcode::kInsert:
      return StrAppend(text, "insert ", type, " ", Reg(instr.src[0]), ", ", instr.index, ", ",
                       Reg(instr.src[1]));
    case Opcode::kShuffle:
      StrAppend(text, "shuffle ", type);
      AppendOperands(instr, text);
      StrAppend(text, ", ");
      return AppendLanes(instr.lane_list, text);
    case Opcode::kHorizontal:
      return StrAppend(text, "horizontal.", ir::Row(instr.scalar_op).name, " ", type, " ",
                       Reg(instr.src[0]));
    case Opcode::kLoad:
    case Opcode::kGather:
      return StrAppend(text, instr.opcode == Opcode::kLoad ? "load " : "gather ", type,
                       Place(kernel, instr), Masked(instr.src[1]));
    case Opcode::kStore:
    case Opcode::kScatter:
      return StrAppend(text, instr.opcode == Opcode::kStore ? "store" : "scatter",
                       instr.non_temporal ? ".nt " : " ", type, Place(kernel, instr), ", ",
                       Reg(instr.src[1]), Masked(instr.src[2]));
    case Opcode::kAcc:
      return StrAppend(text, "acc ", type, " ", Reg(instr.src[0]));
    case Opcode::kSet:
      return StrAppend(text, "set ", type, " ", Reg(instr.dst), ", ", Reg(instr.src[0]));
    case Opcode::kFor:
      return StrAppend(text, "for ", LoopName(instr), " ", Reg(instr.src[0]), ", ",
                       Reg(instr.src[1]), ", ", instr.index, " {");
    case Opcode::kIf:
      return StrAppend(text, "if ", Reg(instr.src[0]), " {");
    case Opcode::kEnd:
      return text->push_back('}');
    case Opcode::kBarrier:
      return StrAppend(text, "barrier");
  }
}

std::string_view AccessName(Access access) {
  switch (access) {
    case Access::kIn:
      return " in";
    case Access::kOut:
      return " out";
    case Access::kInOut:
      return " inout";
  }
  return "";
}

void AppendBuffer(const Buffer& buffer, std::string* text) {
  StrAppend(text, "%", buffer.name, ": ", types::Name(buffer.dtype), "[",
            buffer.elements.ToString(), "]");
  if (buffer.space == Space::kGlobal) StrAppend(text, AccessName(buffer.access));
  if (buffer.align != 64) StrAppend(text, " align ", buffer.align);
}

void AppendSignature(const Linear& kernel, std::string* text) {
  StrAppend(text, "kernel @", kernel.name, "(");
  std::string_view separator = "";
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.space != Space::kGlobal) continue;
    StrAppend(text, separator);
    AppendBuffer(buffer, text);
    separator = ", ";
  }
  for (const Variable& variable : kernel.variables) {
    StrAppend(text, separator, variable.name, " in [", variable.min, ", ", variable.max, "]");
    separator = ", ";
  }
  StrAppend(text, ") {\n");
  for (const Buffer& buffer : kernel.buffers) {
    if (buffer.space == Space::kGlobal) continue;
    StrAppend(text, buffer.space == Space::kLocal ? "  local " : "  private ");
    AppendBuffer(buffer, text);
    text->push_back('\n');
  }
}

}  // namespace

std::string ToString(VType type) {
  std::string_view name = types::Name(type.dtype);
  return type.lanes == 1 ? std::string(name) : StrCat(name, "x", type.lanes);
}

std::string PrintInstr(const Linear& kernel, const Instr& instr) {
  std::string text;
  const bool defines = instr.dst >= 0 && instr.opcode != Opcode::kSet;
  if (defines) StrAppend(&text, Reg(instr.dst), " = ");
  AppendInstr(kernel, instr, &text);
  return text;
}

std::string Print(const Linear& kernel) {
  std::string text;
  AppendSignature(kernel, &text);
  size_t depth = 1;
  for (const Instr& instr : kernel.code) {
    if (instr.opcode == Opcode::kEnd && depth > 1) --depth;
    text.append(2 * depth, ' ');
    text += PrintInstr(kernel, instr);
    text.push_back('\n');
    if (instr.opcode == Opcode::kFor || instr.opcode == Opcode::kIf) ++depth;
  }
  text += "}\n";
  return text;
}

}  // namespace tensord::kernel
