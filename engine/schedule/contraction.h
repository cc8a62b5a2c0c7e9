// Contractions: a sum over products of two views, with ranges that only one of them uses.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/ir/node_map.h"

namespace tensord::schedule {

struct Contraction {
  ir::Ref reduce = nullptr;
  ir::Ref product = nullptr;                 // the mul under it (below casts)
  ir::Ref operands[2] = {nullptr, nullptr};  // inputs of the product
  // For each axis of the product: whether operand 0 and 1 depend on it.
  std::vector<bool> uses[2];
};

// `reduce` seen as a contraction: a sum of a product (through casts) in which each operand uses a
// kept axis of more than one element that the other does not. Depends on the graph alone.
std::optional<Contraction> AsContraction(ir::Ref reduce);

// AsContraction of the reduces of a graph, each traced once however often it is asked for.
class Contractions {
 public:
  // nullptr when `node` is none.
  const Contraction* Of(ir::Ref node);
  int analyses() const { return analyses_; }

 private:
  struct Entry {
    bool known = false;
    std::unique_ptr<const Contraction> contraction;
  };
  ir::NodeMap<Entry> entries_;
  int analyses_ = 0;
};

// `node` below casts and movement: what would be loaded.
ir::Ref StripMovement(ir::Ref node);

}  // namespace tensord::schedule
