// Operands of contractions in the layout that vectors want.
#pragma once

#include <vector>

#include "engine/ir/function.h"
#include "engine/schedule/contraction.h"

namespace tensord::schedule {

// The function's results with, for each contraction, one kept axis chosen for vectors, and every
// operand that is neither constant nor contiguous along it stored in an order where it is (a stage
// of its own, whose cost is part of the choice). Depends on the graph alone.
std::vector<ir::Ref> PackContractions(const ir::Function& core, Contractions& contractions);

}  // namespace tensord::schedule
