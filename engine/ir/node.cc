#include "engine/ir/node.h"

#include <algorithm>

#include "absl/algorithm/container.h"
#include "engine/base/hash.h"

namespace tensord::ir {
namespace {

uint64_t HashType(const types::Type& type) {
  uint64_t h = base::HashOf(type.dtype, type.placement.device, type.dims.size());
  for (const types::Sym& dim : type.dims) h = base::HashCombine(h, dim.hash());
  return h;
}

uint64_t HashNode(const OpRow& op, absl::Span<const Ref> inputs, absl::Span<const AttrValue> attrs,
                  absl::Span<const types::Type> types) {
  uint64_t h = base::HashValue(op.name);
  for (Ref input : inputs) h = base::HashCombine(h, input->hash());
  for (const AttrValue& attr : attrs) h = base::HashCombine(h, Hash(attr));
  for (const types::Type& type : types) h = base::HashCombine(h, HashType(type));
  return h;
}

// The ancestors of some nodes seen so far: a bit for each id.
class IdSet {
 public:
  explicit IdSet(absl::Span<const Ref> roots) {
    uint32_t largest = 0;
    for (Ref root : roots) largest = std::max(largest, root->id());
    words_.resize(largest / 64 + 1);
  }
  // Whether it is new.
  bool Insert(Ref node) {
    uint64_t& word = words_[node->id() / 64];
    const uint64_t bit = uint64_t{1} << (node->id() % 64);
    const bool fresh = (word & bit) == 0;
    word |= bit;
    return fresh;
  }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace

const AttrValue* Node::FindAttr(std::string_view name) const {
  for (size_t i = 0; i < op_->attrs.size() && i < attrs_.size(); ++i) {
    if (op_->attrs[i].name == name) return &attrs_[i];
  }
  return nullptr;
}

struct Graph::Key {
  const OpRow& op;
  absl::Span<const Ref> inputs;
  absl::Span<const AttrValue> attrs;
  absl::Span<const types::Type> types;
  uint64_t hash;
};

size_t Graph::HashOf::operator()(const Key& key) const { return key.hash; }

bool Graph::Same::operator()(Ref a, const Key& b) const {
  return a->hash() == b.hash && &a->op() == &b.op && a->inputs() == b.inputs &&
         absl::c_equal(a->types_, b.types) && absl::c_equal(a->attrs(), b.attrs, Equal);
}

Graph::Graph() = default;
Graph::~Graph() = default;

Ref Graph::Intern(const OpRow& op, absl::Span<const Ref> inputs, absl::Span<const AttrValue> attrs,
                  absl::Span<const types::Type> types) {
  const Key key{op, inputs, attrs, types, HashNode(op, inputs, attrs, types)};
  if (auto it = interned_.find(key); it != interned_.end()) {
    ++hits_;
    return *it;
  }
  Node& node = nodes_.emplace_back(Node());
  node.op_ = &op;
  node.inputs_.assign(inputs.begin(), inputs.end());
  node.types_.assign(types.begin(), types.end());
  node.attrs_.assign(attrs.begin(), attrs.end());
  node.hash_ = key.hash;
  node.id_ = static_cast<uint32_t>(nodes_.size() - 1);
  bytes_ += sizeof(Node) + attrs.size() * sizeof(AttrValue) + 16;
  interned_.insert(&node);
  return &node;
}

Ref Graph::WithInputs(Ref node, absl::Span<const Ref> inputs) {
  if (node->inputs() == inputs) return node;
  return Intern(node->op(), inputs, node->attrs(), node->types_);
}

std::vector<Ref> TopologicalOrder(absl::Span<const Ref> roots,
                                  const absl::flat_hash_set<Ref>* stop) {
  std::vector<Ref> order;
  IdSet seen(roots);
  std::vector<std::pair<Ref, size_t>> stack;  // node, next input to visit
  for (Ref root : roots) {
    if (!seen.Insert(root)) continue;
    stack.push_back({root, 0});
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      const bool closed = stop != nullptr && stop->contains(node);
      if (closed || next == node->inputs().size()) {
        order.push_back(node);
        stack.pop_back();
        continue;
      }
      Ref input = node->input(static_cast<int>(next++));
      if (seen.Insert(input)) stack.push_back({input, 0});
    }
  }
  return order;
}

}  // namespace tensord::ir
