// One line per pass: what it does to the function's results.
#pragma once

#include "absl/status/status.h"
#include "engine/ir/function.h"

namespace tensord::passes {

// Replaces every composite by its meaning until only core ops are left.
absl::Status ExpandComposites(ir::Function& function);
// Drops movement, casts and arithmetic that change nothing; computes on uniform constants at once.
absl::Status Simplify(ir::Function& function);
// Makes a reduction of more than kFoldSplit elements one of partial results, by its extents alone,
// so that its order never depends on the machine.
absl::Status SplitFolds(ir::Function& function);

inline constexpr int64_t kFoldSplit = 1 << 15;

}  // namespace tensord::passes
