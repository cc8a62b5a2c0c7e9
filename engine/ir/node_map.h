// A value for each node of one graph, by the node's id: for passes that meet most of a graph's
// nodes. Nodes made later may be added; what was never set is T().
#pragma once

#include <algorithm>
#include <vector>

#include "engine/ir/node.h"

namespace tensord::ir {

template <typename T>
class NodeMap {
 public:
  NodeMap() = default;
  explicit NodeMap(const Graph& graph) : values_(graph.size()) {}

  // References are good until a node with a larger id is set.
  T& operator[](Ref node) {
    if (node->id() >= values_.size())
      values_.resize(std::max<size_t>(node->id() + 1, 2 * values_.size()));
    return values_[node->id()];
  }
  const T& at(Ref node) const {
    static const T kNone = T();
    return node->id() < values_.size() ? values_[node->id()] : kNone;
  }

 private:
  std::vector<T> values_;
};

}  // namespace tensord::ir
