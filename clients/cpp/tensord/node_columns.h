// A NodeBatch under construction.
#pragma once

#include <cstdint>
#include <span>

#include "tensord/v1/graph.pb.h"

namespace tensord::client {

class NodeColumns {
 public:
  struct Node {
    uint64_t id = 0;  // follows the ids of the node before
    uint32_t op = 0;
    std::span<const uint64_t> inputs;
    int results = 1;
    uint32_t source = 0;
    uint32_t device = 0;
  };

  bool empty() const { return batch_.op_size() == 0; }
  int size() const { return batch_.op_size(); }
  void Append(const Node& node);
  // An attribute of the last node.
  v1::Attr* AddAttr(uint32_t name);
  // The batch, uniform columns in their short form; empty afterwards.
  v1::NodeBatch Take();

 private:
  v1::NodeBatch batch_;
};

}  // namespace tensord::client
