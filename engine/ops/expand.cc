#include "engine/ops/expand.h"

#include "absl/container/flat_hash_map.h"
#include "engine/base/check.h"

namespace tensord::ops {
namespace {

using ir::Graph;
using ir::Ref;

// One sweep over the graph: composites become their expansions, whose own composites wait for the
// next.
class Sweep {
 public:
  Sweep(Graph& graph, absl::FunctionRef<bool(Ref)> keep) : graph_(graph), keep_(keep) {}

  // Whether a composite was met.
  bool Run(std::vector<Ref>& roots) {
    for (Ref node : ir::TopologicalOrder(roots)) Visit(node);
    for (Ref& root : roots) root = becomes_.at(root)[0];
    return changed_;
  }

 private:
  void Visit(Ref node) {
    std::vector<Ref>& now = becomes_[node];
    if (node->is("get") && becomes_.at(node->input(0)).size() > 1) {
      now = {becomes_.at(node->input(0))[node->attr<int64_t>("index")]};
      return;
    }
    inputs_.clear();
    for (Ref input : node->inputs()) inputs_.push_back(becomes_.at(input)[0]);
    const Ref moved = graph_.WithInputs(node, inputs_);
    if (node->op().expand == nullptr || keep_(moved)) {
      now = {moved};
      return;
    }
    now = ExpandNode(graph_, moved);
    changed_ = true;
  }

  Graph& graph_;
  absl::FunctionRef<bool(Ref)> keep_;
  absl::flat_hash_map<Ref, std::vector<Ref>> becomes_;
  std::vector<Ref> inputs_;
  bool changed_ = false;
};

}  // namespace

std::vector<Ref> ExpandNode(Graph& graph, Ref node) {
  const ir::OpRow& row = node->op();
  TENSORD_CHECK(row.expand != nullptr, row.name, " has no expansion");
  std::vector<Ref> results = row.expand(graph, node);
  TENSORD_CHECK(static_cast<int>(results.size()) == node->results(), row.name, " expands to ",
                results.size(), " results");
  for (int i = 0; i < node->results(); ++i) {
    TENSORD_CHECK(results[i]->type() == node->type(i), row.name, " promises ",
                  node->type(i).ToString(), ", expands to ", results[i]->type().ToString());
  }
  return results;
}

std::vector<Ref> ExpandComposites(Graph& graph, absl::Span<const Ref> roots,
                                  absl::FunctionRef<bool(Ref)> keep) {
  std::vector<Ref> now(roots.begin(), roots.end());
  while (Sweep(graph, keep).Run(now)) {
  }
  return now;
}

}  // namespace tensord::ops
