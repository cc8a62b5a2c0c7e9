// The rows of each family of functions; AllF32Expansions joins them.
#pragma once

#include "absl/types/span.h"
#include "engine/kernel/math_f32.h"

namespace tensord::kernel::math {

absl::Span<const F32Expansion> ExponentialRows();
absl::Span<const F32Expansion> LogarithmRows();
absl::Span<const F32Expansion> TrigonometricRows();
absl::Span<const F32Expansion> InverseTrigonometricRows();
absl::Span<const F32Expansion> HyperbolicRows();
absl::Span<const F32Expansion> InverseHyperbolicRows();
absl::Span<const F32Expansion> ErrorFunctionRows();
absl::Span<const F32Expansion> PowerRows();

}  // namespace tensord::kernel::math
