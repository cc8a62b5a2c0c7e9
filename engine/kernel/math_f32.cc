#include "engine/kernel/math_f32.h"

#include <vector>

#include "engine/kernel/math/families.h"

namespace tensord::kernel {

absl::Span<const F32Expansion> AllF32Expansions() {
  static const auto* const rows = [] {
    auto* all = new std::vector<F32Expansion>;
    for (auto family : {math::ExponentialRows, math::LogarithmRows, math::TrigonometricRows,
                        math::InverseTrigonometricRows, math::HyperbolicRows,
                        math::InverseHyperbolicRows, math::ErrorFunctionRows, math::PowerRows}) {
      for (const F32Expansion& row : family()) all->push_back(row);
    }
    return all;
  }();
  return *rows;
}

const F32Expansion* FindF32Expansion(ir::ScalarOp op) {
  for (const F32Expansion& row : AllF32Expansions()) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

}  // namespace tensord::kernel
