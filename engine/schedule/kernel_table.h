// The kernels of a schedule, each distinct one built once.
//
// A model repeats itself: a block again and again, one optimizer update per weight. The part of the
// graph that a group computes is copied into a graph of shapes, with the stored values that it
// reads numbered as they come; groups with the same copy have the same kernel, over values of their
// own. Groups that a later round of scheduling leaves as they were are found again by their nodes.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/schedule/contraction.h"
#include "engine/schedule/kernel_builder.h"
#include "engine/schedule/nested_folds.h"

namespace tensord::schedule {

class KernelTable {
 public:
  KernelTable(Contractions& contractions, const NestedFolds& nested)
      : contractions_(contractions), nested_(nested) {}

  // A kernel and the stored nodes of its parameters: what it reads, then the group's roots.
  struct Bound {
    const LoopKernel* kernel = nullptr;  // the table's
    std::vector<Ref> params;
    double operations = 0;  // scalar operations of one run
  };
  using Result = std::variant<Bound, Conflict>;

  // Valid as long as the table. REQUIRES: group.roots[0] is no copy.
  const Result& Find(const Group& group);

  // Kernels built, conflicts included.
  int built() const { return static_cast<int>(built_.size()); }

 private:
  struct Shape;
  struct Built {
    BuiltKernel kernel;
    double operations = 0;
  };
  struct Seen {
    Group group;
    Result result;
  };

  Shape ShapeOf(const Group& group);
  Result Bind(const Group& group);
  const std::variant<Built, Conflict>& Build(const Shape& shape);

  Contractions& contractions_;
  const NestedFolds& nested_;
  ir::Graph shapes_;
  absl::flat_hash_map<std::vector<Ref>, std::unique_ptr<const std::variant<Built, Conflict>>>
      built_;
  absl::flat_hash_map<Ref, std::unique_ptr<Seen>> seen_;  // by first root, as of the last round
};

}  // namespace tensord::schedule
