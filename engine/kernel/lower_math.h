// Transcendental functions as vector polynomials.
#pragma once

#include "engine/schedule/loop.h"

namespace tensord::kernel {

// Replaces every transcendental scalar operation for which lower_math.cc has an expansion (f32; f16
// and bf16 through f32) by arithmetic, so that every device computes the same bits. What is left
// (f64) the renderers spell as calls.
void LowerMath(schedule::LoopKernel& kernel);

}  // namespace tensord::kernel
