// What instructions without effects compute, for llvm_region.h.
#include "engine/codegen/llvm_region.h"

namespace tensord::codegen {

using kernel::Instr;
using kernel::Opcode;
using kernel::VType;

std::string LlvmRegionWriter::Use(int reg) {
  if (!is_accumulator_[reg]) return values_[reg];
  return w_.Define("load ", RegisterType(TypeOf(reg)), ", ptr ", values_[reg]);
}

std::string LlvmRegionWriter::TypedUse(int reg) {
  const std::string text = Use(reg);
  return StrCat(RegisterType(TypeOf(reg)), " ", text);
}

Operand LlvmRegionWriter::OperandOf(int reg) { return {Use(reg), TypeOf(reg), facts_[reg]}; }

// A scalar as a vector of one lane, a vector as it is.
std::string LlvmRegionWriter::AsVector(int reg) {
  if (TypeOf(reg).lanes > 1) return Use(reg);
  const std::string_view element = RegisterElement(TypeOf(reg).dtype);
  return w_.Define("insertelement <1 x ", element, "> poison, ", TypedUse(reg), ", i64 0");
}

std::string LlvmRegionWriter::Splat(const Instr& instr) {
  if (instr.type.lanes == 1) return Use(instr.src[0]);
  const std::string type = RegisterType(instr.type);
  const std::string first =
      w_.Define("insertelement ", type, " poison, ", TypedUse(instr.src[0]), ", i64 0");
  return w_.Define("shufflevector ", type, " ", first, ", ", type, " poison, <", instr.type.lanes,
                   " x i32> zeroinitializer");
}

std::string LlvmRegionWriter::Iota(VType type) {
  if (type.lanes == 1) return "0";
  const std::string_view element = RegisterElement(type.dtype);
  std::string text = "<";
  for (int i = 0; i < type.lanes; ++i) {
    // Lanes beyond an 8-bit dtype wrap.
    const types::Scalar lane = types::Scalar::Int(type.dtype, i);
    StrAppend(&text, i == 0 ? "" : ", ", element, " ", ConstantText({type.dtype, 1}, lane));
  }
  return text + ">";
}

std::string LlvmRegionWriter::Shuffle(const Instr& instr) {
  const VType source = TypeOf(instr.src[0]);
  const std::string type = StrCat("<", source.lanes, " x ", RegisterElement(source.dtype), ">");
  const std::string a = AsVector(instr.src[0]);
  const std::string b = instr.src[1] < 0 ? "poison" : AsVector(instr.src[1]);
  std::string lanes;
  for (int32_t lane : instr.lane_list) StrAppend(&lanes, lanes.empty() ? "" : ", ", "i32 ", lane);
  const std::string vector = w_.Define("shufflevector ", type, " ", a, ", ", type, " ", b, ", <",
                                       instr.lane_list.size(), " x i32> <", lanes, ">");
  if (instr.type.lanes > 1) return vector;
  return w_.Define("extractelement <1 x ", RegisterElement(source.dtype), "> ", vector, ", i64 0");
}

std::string LlvmRegionWriter::Value(const Instr& instr) {
  switch (instr.opcode) {
    case Opcode::kConst:
      return ConstantText(instr.type, instr.imm);
    case Opcode::kVar: {
      const std::string at = w_.Define("getelementptr inbounds i64, ptr %vars, i64 ", instr.index);
      return w_.Define("load i64, ptr ", at, ", align 8, !invariant.load !{}");
    }
    case Opcode::kAlu: {
      std::vector<Operand> operands;
      for (int i = 0; i < ir::Row(instr.scalar_op).arity; ++i) {
        operands.push_back(OperandOf(instr.src[i]));
      }
      return EmitAlu(w_, instr.scalar_op, instr.type, operands);
    }
    case Opcode::kSplat:
      return Splat(instr);
    case Opcode::kIota:
      return Iota(instr.type);
    case Opcode::kExtract:
      if (TypeOf(instr.src[0]).lanes == 1) return Use(instr.src[0]);
      return w_.Define("extractelement ", TypedUse(instr.src[0]), ", i64 ", instr.index);
    case Opcode::kInsert: {
      if (instr.type.lanes == 1) return Use(instr.src[1]);
      const std::string vector = TypedUse(instr.src[0]), scalar = TypedUse(instr.src[1]);
      return w_.Define("insertelement ", vector, ", ", scalar, ", i64 ", instr.index);
    }
    case Opcode::kShuffle:
      return Shuffle(instr);
    case Opcode::kHorizontal:
      return EmitHorizontal(w_, instr.scalar_op, OperandOf(instr.src[0]));
    case Opcode::kLoad:
      return Load(instr);
    default:
      return Gather(instr);
  }
}

}  // namespace tensord::codegen
