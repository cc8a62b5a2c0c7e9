// The one interned node type: from tensor graph to loop body. A graph is an arena of immutable
// nodes; same structure in one graph <=> same address.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "engine/base/check.h"
#include "engine/ir/attr.h"
#include "engine/ir/op.h"
#include "engine/types/type.h"

namespace tensord::ir {

class Node;
using Ref = const Node*;

// Immutable. Owned by its Graph; inputs belong to the same Graph.
class Node {
 public:
  const OpRow& op() const { return *op_; }
  bool is(std::string_view name) const { return op_->name == name; }
  bool is(ScalarOp op) const { return op_->scalar == op; }

  absl::Span<const Ref> inputs() const { return inputs_; }
  Ref input(int i) const { return inputs_[i]; }

  // A node with several results is a tuple: only `get` may consume it.
  int results() const { return static_cast<int>(types_.size()); }
  const types::Type& type(int result = 0) const { return types_[result]; }
  types::DType dtype() const { return types_[0].dtype; }
  const types::Dims& dims() const { return types_[0].dims; }
  int rank() const { return types_[0].rank(); }

  // By position in the row's specs, or by name. REQUIRES: it exists and has type T.
  const AttrValue& attr(int i) const { return attrs_[i]; }
  absl::Span<const AttrValue> attrs() const { return attrs_; }
  template <typename T>
  const T& attr(std::string_view name) const {
    const AttrValue* value = FindAttr(name);
    TENSORD_CHECK(value != nullptr && std::holds_alternative<T>(*value), op_->name, " attribute ",
                  name);
    return std::get<T>(*value);
  }
  bool has_attr(std::string_view name) const {
    const AttrValue* value = FindAttr(name);
    return value != nullptr && !std::holds_alternative<std::monostate>(*value);
  }

  // Of the structure, independent of addresses, so equal structures in two graphs hash alike.
  uint64_t hash() const { return hash_; }
  // Creation order in the graph: inputs have smaller ids.
  uint32_t id() const { return id_; }

 private:
  friend class Graph;
  Node() = default;
  const AttrValue* FindAttr(std::string_view name) const;

  const OpRow* op_ = nullptr;
  absl::InlinedVector<Ref, 3> inputs_;
  absl::InlinedVector<types::Type, 1> types_;
  std::vector<AttrValue> attrs_;
  uint64_t hash_ = 0;
  uint32_t id_ = 0;
};

class Graph {
 public:
  Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph();

  // The node of this structure, made if it is new. The caller vouches for types: user input goes
  // through ops::Make instead. Not thread-safe.
  Ref Intern(const OpRow& op, absl::Span<const Ref> inputs, absl::Span<const AttrValue> attrs,
             absl::Span<const types::Type> types);
  Ref Intern(const OpRow& op, absl::Span<const Ref> inputs, absl::Span<const AttrValue> attrs,
             const types::Type& type) {
    return Intern(op, inputs, attrs, absl::MakeConstSpan(&type, 1));
  }
  // The same op over other inputs (and types when given); returns `node` when nothing differs.
  Ref WithInputs(Ref node, absl::Span<const Ref> inputs);

  size_t size() const { return nodes_.size(); }
  int64_t bytes() const { return bytes_; }
  uint64_t intern_hits() const { return hits_; }

 private:
  struct Key;
  struct HashOf {
    using is_transparent = void;
    size_t operator()(Ref node) const { return node->hash(); }
    size_t operator()(const Key& key) const;
  };
  struct Same {
    using is_transparent = void;
    bool operator()(Ref a, Ref b) const { return a == b; }
    bool operator()(Ref a, const Key& b) const;
    bool operator()(const Key& a, Ref b) const { return (*this)(b, a); }
  };
  std::deque<Node> nodes_;
  absl::flat_hash_set<Ref, HashOf, Same> interned_;
  int64_t bytes_ = 0;
  uint64_t hits_ = 0;
};

// Ancestors of `roots`, inputs first, each once, in first-visit order; iterative. `stop` nodes are
// visited but not entered.
std::vector<Ref> TopologicalOrder(absl::Span<const Ref> roots,
                                  const absl::flat_hash_set<Ref>* stop = nullptr);

}  // namespace tensord::ir
