// A group of stored nodes as one loop kernel.
#pragma once

#include <functional>
#include <optional>
#include <variant>

#include "engine/schedule/group.h"
#include "engine/schedule/loop.h"

namespace tensord::schedule {

// A node that must be stored before its consumers' kernel can be built, and why.
struct Conflict {
  ir::Ref node = nullptr;
  std::string reason;
};

struct BuiltKernel {
  LoopKernel kernel;
  std::vector<int> reads;  // values of the first parameters; the roots' values follow
};

// What a kernel needs to know of the graph around it.
struct Surroundings {
  std::function<std::optional<int>(ir::Ref)> value_of;  // the stored values, by name
  std::function<bool(ir::Ref)> is_contraction;          // of a reduce
  std::function<bool(ir::Ref)> is_nested;  // of a reduce: whether it may be inside a fold's body
};

// Expressions, merged folds and grid ranges, loop order.
std::variant<BuiltKernel, Conflict> BuildKernel(const Group& group, const Surroundings& around);

// Grid ranges in loop order such that every fold of only some of them is computed once per point of
// those, not again in inner loops; or the node whose fold can't be placed so. `origin` gives the
// graph node of an expression.
std::optional<Conflict> OrderLoops(LoopKernel& kernel,
                                   const std::function<ir::Ref(ir::Ref)>& origin,
                                   const std::function<bool(ir::Ref)>& is_contraction);

// Merges adjacent grid ranges wherever every index stays as simple: an elementwise kernel over
// dense arrays ends with one range.
void MergeGrid(LoopKernel& kernel);

// Replaces grid variables wherever the outputs use them. REQUIRES: no scatters.
void SubstituteGrid(LoopKernel& kernel, const Sym::Substitution& with);

// The names of the grid ranges ("g...") that `root` depends on.
std::vector<std::string> GridDependencies(ir::Ref root);

}  // namespace tensord::schedule
