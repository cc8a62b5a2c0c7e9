// The parts of the movement family.
#pragma once

#include "engine/ops/rows.h"

namespace tensord::ops {

const std::vector<OpRow>& CoreMovementRows();  // movement.cc
const std::vector<OpRow>& ShapeRows();         // shapes.cc: other spellings of shapes
const std::vector<OpRow>& JoinRows();          // join.cc: several tensors into one
const std::vector<OpRow>& RepeatRows();        // repeat.cc: elements that occur again
const std::vector<OpRow>& DiagonalRows();      // diagonal.cc: triangles and diagonals

}  // namespace tensord::ops
