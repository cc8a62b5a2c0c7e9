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

}  // namespace

Body::Body(const schedule::LoopKernel& kernel) : kernel_(kernel) {
  std::vector<Ref> roots;
  for (const schedule::Output& output : kernel.outputs) roots.push_back(output.value);
  order_ = ir::TopologicalOrder(roots);
  for (Ref node : order_) {
    NodeInfo info;
    for (Ref input : node->inputs()) {
      const NodeInfo& from = info_.at(input);
      info.grid |= from.grid;
      info.in_fold = info.in_fold || from.in_fold;
      info.fold_rank = std::max(info.fold_rank, from.fold_rank);
    }
    ForEachName(node, [&](const std::string& name) {
      if (schedule::IsFoldName(name)) info.in_fold = true;
      if (const int range = RangeIndex(name); range >= 0) info.grid |= uint64_t{1} << range;
    });
    if (node->is("fold")) {
      info.in_fold = false;
      ++info.fold_rank;
    }
    info_.emplace(node, info);
  }
  for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
    Ref fold = (*it)->is("fold") ? *it : info_.at(*it).fold;
    for (Ref input : (*it)->inputs()) {
      NodeInfo& info = info_.at(input);
      if (info.in_fold && info.fold == nullptr) info.fold = fold;
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

double Body::GridExtent(int range) const {
  return static_cast<double>(std::max<int64_t>(kernel_.grid[range].extent.max(), 1));
}

double Body::FoldPoints(Ref fold) {
  double points = 1;
  for (const Sym& extent : fold->attr<Dims>("extents")) {
    points *= static_cast<double>(std::max<int64_t>(extent.max(), 1));
  }
  return points;
}

double Body::Points(Ref node) const {
  const NodeInfo& info = info_.at(node);
  double points = info.in_fold && info.fold != nullptr ? FoldPoints(info.fold) : 1;
  for (size_t i = 0; i < kernel_.grid.size(); ++i) {
    if (info.grid >> i & 1) points *= GridExtent(static_cast<int>(i));
  }
  return points;
}

}  // namespace tensord::kernel
