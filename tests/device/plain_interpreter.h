// Linear kernels executed one lane at a time, as plainly as can be, with every access checked: the
// reference for the cpu device and the judge of the verifier.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "engine/base/strings.h"
#include "engine/ir/scalar_op.h"
#include "engine/kernel/linear.h"
#include "engine/types/tensor.h"

namespace tensord::device {

class PlainInterpreter {
 public:
  using Lanes = std::vector<types::Scalar>;

  // `buffers`: one per buffer of the kernel, arrays included.
  PlainInterpreter(const kernel::Linear& kernel, std::vector<Lanes> buffers,
                   std::vector<int64_t> variables)
      : kernel_(kernel),
        buffers_(std::move(buffers)),
        variables_(std::move(variables)),
        registers_(static_cast<size_t>(kernel.registers)) {}

  // Runs to the end, or up to `budget` instructions. Parallel loops and grids run one after the
  // other: no barriers. False after an access outside of a buffer; see error().
  bool Run(int64_t budget) {
    budget_ = budget;
    Block(0, kernel_.code.size());
    return error_.empty();
  }
  bool finished() const { return budget_ > 0; }
  const std::string& error() const { return error_; }
  const Lanes& buffer(size_t i) const { return buffers_[i]; }

 private:
  using Instr = kernel::Instr;
  using Opcode = kernel::Opcode;

  size_t EndOf(size_t opener) const {
    int depth = 0;
    for (size_t i = opener;; ++i) {
      const Opcode opcode = kernel_.code[i].opcode;
      if (opcode == Opcode::kFor || opcode == Opcode::kIf) ++depth;
      if (opcode == Opcode::kEnd && --depth == 0) return i;
    }
  }

  void Block(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      if (--budget_ <= 0 || !error_.empty()) return;
      const Instr& instr = kernel_.code[i];
      if (instr.opcode == Opcode::kFor) {
        const size_t end = EndOf(i);
        const int64_t lo = Src(instr, 0)[0].i, hi = Src(instr, 1)[0].i;
        for (int64_t at = lo; at < hi && budget_ > 0 && error_.empty(); at += instr.index) {
          registers_[instr.dst] = {types::Scalar::Int(types::DType::kI64, at)};
          Block(i + 1, end);
        }
        i = end;
      } else if (instr.opcode == Opcode::kIf) {
        const size_t end = EndOf(i);
        if (Src(instr, 0)[0].i != 0) Block(i + 1, end);
        i = end;
      } else {
        Step(instr);
      }
    }
  }

  const Lanes& Src(const Instr& instr, int i) const { return registers_[instr.src[i]]; }

  types::Scalar Alu(const Instr& instr, size_t lane) const {
    types::Scalar operands[3];
    const size_t arity = static_cast<size_t>(ir::Row(instr.scalar_op).arity);
    for (size_t k = 0; k < arity; ++k) operands[k] = Src(instr, static_cast<int>(k))[lane];
    return ir::Evaluate(instr.scalar_op, instr.type.dtype, {operands, arity});
  }

  types::Scalar Horizontal(const Instr& instr) const {
    Lanes lanes = Src(instr, 0);
    for (size_t half = lanes.size() / 2; half > 0; half /= 2) {
      for (size_t i = 0; i < half; ++i) {
        const types::Scalar pair[] = {lanes[i], lanes[i + half]};
        lanes[i] = ir::Evaluate(instr.scalar_op, instr.type.dtype, pair);
      }
    }
    return lanes[0];
  }

  types::Scalar Zero(const Instr& instr) const { return types::Scalar::Int(instr.type.dtype, 0); }

  // The element of lane `lane`, or nullptr when it is masked or outside.
  types::Scalar* Element(const Instr& instr, size_t lane, int mask, bool contiguous) {
    if (instr.src[mask] >= 0 && Src(instr, mask)[lane].i == 0) return nullptr;
    const types::Scalar& base = Src(instr, 0)[contiguous ? 0 : lane];
    const __int128 index = (types::IsUnsigned(base.dtype) ? __int128{base.u} : __int128{base.i}) +
                           (contiguous ? static_cast<__int128>(lane) : 0);
    Lanes& buffer = buffers_[instr.buffer];
    if (index < 0 || index >= static_cast<__int128>(buffer.size())) {
      error_ = StrCat(kernel::PrintInstr(kernel_, instr), " at ", static_cast<int64_t>(index),
                      " of ", buffer.size());
      return nullptr;
    }
    return &buffer[static_cast<size_t>(index)];
  }

  void Step(const Instr& instr) {
    const auto n = static_cast<size_t>(instr.type.lanes);
    Lanes result(n);
    const bool contiguous = instr.opcode == Opcode::kLoad || instr.opcode == Opcode::kStore;
    for (size_t i = 0; i < n; ++i) {
      switch (instr.opcode) {
        case Opcode::kConst:
          result[i] = instr.imm;
          break;
        case Opcode::kVar:
          result[i] = types::Scalar::Int(types::DType::kI64, variables_[instr.index]);
          break;
        case Opcode::kAlu:
          result[i] = Alu(instr, i);
          break;
        case Opcode::kAcc:
        case Opcode::kSet:
          result[i] = Src(instr, 0)[i];
          break;
        case Opcode::kSplat:
          result[i] = Src(instr, 0)[0];
          break;
        case Opcode::kIota:
          result[i] = types::Scalar::Int(instr.type.dtype, static_cast<int64_t>(i));
          break;
        case Opcode::kExtract:
          result[i] = Src(instr, 0)[instr.index];
          break;
        case Opcode::kInsert:
          result[i] = static_cast<int64_t>(i) == instr.index ? Src(instr, 1)[0] : Src(instr, 0)[i];
          break;
        case Opcode::kShuffle: {
          const size_t lane = static_cast<size_t>(instr.lane_list[i]), a = Src(instr, 0).size();
          result[i] = lane < a ? Src(instr, 0)[lane] : Src(instr, 1)[lane - a];
          break;
        }
        case Opcode::kHorizontal:
          result[i] = Horizontal(instr);
          break;
        case Opcode::kLoad:
        case Opcode::kGather: {
          const types::Scalar* at = Element(instr, i, 1, contiguous);
          result[i] = at != nullptr ? *at : Zero(instr);
          break;
        }
        case Opcode::kStore:
        case Opcode::kScatter:
          if (types::Scalar* at = Element(instr, i, 2, contiguous)) *at = Src(instr, 1)[i];
          break;
        default:
          break;
      }
    }
    if (instr.dst >= 0) registers_[instr.dst] = std::move(result);
  }

  const kernel::Linear& kernel_;
  std::vector<Lanes> buffers_;
  const std::vector<int64_t> variables_;
  std::vector<Lanes> registers_;
  int64_t budget_ = 0;
  std::string error_;
};

}  // namespace tensord::device
