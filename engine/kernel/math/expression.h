// Expressions of rank-0 nodes, written as arithmetic: what the expansions of kernel/math are made
// of. Both operands of an operator have one dtype; a double beside an expression is a constant of
// that expression's dtype, which is a float.
#pragma once

#include <initializer_list>

#include "engine/ir/node.h"

namespace tensord::kernel::math {

struct E {
  ir::Graph* graph;
  ir::Ref node;
  types::DType dtype() const { return node->dtype(); }
};

E Number(E like, double value);  // a float of like's dtype
E Int(E like, int64_t value);    // an integer of like's dtype

E operator+(E a, E b);
E operator-(E a, E b);
E operator*(E a, E b);
E operator/(E a, E b);
inline E operator+(E a, double b) { return a + Number(a, b); }
inline E operator-(E a, double b) { return a - Number(a, b); }
inline E operator*(E a, double b) { return a * Number(a, b); }
inline E operator-(double a, E b) { return Number(b, a) - b; }
inline E operator/(double a, E b) { return Number(b, a) / b; }
E operator-(E a);

E Fma(E a, E b, E c);  // a b + c, rounded once
inline E Fma(E a, double b, E c) { return Fma(a, Number(a, b), c); }
inline E Fma(E a, E b, double c) { return Fma(a, b, Number(a, c)); }
inline E Fma(E a, double b, double c) { return Fma(a, Number(a, b), Number(a, c)); }
E Abs(E a);
E Sqrt(E a);
E Trunc(E a);
E CopySign(E magnitude, E sign);
E Min(E a, E b);  // NaN wins, as in Max
E Max(E a, E b);
E Clamp(E a, double low, double high);  // NaN stays

// Bits of integers. Shifts are by constants; Shr of a signed integer keeps the sign.
E operator&(E a, E b);
E operator|(E a, E b);
E operator^(E a, E b);
E Shl(E a, int amount);
E Shr(E a, int amount);

// Conditions (bool), each false for a NaN but Ne.
E operator<(E a, E b);
E Eq(E a, E b);
E Ne(E a, E b);
inline E operator<(E a, double b) { return a < Number(a, b); }
inline E operator<(double a, E b) { return Number(b, a) < b; }
inline E Eq(E a, double b) { return Eq(a, Number(a, b)); }
E Where(E condition, E yes, E no);
inline E Where(E condition, E yes, double no) { return Where(condition, yes, Number(yes, no)); }
inline E Where(E condition, double yes, E no) { return Where(condition, Number(no, yes), no); }

E To(E a, types::DType dtype);
E Bits(E a, types::DType dtype);  // of the same width
E Double(E a);                    // to f64
E Single(E a);                    // to f32

// c[0] + c[1] x + ... + c[n] x^n, by Horner with fused multiply-adds.
E Polynomial(E x, std::initializer_list<double> coefficients);

}  // namespace tensord::kernel::math
