// Transcendental functions as vector polynomials.
#pragma once

#include "engine/schedule/loop.h"

namespace tensord::kernel {

// Replaces every transcendental scalar operation of f32, and of f16 and bf16 through f32, by the
// arithmetic of its row in math_f32.h, so that every device computes the same bits. What is left
// (f64) the renderers spell as calls.
void LowerMath(schedule::LoopKernel& kernel);

}  // namespace tensord::kernel
