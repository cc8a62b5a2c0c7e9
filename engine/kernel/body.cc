#include "engine/kernel/body.h"

#include <algorithm>

namespace tensord::kernel {
namespace {

using types::Dims;
using types::Mask;

// Applies `visit` to every variable name in the node's own index expressions.
template <typename F>
void ForEachName(Ref node, F visit) {
  const auto names = [&](const Sym& sym) {
    if (sym.is_constant()) return;
    for (const Sym::VariableInfo& variable : sym.Variables()) visit(variable.name);
  };
  for (const ir::AttrValue& attr : node->attrs()) {
    if (const auto* sym = std::get_if<Sym>(&attr)) names(*sym);
    if (const auto* mask = std::get_if<Mask>(&attr)) {
      for (const types::Bound& bound : mask->bounds()) names(bound.expr);
    }
  }
}

bool IsOnline(Ref node) { return &node->op() == &schedule::OnlineFoldOp(); }

}  // namespace

uint64_t RangeBits(Ref fold) {
  const uint64_t count = schedule::FoldExtents(fold).size();
  return ((uint64_t{1} << count) - 1) << schedule::FirstRange(fold);
}

Body::Body(const schedule::LoopKernel& kernel) : kernel_(kernel) {
  std::vector<Ref> roots;
  for (const schedule::Output& output : kernel.outputs) roots.push_back(output.value);
  order_ = ir::TopologicalOrder(roots);
  for (Ref node : order_) Describe(node);
  PlaceMaxima();
  CountFoldPoints();
}

void Body::Describe(Ref node) {
  NodeInfo info;
  info.in_template = &node->op() == &schedule::HoleOp();
  for (Ref input : node->inputs()) {
    const NodeInfo& from = info_.at(input);
    info.grid |= from.grid;
    info.folds |= from.folds;
    info.in_template = info.in_template || from.in_template;
    info.fold_rank = std::max(info.fold_rank, from.fold_rank);
  }
  ForEachName(node, [&](const std::string& name) {
    if (const int range = schedule::FoldRangeOf(name); range >= 0)
      info.folds |= uint64_t{1} << range;
    if (const int range = RangeIndex(name); range >= 0) info.grid |= uint64_t{1} << range;
  });
  if (IsFold(node)) {
    info.folds &= ~RangeBits(node);
    info.in_template = false;
    ++info.fold_rank;
  }
  if (IsOnline(node)) online_[node->input(2)].push_back(node);
  info_.emplace(node, info);
}

// A maximum waits for what its online folds wait for, and so does whatever reads it.
void Body::PlaceMaxima() {
  for (Ref node : order_) {
    NodeInfo& info = info_.at(node);
    info.level = info.grid;
    for (Ref input : node->inputs()) info.level |= info_.at(input).level;
    for (Ref online : OnlineFolds(node)) info.level |= info_.at(online).grid;
  }
}

void Body::CountFoldPoints() {
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    const NodeInfo& info = info_.at(*it);
    const bool is_fold = IsFold(*it);
    const double inside = info.fold_points * (is_fold ? FoldPoints(*it) : 1);
    Ref fold = is_fold ? *it : info.fold;
    for (Ref input : (*it)->inputs()) {
      NodeInfo& below = info_.at(input);
      if (!below.in_fold()) continue;
      below.fold_points = std::max(below.fold_points, inside);
      if (below.fold == nullptr) below.fold = fold;
    }
  }
}

bool Body::DependsOn(Ref node, std::string_view grid_range) const {
  const int range = RangeIndex(grid_range);
  return range >= 0 && (info_.at(node).grid >> range & 1);
}

int Body::RangeIndex(std::string_view name) const {
  for (size_t i = 0; i < kernel_.grid.size(); ++i) {
    if (kernel_.grid[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

absl::Span<const Ref> Body::OnlineFolds(Ref max) const {
  auto it = online_.find(max);
  return it == online_.end() ? absl::Span<const Ref>() : absl::Span<const Ref>(it->second);
}

bool Body::MayBeVector(std::string_view grid_range) const {
  for (const auto& [max, folds] : online_) {
    if (schedule::FoldLanesOf(max) == 1) continue;
    for (Ref fold : folds) {
      if (DependsOn(fold, grid_range)) return false;
    }
  }
  return true;
}

double Body::GridExtent(int range) const {
  return static_cast<double>(std::max<int64_t>(kernel_.grid[range].extent.max(), 1));
}

double Body::FoldPoints(Ref fold) {
  double points = 1;
  for (const Sym& extent : schedule::FoldExtents(fold)) {
    points *= static_cast<double>(std::max<int64_t>(extent.max(), 1));
  }
  return points;
}

double Body::Points(Ref node) const {
  const NodeInfo& info = info_.at(node);
  double points = info.fold_points;
  for (size_t i = 0; i < kernel_.grid.size(); ++i) {
    if (info.grid >> i & 1) points *= GridExtent(static_cast<int>(i));
  }
  return points;
}

}  // namespace tensord::kernel
