// Loops split where a mask changes and by residue where a mask depends on one, so that folds run
// over the elements that contribute and inner loops carry few masks.
//
//   loops(.g0<8) { fold sum (.k0<3) of load p0[(.g0 + .k0 - 1)//2] where (.g0 + .k0 + 1)%2 == 0 }
//
// becomes one kernel of the even points and one of the odd ones, in which the fold has one element
// and two, and no mask:
//
//   loops(.g0<4) p2[2*.g0] = { fold sum (.k0<1) of load p0[.g0] }
//   loops(.g0<4) p2[2*.g0 + 1] = { fold sum (.k0<2) of load p0[.g0 + .k0] }
//
// The pieces are a function of the kernel alone, never of the machine or of a schedule, and so is
// the order in which each fold meets the elements that are left to it.
#pragma once

#include <vector>

#include "engine/schedule/loop.h"

namespace tensord::kernel {

// Kernels over the same parameters whose grids together cover each point of `kernel`'s once; they
// may run in any order. `kernel` itself where nothing is to be gained.
//
// - By residue: every range of constant extent whose residue decides whether a mask inside a fold
//   can hold; a mask outside folds splits all ranges but the one that is contiguous in the result.
//   At most 16 classes in all.
// - At boundaries: ranges of 16 points or more, where the pieces that are decided (a mask always
//   holds there) are at least half (three quarters off the contiguous range) of it. Cuts of the
//   contiguous range fall on whole vectors; for masks outside folds only rows of 512 points or more
//   are cut, because pieces that share lines of memory fetch them twice. Only large pieces are
//   split further, and kernels of a contraction or of many operations are not.
// - Folds: a range shrinks to begin + step * k where the body is the monoid's identity elsewhere
//   because a mask fails: a structural zero is neither multiplied nor added.
std::vector<schedule::LoopKernel> SplitLoops(const schedule::LoopKernel& kernel);

}  // namespace tensord::kernel
