// Operands of contractions, followed through movement to the value that is read from memory.
//
// A dilated operand is not stored with its zeros: its dilation stays an index whose mask asks for
// residues of the product's axes, and the kernel compiler splits its loops by them
// (kernel/split_loops.h).
#pragma once

#include <string>
#include <vector>

#include "engine/schedule/contraction.h"
#include "engine/schedule/loop.h"

namespace tensord::schedule {

// Axis i of the product, as a variable of the operand's coordinates.
std::string AxisName(size_t axis);

struct Operand {
  ir::Ref top = nullptr, base = nullptr;
  std::vector<Sym> coords;  // of base, over the product's axes; of a dilated operand in one class
                            // of their residues, each axis counting the points of its class
  Sym flat;                 // the element of base
  std::vector<int64_t> classes;  // residue classes of each axis of the product; 1: not split
};

// Operand `which` down to the first value that is no movement, cast, or detach; to a pad, which is
// stored as it is; or to a dilation by which loops can't be split.
Operand Trace(const Contraction& contraction, int which);

// `operand` with every pad of a dilated value below the dilation, as far as both are plain:
// shrink(pad(dilate(x))) becomes shrink(dilate(pad(x))). The same elements, but a pad that is
// stored has no zeros between the elements.
ir::Ref SinkPads(ir::Graph& graph, ir::Ref operand);

}  // namespace tensord::schedule
