// What a kernel's body looks like to the lowering: every node once, with what it depends on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/schedule/loop.h"

namespace tensord::kernel {

using ir::Ref;
using schedule::IsFold;
using types::Sym;

struct NodeInfo {
  uint64_t grid = 0;   // bit i: depends on kernel.grid[i]
  uint64_t level = 0;  // bits of the grid that must be bound before it is computed: `grid`, and
                       // what the online folds that are computed with a maximum depend on
  uint64_t folds = 0;  // bit i: depends on fold range .k<i> of a fold around it
  bool in_template = false;  // part of an expression over `hole`
  int fold_rank = 0;         // folds on the longest path below, this one included
  Ref fold = nullptr;        // for in_fold nodes: one fold whose body they belong to
  double fold_points = 1;    // times it is computed for a point of the grid

  bool in_fold() const { return folds != 0; }
};

// The bits of a fold's own ranges, as in NodeInfo::folds.
uint64_t RangeBits(Ref fold);

class Body {
 public:
  explicit Body(const schedule::LoopKernel& kernel);

  const schedule::LoopKernel& kernel() const { return kernel_; }
  absl::Span<const Ref> order() const { return order_; }  // inputs first
  const NodeInfo& info(Ref node) const { return info_.at(node); }
  bool DependsOn(Ref node, std::string_view grid_range) const;
  int RangeIndex(std::string_view name) const;  // in kernel.grid; -1: none

  // The online folds that are computed beside a max fold, in order; none for other nodes.
  absl::Span<const Ref> OnlineFolds(Ref max) const;
  // Whether vectors may run along a grid range: no online fold spread over lanes depends on it.
  bool MayBeVector(std::string_view grid_range) const;

  // Extents at the variables' bounds.
  double GridExtent(int range) const;
  static double FoldPoints(Ref fold);
  // Times a node is evaluated when hoisted as far as its dependencies allow.
  double Points(Ref node) const;

 private:
  void Describe(Ref node);
  void PlaceMaxima();
  void CountFoldPoints();

  const schedule::LoopKernel& kernel_;
  std::vector<Ref> order_;
  absl::flat_hash_map<Ref, NodeInfo> info_;
  absl::flat_hash_map<Ref, std::vector<Ref>> online_;
};

}  // namespace tensord::kernel
