// VerifyTypes: the type rule of every instruction.
#include <algorithm>
#include <bit>
#include <vector>

#include "engine/ir/scalar_lanes.h"
#include "engine/kernel/linear_verify.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;

constexpr VType kIndex{DType::kI64, 1};

class TypeRules {
 public:
  explicit TypeRules(const Linear& kernel)
      : kernel_(kernel),
        types_(static_cast<size_t>(kernel.registers)),
        accumulator_(static_cast<size_t>(kernel.registers)) {}

  // What is wrong with `instr`, or nothing.
  std::string_view Check(const Instr& instr) {
    const std::string_view error = Rule(instr);
    if (!error.empty()) return error;
    if (instr.dst >= 0 && instr.opcode != Opcode::kSet) {
      types_[instr.dst] = instr.type;
      accumulator_[instr.dst] = instr.opcode == Opcode::kAcc;
    }
    return {};
  }

 private:
  // The operands are given up to `most`, at least `least`, and no others.
  static bool Operands(const Instr& instr, int least, int most) {
    for (int i = 0; i < 3; ++i) {
      if (i < least && instr.src[i] < 0) return false;
      if (i >= most && instr.src[i] >= 0) return false;
    }
    return true;
  }
  VType Src(const Instr& instr, int i) const { return types_[instr.src[i]]; }

  std::string_view Rule(const Instr& instr) const;
  std::string_view Alu(const Instr& instr) const;
  std::string_view Iota(const Instr& instr) const;
  std::string_view Lane(const Instr& instr) const;
  std::string_view Shuffle(const Instr& instr) const;
  std::string_view Horizontal(const Instr& instr) const;
  std::string_view Memory(const Instr& instr) const;

  const Linear& kernel_;
  std::vector<VType> types_;
  std::vector<bool> accumulator_;
};

std::string_view TypeRules::Rule(const Instr& instr) const {
  constexpr std::string_view kOperandCount = "wrong number of operands";
  switch (instr.opcode) {
    case Opcode::kConst:
      if (!Operands(instr, 0, 0)) return kOperandCount;
      return instr.imm.dtype == instr.type.dtype ? "" : "the constant is of another dtype";
    case Opcode::kVar:
      if (!Operands(instr, 0, 0)) return kOperandCount;
      return instr.type == kIndex ? "" : "a variable is i64";
    case Opcode::kAlu:
      return Alu(instr);
    case Opcode::kSplat:
      if (!Operands(instr, 1, 1)) return kOperandCount;
      return Src(instr, 0) == VType{instr.type.dtype, 1} ? "" : "splat takes a scalar of its dtype";
    case Opcode::kIota:
      return Operands(instr, 0, 0) ? Iota(instr) : kOperandCount;
    case Opcode::kExtract:
      return Operands(instr, 1, 1) ? Lane(instr) : kOperandCount;
    case Opcode::kInsert:
      return Operands(instr, 2, 2) ? Lane(instr) : kOperandCount;
    case Opcode::kShuffle:
      return Operands(instr, 1, 2) ? Shuffle(instr) : kOperandCount;
    case Opcode::kHorizontal:
      return Operands(instr, 1, 1) ? Horizontal(instr) : kOperandCount;
    case Opcode::kLoad:
    case Opcode::kGather:
      return Operands(instr, 1, 2) ? Memory(instr) : kOperandCount;
    case Opcode::kStore:
    case Opcode::kScatter:
      return Operands(instr, 2, 3) ? Memory(instr) : kOperandCount;
    case Opcode::kAcc:
      if (!Operands(instr, 1, 1)) return kOperandCount;
      return Src(instr, 0) == instr.type ? "" : "the initial value is of another type";
    case Opcode::kSet:
      if (!Operands(instr, 1, 1)) return kOperandCount;
      if (!accumulator_[instr.dst]) return "set of a register that is no accumulator";
      return types_[instr.dst] == instr.type && Src(instr, 0) == instr.type
                 ? ""
                 : "the value is of another type";
    case Opcode::kFor:
      if (!Operands(instr, 2, 2)) return kOperandCount;
      if (instr.index < 1) return "the step must be positive";
      return instr.type == kIndex && Src(instr, 0) == kIndex && Src(instr, 1) == kIndex
                 ? ""
                 : "a loop and its bounds are i64";
    case Opcode::kIf:
      if (!Operands(instr, 1, 1)) return kOperandCount;
      return Src(instr, 0) == VType{DType::kBool, 1} ? "" : "the condition must be a scalar bool";
    case Opcode::kEnd:
    case Opcode::kBarrier:
      return Operands(instr, 0, 0) ? "" : kOperandCount;
  }
  return "no such opcode";
}

