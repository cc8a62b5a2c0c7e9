// Index arithmetic that indexing ops share.
#pragma once

#include "engine/ops/expr.h"

namespace tensord::ops {

// `index` in a dtype that holds 0 .. n - 1 and -1: itself when it is wide enough.
Expr WideIndex(Graph& graph, Ref index, const types::Sym& n);
// The same, with negative positions counted from the end: -1 is n - 1.
Expr WrapIndex(Graph& graph, Ref index, const types::Sym& n);

// Rows of x [n, *d] at `index` (any dims, not wrapped): [*index, *d]; out of range reads zeros.
Ref TakeRows(Graph& graph, Ref x, Ref index);

}  // namespace tensord::ops
