// Threefry-2x32 blocks as nodes.
#pragma once

#include "engine/ops/rows.h"

namespace tensord::ops {

// One block of Threefry-2x32 per element.
struct Words {
  Expr high, low;
};

// The blocks of a random node: input 0 is the key, input 1 the counter; of the node's dims.
Words RandomWords(Graph& graph, Ref node);

}  // namespace tensord::ops
