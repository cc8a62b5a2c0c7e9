// Loop kernels: what the scheduler hands to the kernel compiler. Every output element is a pure
// expression of interned nodes over range variables; folds are nodes; nothing says yet how the
// loops are tiled, vectorised or spread over cores.
//
// Inside a kernel the nodes are of rank 0 and of these ops besides the scalar operations and
// `const`:
//   load {param, index, mask}   element `index` of kernel parameter `param`, 0 where the mask
//   fails.
//                               Inputs are the data-dependent parts of the index: input i is the
//                               i-th opaque variable of index and mask (OpaqueNames' order),
//                               already inside its bounds.
//   index {value, dtype}        an index expression as a value
//   valid {mask}                whether the mask holds (bool)
//   fold {monoid, extents, lanes, first}  input 0 folded over its ranges, first range outermost;
//                               element i of the last range goes to lane i % lanes, lanes meet
//                               pairwise at the end
//   online_fold {monoid, extents, lanes, first, infinite}  the sum of exp(s - m) f over the ranges
//                               of a max fold m of the same s, computed in one pass beside it: what
//                               was summed before is multiplied by exp(old m - new m) whenever the
//                               maximum grows. Inputs: s, f (a constant 1 where there is none), m,
//                               and exp as an expression over `hole`. Where m is infinite the
//                               result is `infinite`: "nan", or "exp" of m.
//                               Source: Milakov and Gimelshein, Online normalizer calculation for
//                               softmax, 2018; Dao et al., FlashAttention, 2022.
//   hole {}                     the argument of an expression that is applied to several values
// Grid ranges are variables ".g0", ".g1", ...; the ranges of a fold are ".k<first>" and on inside
// it, where first > 0 in a fold inside another's body; the names start with a dot because a
// client's variables can't.
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

// The rows of these ops.
const ir::OpRow& LoadOp();
const ir::OpRow& IndexOp();
const ir::OpRow& ValidOp();
const ir::OpRow& FoldOp();
const ir::OpRow& OnlineFoldOp();
const ir::OpRow& HoleOp();

// A fold or an online fold: both have monoid, extents, lanes and first.
bool IsFold(Ref node);
const types::Dims& FoldExtents(Ref fold);
int64_t FoldLanesOf(Ref fold);
int FirstRange(Ref fold);

std::string GridName(int axis);
std::string FoldName(int range);
// "opaque" variables stand for values; one that changes inside a fold is told apart by its name.
std::string OpaqueName(Ref value, bool changes_in_fold);
bool IsGridName(std::string_view name);
bool IsFoldName(std::string_view name);  // a fold's range or an opaque value that changes with one
int FoldRangeOf(std::string_view name);  // the number in ".k<number>", or -1
bool IsOpaqueName(std::string_view name);
// The opaque variables of a load's, index's or valid's attributes, in the order of its inputs.
std::vector<std::string> OpaqueNames(absl::Span<const ir::AttrValue> attrs);

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

// A scatter into a parameter, after the outputs are stored: for every point of `ranges`, `updates`
// run in ascending order; see kernel/native/scatter.h.
struct Scatter {
  int param = 0;
  std::vector<Range> ranges;  // ".s<axis>": the axes of the updates but the scattered one
  Range updates;              // ".u": the serial range
  std::string mode;           // "set", "add", "max", "min"
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
  std::vector<Param> params;  // in argument order
  std::vector<Range> grid;    // row-major order of the outputs' dims
  std::vector<Output> outputs;
  // At most one; then outputs holds the copy of the base, or nothing if it is there already.
  std::vector<Scatter> scatters;
  std::string Print() const;  // for dumps
};

}  // namespace tensord::schedule
