// EstimateWork: walks the kernel once. Loop variables stand at the middle of their range, so that a
// loop whose bounds depend on another's variable counts as it does on average.
#include <algorithm>
#include <optional>
#include <vector>

#include "engine/base/check.h"
#include "engine/kernel/linear.h"

namespace tensord::kernel {
namespace {

using ir::ScalarOp;
using types::DType;
using types::Scalar;

double FlopsOf(const Instr& instr) {
  if (!types::IsFloat(instr.type.dtype)) return 0;
  switch (instr.scalar_op) {
    case ScalarOp::kWhere:
    case ScalarOp::kCast:
    case ScalarOp::kBitcast:
    case ScalarOp::kCopySign:
    case ScalarOp::kNeg:
    case ScalarOp::kAbs:
      return 0;
    case ScalarOp::kFma:
      return 2;
    default:
      return 1;
  }
}

class Walker {
 public:
  Walker(const Linear& kernel, absl::Span<const int64_t> variables)
      : kernel_(kernel),
        variables_(variables),
        known_(static_cast<size_t>(kernel.registers)),
        lanes_(static_cast<size_t>(kernel.registers), 1),
        touched_(kernel.buffers.size()) {}

  Work Run() {
    for (const Instr& instr : kernel_.code) Step(instr);
    types::Sym::Assignment values;
    for (size_t i = 0; i < kernel_.variables.size(); ++i) {
      values[kernel_.variables[i].name] = variables_[i];
    }
    for (size_t i = 0; i < touched_.size(); ++i) {
      if (!touched_[i] || kernel_.buffers[i].space != Space::kGlobal) continue;
      work_.bytes_touched += static_cast<double>(kernel_.buffers[i].elements.Evaluate(values)) *
                             types::Bytes(kernel_.buffers[i].dtype);
    }
    return work_;
  }

 private:
  // Values of scalars are followed where constants, variables and loops determine them.
  std::optional<Scalar> ValueOf(const Instr& instr) const {
    if (instr.type.lanes != 1) return std::nullopt;
    if (instr.opcode == Opcode::kConst) return instr.imm;
    if (instr.opcode == Opcode::kVar) return Scalar::Int(DType::kI64, variables_[instr.index]);
    if (instr.opcode != Opcode::kAlu) return std::nullopt;
    Scalar operands[3];
    const size_t arity = static_cast<size_t>(ir::Row(instr.scalar_op).arity);
    for (size_t i = 0; i < arity; ++i) {
      if (!known_[instr.src[i]]) return std::nullopt;
      operands[i] = *known_[instr.src[i]];
    }
    return ir::Evaluate(instr.scalar_op, instr.type.dtype, {operands, arity});
  }

  void OpenLoop(const Instr& instr) {
    times_.push_back(times_.back());
    const auto &lo = known_[instr.src[0]], &hi = known_[instr.src[1]];
    if (!lo || !hi) return;  // counted once
    const int64_t trips = std::max<int64_t>(0, (hi->i - lo->i + instr.index - 1) / instr.index);
    times_.back() *= static_cast<double>(trips);
    known_[instr.dst] = Scalar::Int(DType::kI64, lo->i + trips / 2 * instr.index);
  }

  void Access(const Instr& instr, double* bytes) {
    touched_[instr.buffer] = true;
    if (kernel_.buffers[instr.buffer].space != Space::kGlobal) return;
    *bytes += times_.back() * instr.type.lanes * types::Bytes(instr.type.dtype);
  }

  void Step(const Instr& instr) {
    switch (instr.opcode) {
      case Opcode::kFor:
        return OpenLoop(instr);
      case Opcode::kIf: {
        const auto& condition = known_[instr.src[0]];
        times_.push_back(condition && condition->i == 0 ? 0 : times_.back());
        return;
      }
      case Opcode::kEnd:
        times_.pop_back();
        return;
      case Opcode::kLoad:
      case Opcode::kGather:
        Access(instr, &work_.bytes_loaded);
        break;
      case Opcode::kStore:
      case Opcode::kScatter:
        Access(instr, &work_.bytes_stored);
        break;
      case Opcode::kAlu:
        work_.flops += times_.back() * instr.type.lanes * FlopsOf(instr);
        break;
      case Opcode::kHorizontal:
        work_.flops += times_.back() * (lanes_[instr.src[0]] - 1) * FlopsOf(instr);
        break;
      default:
        break;
    }
    if (instr.dst < 0 || instr.opcode == Opcode::kSet) return;
    lanes_[instr.dst] = instr.type.lanes;
    known_[instr.dst] = ValueOf(instr);
  }

  const Linear& kernel_;
  absl::Span<const int64_t> variables_;
  std::vector<std::optional<Scalar>> known_;
  std::vector<int32_t> lanes_;
  std::vector<bool> touched_;
  std::vector<double> times_ = {1};  // how often each open block runs
  Work work_;
};

}  // namespace

Work EstimateWork(const Linear& kernel, absl::Span<const int64_t> variable_values) {
  TENSORD_CHECK(variable_values.size() == kernel.variables.size());
  return Walker(kernel, variable_values).Run();
}

}  // namespace tensord::kernel
