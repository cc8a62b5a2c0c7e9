#include "engine/ir/node_map.h"
#include "engine/ops/build.h"
#include "engine/passes/passes.h"

namespace tensord::passes {
namespace {

using ir::Ref;
using types::Dims;
using types::Sym;

// The largest divisor of n that is at most `limit`.
int64_t LargestDivisor(int64_t n, int64_t limit) {
  for (int64_t d = std::min(n, limit); d > 1; --d) {
    if (n % d == 0) return d;
  }
  return 1;
}

int64_t FoldSize(Ref reduce) {
  int64_t size = 1;
  for (int64_t axis : reduce->attr<ir::Ints>("axes")) {
    const Sym& dim = reduce->input(0)->dims()[axis];
    if (!dim.is_constant()) return 0;
    size *= dim.constant();
  }
  return size;
}

// Folds all but a leading part of the first axis, stores that, and folds the rest.
Ref Split(ir::Graph& graph, Ref reduce) {
  constexpr int64_t kMaxPartials = 1024;
  const auto& axes = reduce->attr<ir::Ints>("axes");
  const auto& monoid = reduce->attr<std::string>("monoid");
  Ref x = reduce->input(0);
  const int64_t first = axes[0], extent = x->dims()[first].constant();
  const int64_t partials = LargestDivisor(extent, kMaxPartials);
  if (partials == 1 || partials == FoldSize(reduce)) return reduce;
  Dims dims = x->dims();
  dims[first] = extent / partials;
  dims.insert(dims.begin() + first, Sym(partials));
  ir::Ints inner;
  for (int64_t axis : axes) inner.push_back(axis + 1);
  Ref partial = ops::Reduce(graph, ops::Reshape(graph, x, dims), monoid, inner);
  partial = ops::Build(graph, "contiguous", {partial});
  return ops::Reduce(graph, partial, monoid, {first});
}

bool IsProduct(Ref node) {
  while (node->is(ir::ScalarOp::kCast)) node = node->input(0);
  return node->is(ir::ScalarOp::kMul);
}

}  // namespace

absl::Status SplitFolds(ir::Function& function) {
  ir::NodeMap<Ref> values(*function.graph);
  std::vector<Ref> inputs;
  for (Ref node : ir::TopologicalOrder(function.results)) {
    inputs.clear();
    for (Ref input : node->inputs()) inputs.push_back(values.at(input));
    Ref moved = function.graph->WithInputs(node, inputs);
    const bool split = moved->is("reduce") && FoldSize(moved) > kFoldSplit &&
                       (moved->rank() == 0 || !IsProduct(moved->input(0)));
    values[node] = split ? Split(*function.graph, moved) : moved;
  }
  for (Ref& result : function.results) result = values.at(result);
  return absl::OkStatus();
}

}  // namespace tensord::passes
