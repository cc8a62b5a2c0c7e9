// Loop kernels: what the scheduler hands to the kernel compiler. Every output element is a pure
// expression of interned nodes over range variables; folds are nodes; nothing says yet how the loops
// are tiled, vectorised or spread over cores.
//
// Inside a kernel the nodes are of rank 0 and of these ops besides the scalar operations and `const`:
//   load {param, index, mask}   element `index` of kernel parameter `param`, 0 where the mask fails.
//                               Inputs are the data-dependent parts of the index: input i is the
//                               variable "v<node id>" of the index, already inside its bounds.
//   index {value, dtype}        an index expression as a value
//   valid {mask}                whether the mask holds (bool)
//   fold {monoid, ranges, extents, lanes}  input 0 folded over its ranges, first range outermost
// Grid ranges are variables "g0", "g1", ...; a fold's ranges are "k<d>_<i>" with d unused outside.
#pragma once

#include <string>
#include <vector>

#include "engine/ir/function.h"
#include "engine/types/sym.h"
#include "engine/types/type.h"

namespace tensord::schedule {

using ir::Ref;
using types::Mask;
using types::Sym;

// The rows of load, index, valid and fold.
const ir::OpRow& LoadOp();
const ir::OpRow& IndexOp();
const ir::OpRow& ValidOp();
const ir::OpRow& FoldOp();

struct Range {
  std::string name;
  Sym extent;
  Sym variable() const;  // name in [0, max extent - 1]
};

// A buffer the kernel reads or writes.
struct Param {
  types::DType dtype = types::DType::kInvalid;
  Sym elements;
  bool written = false;
};

// One stored value: for every point of the kernel's grid, param[index] = value (where mask holds).
struct Output {
  int param = 0;
  Sym index;
  Mask mask;
  Ref value = nullptr;
};

// A scatter into output 0, after it is stored: for every point of `ranges`, `updates` run in
// ascending order; see kernel/native/scatter.h.
struct Scatter {
  std::vector<Range> ranges;  // "s<axis>": the axes of the updates but the scattered one
  Range updates;           // "u": the serial range
  std::string mode;        // "set", "add", "max", "min"
  Ref position = nullptr;  // value along the scattered axis, integer; outside [0, extent): dropped
  Sym extent;              // of the scattered axis
  Sym stride;              // of the scattered axis in the output
  Sym rest;                // output index without the scattered axis
  Ref update = nullptr;
};

struct LoopKernel {
  std::string name;
  std::shared_ptr<ir::Graph> graph;  // owns the nodes
  std::vector<ir::BoundVariable> variables;
  std::vector<Param> params;         // in argument order
  std::vector<Range> grid;           // row-major order of the outputs' dims
  std::vector<Output> outputs;
  std::vector<Scatter> scatters;     // at most one; then outputs holds the copy of the base
  std::string Print() const;         // for dumps
};

}  // namespace tensord::schedule
