#include "engine/device/cpu/decode.h"

#include <algorithm>

namespace tensord::device::cpu {
namespace {

using kernel::Instr;
using kernel::Linear;
using kernel::LoopKind;
using kernel::Opcode;
using types::DType;
using types::Scalar;

class Decoder {
 public:
  explicit Decoder(const Linear& kernel)
      : kernel_(kernel),
        offset_(static_cast<size_t>(kernel.registers)),
        uses_(static_cast<size_t>(kernel.registers)),
        type_(static_cast<size_t>(kernel.registers)) {}

  Decoded Decode() {
    PlaceArrays();
    CountUses();
    program_.variable_registers.assign(kernel_.variables.size(), -1);
    const Instr* previous = nullptr;
    for (const Instr& instr : kernel_.code) {
      if (instr.dst >= 0 && instr.opcode != Opcode::kSet) PlaceRegister(instr);
      if (!ComputeInPlace(instr, previous)) Add(instr);
      previous = &instr;
    }
    return std::move(program_);
  }

 private:
  void PlaceArrays() {
    program_.globals = kernel_.globals();
    for (const kernel::Buffer& buffer : kernel_.buffers) {
      const bool global = buffer.space == kernel::Space::kGlobal;
      program_.array_bytes.push_back(
          global ? 0 : buffer.elements.constant() * types::Bytes(buffer.dtype));
      program_.array_is_local.push_back(buffer.space == kernel::Space::kLocal);
    }
  }

  void PlaceRegister(const Instr& instr) {
    const size_t bytes = static_cast<size_t>(instr.type.lanes * types::Bytes(instr.type.dtype));
    offset_[instr.dst] = static_cast<int32_t>(program_.image.size());
    type_[instr.dst] = instr.type;
    program_.image.resize(program_.image.size() + (bytes + 15) / 16 * 16);
    program_.scratch_bytes = std::max<int64_t>(program_.scratch_bytes, instr.type.lanes * 8);
  }

  void CountUses() {
    for (const Instr& instr : kernel_.code) {
      for (int32_t src : instr.src) {
        if (src >= 0) ++uses_[src];
      }
    }
  }

  // `set acc, x` right after x was computed for it alone: x is computed into acc.
  bool ComputeInPlace(const Instr& instr, const Instr* previous) {
    if (instr.opcode != Opcode::kSet || previous == nullptr || previous->opcode != Opcode::kAlu ||
        previous->dst != instr.src[0] || uses_[instr.src[0]] != 1) {
      return false;
    }
    program_.ops.back().to = Offset(instr.dst);
    return true;
  }

  int32_t Offset(int32_t reg) const { return reg < 0 ? 0 : offset_[reg]; }

  void Add(const Instr& instr) {
    switch (instr.opcode) {
      case Opcode::kConst:
        return SetConstant(instr);
      case Opcode::kIota:
        return SetIota(instr);
      case Opcode::kVar:
        return AddVariable(instr);
      case Opcode::kFor:
      case Opcode::kIf:
        return Open(instr);
      case Opcode::kEnd:
        return Close();
      case Opcode::kBarrier:
        program_.barriers = true;
        program_.ops.push_back({.control = Control::kBarrier});
        return;
      case Opcode::kAlu:
        return AddCompute(instr);
      default:
        return AddMove(instr);
    }
  }

  void SetConstant(const Instr& instr) {
    const int bytes = types::Bytes(instr.type.dtype);
    for (int32_t i = 0; i < instr.type.lanes; ++i) {
      instr.imm.ToBytes(&program_.image[static_cast<size_t>(Offset(instr.dst) + i * bytes)]);
    }
  }

  void SetIota(const Instr& instr) {
    const int bytes = types::Bytes(instr.type.dtype);
    for (int32_t i = 0; i < instr.type.lanes; ++i) {
      Scalar::Int(instr.type.dtype, i)
          .ToBytes(&program_.image[static_cast<size_t>(Offset(instr.dst) + i * bytes)]);
    }
  }

