#include "engine/ops/expand.h"

#include "absl/container/inlined_vector.h"
#include "engine/base/check.h"
#include "engine/ir/node_map.h"

namespace tensord::ops {
namespace {

using ir::Graph;
using ir::Ref;
using Refs = absl::InlinedVector<Ref, 1>;

// Depth first over the graph and what its composites mean: every node, given or made by an
// expansion, is visited once.
class Expander {
 public:
  Expander(Graph& graph, absl::FunctionRef<bool(Ref)> keep)
      : graph_(graph), keep_(keep), becomes_(graph) {}

  Ref Run(Ref root) {
    Push(root);
    while (!stack_.empty()) Step();
    return becomes_[root][0];
  }

 private:
  struct Frame {
    Ref node;
    Ref moved = nullptr;       // the node over expanded inputs
    std::vector<Ref> meaning;  // of a composite
    size_t next = 0;           // input, then part of the meaning, to visit
  };

  bool Done(Ref node) { return !becomes_[node].empty(); }
  void Push(Ref node) {
    if (!Done(node)) stack_.push_back({node, nullptr, {}, 0});
  }

  void Step() {
    Frame& frame = stack_.back();
    const absl::Span<const Ref> todo =
        frame.moved == nullptr ? frame.node->inputs() : frame.meaning;
    if (frame.next < todo.size()) return Push(todo[frame.next++]);
    if (frame.moved == nullptr) return Enter(frame);
    Refs parts;
    for (Ref part : frame.meaning) parts.push_back(becomes_[part][0]);
    Finish(frame, std::move(parts));
  }

  // All inputs are expanded.
  void Enter(Frame& frame) {
    Ref node = frame.node;
    if (node->is("get")) {
      const Refs& tuple = becomes_[node->input(0)];
      const bool kept = tuple.size() == 1 && tuple[0]->results() > 1;
      if (!kept) {
        frame.moved = node;
        return Finish(frame, {tuple[node->attr<int64_t>("index")]});
      }
    }
    inputs_.clear();
    for (Ref input : node->inputs()) inputs_.push_back(becomes_[input][0]);
    frame.moved = graph_.WithInputs(node, inputs_);
    if (Done(frame.moved)) return Finish(frame, Refs(becomes_[frame.moved]));
    if (frame.moved->op().expand == nullptr || keep_(frame.moved)) {
      return Finish(frame, {frame.moved});
    }
    frame.meaning = ExpandNode(graph_, frame.moved);
    frame.next = 0;
  }

  void Finish(const Frame& frame, Refs parts) {
    becomes_[frame.moved] = parts;
    becomes_[frame.node] = std::move(parts);
    stack_.pop_back();
  }

  Graph& graph_;
  absl::FunctionRef<bool(Ref)> keep_;
  ir::NodeMap<Refs> becomes_;
  std::vector<Frame> stack_;
  std::vector<Ref> inputs_;
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
  Expander expander(graph, keep);
  std::vector<Ref> expanded;
  for (Ref root : roots) expanded.push_back(expander.Run(root));
  return expanded;
}

}  // namespace tensord::ops
