// What a kernel's body looks like to the lowering: every node once, with what it depends on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/schedule/loop.h"

namespace tensord::kernel {

using ir::Ref;
using types::Sym;

struct NodeInfo {
  uint64_t grid = 0;     // bit i: depends on kernel.grid[i]
  bool in_fold = false;  // depends on a fold's ranges
  int fold_rank = 0;     // folds on the longest path below, this one included
  Ref fold = nullptr;    // for in_fold nodes: one fold whose body they belong to
};

class Body {
 public:
  explicit Body(const schedule::LoopKernel& kernel);

  const schedule::LoopKernel& kernel() const { return kernel_; }
  absl::Span<const Ref> order() const { return order_; }  // inputs first
  const NodeInfo& info(Ref node) const { return info_.at(node); }
  bool DependsOn(Ref node, std::string_view grid_range) const;
  int RangeIndex(std::string_view name) const;  // in kernel.grid; -1: none

  // Extents at the variables' bounds.
  double GridExtent(int range) const;
  static double FoldPoints(Ref fold);
  // Times a node is evaluated when hoisted as far as its dependencies allow.
  double Points(Ref node) const;

 private:
  const schedule::LoopKernel& kernel_;
  std::vector<Ref> order_;
  absl::flat_hash_map<Ref, NodeInfo> info_;
};

}  // namespace tensord::kernel
