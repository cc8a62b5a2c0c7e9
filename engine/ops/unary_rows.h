// The parts of the unary family.
#pragma once

#include "engine/ops/rows.h"

namespace tensord::ops {

const std::vector<OpRow>& UnaryBasicRows();      // unary.cc: signs, roots, rounding
const std::vector<OpRow>& UnaryMathRows();       // unary_math.cc: exponentials, logarithms, erf
const std::vector<OpRow>& TrigonometryRows();    // trigonometry.cc
const std::vector<OpRow>& UnaryCompositeRows();  // unary_composites.cc
const std::vector<OpRow>& FloatPartsRows();      // float_parts.cc: mantissas, exponents, neighbours

}  // namespace tensord::ops
