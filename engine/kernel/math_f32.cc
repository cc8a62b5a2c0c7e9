#include "engine/kernel/math_f32.h"

#include "engine/ops/registry.h"

namespace tensord::kernel {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::DType;

// Expressions of rank-0 nodes, written as arithmetic.
struct E {
  Graph* graph;
  Ref node;
};

E Op(ScalarOp op, DType dtype, std::initializer_list<E> operands,
     absl::Span<const ir::AttrValue> attrs = {}) {
  Graph* graph = operands.begin()->graph;
  absl::InlinedVector<Ref, 3> inputs;
  for (const E& e : operands) inputs.push_back(e.node);
  types::Type type;
  type.dtype = dtype;
  return {graph, graph->Intern(ops::Op(op), inputs, attrs, type)};
}

E Const(Graph* graph, DType dtype, double value) {
  const types::Scalar scalar = types::IsFloat(dtype)
                                   ? types::Scalar::Float(dtype, value)
                                   : types::Scalar::Int(dtype, static_cast<int64_t>(value));
  const ir::AttrValue attrs[] = {scalar};
  types::Type type;
  type.dtype = dtype;
  return {graph, graph->Intern(ops::Op("const"), {}, attrs, type)};
}

E F(E like, double value) { return Const(like.graph, DType::kF32, value); }
E I(E like, int64_t value) { return Const(like.graph, DType::kI32, static_cast<double>(value)); }
E operator*(E a, E b) { return Op(ScalarOp::kMul, a.node->dtype(), {a, b}); }
E operator+(E a, E b) { return Op(ScalarOp::kAdd, a.node->dtype(), {a, b}); }
E operator-(E a, E b) { return Op(ScalarOp::kSub, a.node->dtype(), {a, b}); }
E Fma(E a, E b, E c) { return Op(ScalarOp::kFma, DType::kF32, {a, b, c}); }
E Min(E a, E b) { return Op(ScalarOp::kMin, a.node->dtype(), {a, b}); }
E Max(E a, E b) { return Op(ScalarOp::kMax, a.node->dtype(), {a, b}); }
E Shl(E a, E b) { return Op(ScalarOp::kShl, a.node->dtype(), {a, b}); }
E Shr(E a, E b) { return Op(ScalarOp::kShr, a.node->dtype(), {a, b}); }
E Round(E a) { return Op(ScalarOp::kRound, DType::kF32, {a}); }

E To(E a, DType dtype) {
  const ir::AttrValue attrs[] = {dtype};
  return Op(ScalarOp::kCast, dtype, {a}, attrs);
}
E Bits(E a, DType dtype) {
  const ir::AttrValue attrs[] = {dtype};
  return Op(ScalarOp::kBitcast, dtype, {a}, attrs);
}

// c[0] x^n + ... + c[n], by Horner with fused multiply-adds.
E Polynomial(E x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.begin();
  E sum = F(x, *c++);
  for (; c != coefficients.end(); ++c) sum = Fma(sum, x, F(x, *c));
  return sum;
}

// 2^n for an integer n in [-126, 127].
E PowerOfTwo(E n) { return Bits(Shl(n + I(n, 127), I(n, 23)), DType::kF32); }

// y 2^n in two steps, so that denormal and overflowing results round once.
E Scale(E y, E n) {
  E half = Shr(n, I(n, 1));
  return y * PowerOfTwo(half) * PowerOfTwo(n - half);
}

// exp(r) of |r| <= ln(2)/2, scaled by 2^n.
E ExpTail(E r, E n) {
  E p = Polynomial(r, {1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2,
                       1.6666665459e-1, 5.0000001201e-1});
  return Scale(Fma(p, r * r, r) + F(r, 1), To(n, DType::kI32));
}

Ref Exp(Graph& graph, absl::Span<const Ref> operands) {
  E x{&graph, operands[0]};
  x = Min(Max(x, F(x, -150)), F(x, 150));
  E n = Round(x * F(x, 1.44269504088896341));
  E r = Fma(n, F(x, -0.693359375), x);
  r = Fma(n, F(x, 2.12194440e-4), r);
  return ExpTail(r, n).node;
}

constexpr F32Expansion kExpansions[] = {
    {ScalarOp::kExp, 1.5, "Cephes expf: Cody-Waite reduction, degree 5", Exp},
};

}  // namespace

absl::Span<const F32Expansion> AllF32Expansions() { return kExpansions; }

const F32Expansion* FindF32Expansion(ScalarOp op) {
  for (const F32Expansion& row : kExpansions) {
    if (row.op == op) return &row;
  }
  return nullptr;
}

}  // namespace tensord::kernel