  // Every use of one variable reads the first register that was given to it.
  void AddVariable(const Instr& instr) {
    int32_t& offset = program_.variable_registers[static_cast<size_t>(instr.index)];
    if (offset < 0) offset = Offset(instr.dst);
    offset_[instr.dst] = offset;
  }

  void AddCompute(const Instr& instr) {
    const DType operand = type_[instr.src[ir::Row(instr.scalar_op).arity - 1]].dtype;
    Op op{.control = Control::kCompute};
    op.function = ir::LaneFunctionFor(instr.scalar_op, operand, instr.type.dtype);
    op.to = Offset(instr.dst);
    op.a = Offset(instr.src[0]);
    op.b = Offset(instr.src[1]);
    op.c = Offset(instr.src[2]);
    op.lanes = instr.type.lanes;
    program_.ops.push_back(std::move(op));
  }

  void AddMove(const Instr& instr) {
    const bool stores = instr.opcode == Opcode::kStore || instr.opcode == Opcode::kScatter;
    const int mask = stores ? 2 : 1;
    Op op{.control = Control::kMove, .move = MoveFor(instr)};
    op.to = Offset(instr.dst);
    op.a = Offset(instr.src[0]);
    op.b = Offset(instr.src[1]);
    op.lanes = instr.type.lanes;
    op.bytes = types::Bytes(instr.type.dtype);
    op.buffer = instr.buffer;
    op.step = instr.index;
    op.lane_list = instr.lane_list;
    if (instr.buffer >= 0) {
      op.mask = instr.src[mask] < 0 ? -1 : Offset(instr.src[mask]);
      const DType index = type_[instr.src[0]].dtype;
      if (index != DType::kI64)
        op.widen = ir::LaneFunctionFor(ir::ScalarOp::kCast, index, DType::kI64);
    }
    if (instr.opcode == Opcode::kShuffle) op.step = type_[instr.src[0]].lanes;
    if (instr.opcode == Opcode::kHorizontal) {
      op.lanes = type_[instr.src[0]].lanes;
      op.function = ir::LaneFunctionFor(instr.scalar_op, instr.type.dtype, instr.type.dtype);
    }
    program_.ops.push_back(std::move(op));
  }

  void Open(const Instr& instr) {
    Op op{.control = Control::kIf};
    op.a = Offset(instr.src[0]);
    if (instr.opcode == Opcode::kFor) {
      const bool grid = instr.loop == LoopKind::kGroup || instr.loop == LoopKind::kLocal;
      op.control = grid                                ? Control::kGrid
                   : instr.loop == LoopKind::kParallel ? Control::kParallel
                                                       : Control::kLoop;
      op.to = Offset(instr.dst);
      op.b = Offset(instr.src[1]);
      op.step = instr.index;
      op.local = instr.loop == LoopKind::kLocal;
      op.dimension = grid ? instr.lane_list[0] : 0;
      program_.grid_loops += grid ? 1 : 0;
    }
    open_.push_back(program_.ops.size());
    program_.ops.push_back(std::move(op));
  }

  void Close() {
    const size_t at = open_.back();
    open_.pop_back();
    if (program_.ops[at].control == Control::kLoop) {
      Op end = program_.ops[at];
      end.control = Control::kLoopEnd;
      end.jump = static_cast<int32_t>(at + 1);
      program_.ops.push_back(std::move(end));
    }
    program_.ops[at].jump = static_cast<int32_t>(program_.ops.size());
  }

  const Linear& kernel_;
  Decoded program_;
  std::vector<int32_t> offset_;  // by register
  std::vector<int32_t> uses_;
  std::vector<kernel::VType> type_;
  std::vector<size_t> open_;  // operations whose block is open
};

}  // namespace

Decoded Decode(const Linear& kernel) { return Decoder(kernel).Decode(); }

}  // namespace tensord::device::cpu