std::string_view TypeRules::Alu(const Instr& instr) const {
  const ir::ScalarOpRow& row = ir::Row(instr.scalar_op);
  if (!Operands(instr, row.arity, row.arity)) return "wrong number of operands";
  for (int i = 0; i < row.arity; ++i) {
    if (Src(instr, i).lanes != instr.type.lanes) return "operands have other lanes than the result";
  }
  const DType operand = Src(instr, row.arity - 1).dtype;
  const bool where = instr.scalar_op == ScalarOp::kWhere;
  if (where && Src(instr, 0).dtype != DType::kBool) return "the condition must be bool";
  for (int i = where ? 1 : 0; i < row.arity; ++i) {
    if (Src(instr, i).dtype != operand) return "operands are of different dtypes";
  }
  return ir::LaneFunctionFor(instr.scalar_op, operand, instr.type.dtype) != nullptr
             ? ""
             : "the operation isn't defined for these dtypes";
}

std::string_view TypeRules::Iota(const Instr& instr) const {
  if (!types::IsInteger(instr.type.dtype)) return "iota is of an integer dtype";
  const int bits = types::Row(instr.type.dtype).bits - (types::IsSigned(instr.type.dtype) ? 1 : 0);
  return bits >= 31 || instr.type.lanes <= 1 << bits ? "" : "the lanes don't fit the dtype";
}

std::string_view TypeRules::Lane(const Instr& instr) const {
  const VType vector = Src(instr, 0), scalar{vector.dtype, 1};
  if (instr.index < 0 || instr.index >= vector.lanes) return "no such lane";
  if (instr.opcode == Opcode::kExtract)
    return instr.type == scalar ? "" : "the result is of another type";
  return instr.type == vector && Src(instr, 1) == scalar ? "" : "operands are of other types";
}

std::string_view TypeRules::Shuffle(const Instr& instr) const {
  const VType a = Src(instr, 0);
  const bool two = instr.src[1] >= 0;
  if (two && Src(instr, 1) != a) return "operands are of different types";
  if (instr.type.dtype != a.dtype ||
      instr.lane_list.size() != static_cast<size_t>(instr.type.lanes)) {
    return "the result is of another type";
  }
  const int32_t lanes = two ? 2 * a.lanes : a.lanes;
  const bool inside = std::all_of(instr.lane_list.begin(), instr.lane_list.end(),
                                  [&](int32_t lane) { return lane >= 0 && lane < lanes; });
  return inside ? "" : "no such lane";
}

std::string_view TypeRules::Horizontal(const Instr& instr) const {
  const VType vector = Src(instr, 0);
  if (instr.type != VType{vector.dtype, 1}) return "the result is of another type";
  if (!std::has_single_bit(static_cast<uint32_t>(vector.lanes)))
    return "lanes must be a power of two";
  if (!(ir::Row(instr.scalar_op).traits & ir::kAssociative) ||
      ir::LaneFunctionFor(instr.scalar_op, vector.dtype, vector.dtype) == nullptr) {
    return "no such reduction of this dtype";
  }
  return "";
}

std::string_view TypeRules::Memory(const Instr& instr) const {
  const bool contiguous = instr.opcode == Opcode::kLoad || instr.opcode == Opcode::kStore;
  const bool stores = instr.opcode == Opcode::kStore || instr.opcode == Opcode::kScatter;
  const Buffer& buffer = kernel_.buffers[instr.buffer];
  if (buffer.dtype != instr.type.dtype) return "the buffer is of another dtype";
  const VType index = Src(instr, 0);
  if (!types::IsInteger(index.dtype)) return "the index must be an integer";
  if (index.lanes != (contiguous ? 1 : instr.type.lanes)) return "the index has other lanes";
  const int32_t mask = instr.src[stores ? 2 : 1];
  if (mask >= 0 && types_[mask] != VType{DType::kBool, instr.type.lanes}) {
    return "the mask must be a bool for every lane";
  }
  if (!stores) return "";
  if (buffer.space == Space::kGlobal && buffer.access == Access::kIn) {
    return "a store to a buffer that is only read";
  }
  return Src(instr, 1) == instr.type ? "" : "the value is of another type";
}

}  // namespace

absl::Status VerifyTypes(const Linear& kernel) {
  TypeRules rules(kernel);
  for (const Instr& instr : kernel.code) {
    const std::string_view error = rules.Check(instr);
    if (!error.empty()) return AtInstr(kernel, instr, error);
    if (instr.non_temporal && instr.opcode != Opcode::kStore) {
      return AtInstr(kernel, instr, "only a store can be non-temporal");
    }
  }
  return absl::OkStatus();
}

}  // namespace tensord::kernel
