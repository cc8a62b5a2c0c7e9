#include "engine/kernel/math/expression.h"

#include "engine/ops/registry.h"

namespace tensord::kernel::math {
namespace {

using ir::ScalarOp;
using types::DType;

E Apply(ScalarOp op, DType dtype, std::initializer_list<E> operands,
        absl::Span<const ir::AttrValue> attrs = {}) {
  ir::Graph* graph = operands.begin()->graph;
  absl::InlinedVector<ir::Ref, 3> inputs;
  for (const E& e : operands) inputs.push_back(e.node);
  types::Type type;
  type.dtype = dtype;
  return {graph, graph->Intern(ops::Op(op), inputs, attrs, type)};
}

E Binary(ScalarOp op, E a, E b) { return Apply(op, a.dtype(), {a, b}); }
E Unary(ScalarOp op, E a) { return Apply(op, a.dtype(), {a}); }

E Constant(E like, const types::Scalar& value) {
  const ir::AttrValue attrs[] = {value};
  types::Type type;
  type.dtype = value.dtype;
  return {like.graph, like.graph->Intern(ops::Op("const"), {}, attrs, type)};
}

}  // namespace

E Number(E like, double value) { return Constant(like, types::Scalar::Float(like.dtype(), value)); }
E Int(E like, int64_t value) { return Constant(like, types::Scalar::Int(like.dtype(), value)); }

E operator+(E a, E b) { return Binary(ScalarOp::kAdd, a, b); }
E operator-(E a, E b) { return Binary(ScalarOp::kSub, a, b); }
E operator*(E a, E b) { return Binary(ScalarOp::kMul, a, b); }
E operator/(E a, E b) { return Binary(ScalarOp::kDiv, a, b); }
E operator-(E a) { return Unary(ScalarOp::kNeg, a); }
E Fma(E a, E b, E c) { return Apply(ScalarOp::kFma, a.dtype(), {a, b, c}); }
E Abs(E a) { return Unary(ScalarOp::kAbs, a); }
E Sqrt(E a) { return Unary(ScalarOp::kSqrt, a); }
E Trunc(E a) { return Unary(ScalarOp::kTrunc, a); }
E CopySign(E magnitude, E sign) { return Binary(ScalarOp::kCopySign, magnitude, sign); }
E Min(E a, E b) { return Binary(ScalarOp::kMin, a, b); }
E Max(E a, E b) { return Binary(ScalarOp::kMax, a, b); }
E Clamp(E a, double low, double high) { return Min(Max(a, Number(a, low)), Number(a, high)); }

E operator&(E a, E b) { return Binary(ScalarOp::kAnd, a, b); }
E operator|(E a, E b) { return Binary(ScalarOp::kOr, a, b); }
E operator^(E a, E b) { return Binary(ScalarOp::kXor, a, b); }
E Shl(E a, int amount) { return Binary(ScalarOp::kShl, a, Int(a, amount)); }
E Shr(E a, int amount) { return Binary(ScalarOp::kShr, a, Int(a, amount)); }

E operator<(E a, E b) { return Apply(ScalarOp::kLt, DType::kBool, {a, b}); }
E Eq(E a, E b) { return Apply(ScalarOp::kEq, DType::kBool, {a, b}); }
E Ne(E a, E b) { return Apply(ScalarOp::kNe, DType::kBool, {a, b}); }
E Where(E condition, E yes, E no) {
  return Apply(ScalarOp::kWhere, yes.dtype(), {condition, yes, no});
}

E To(E a, DType dtype) {
  const ir::AttrValue attrs[] = {dtype};
  return Apply(ScalarOp::kCast, dtype, {a}, attrs);
}
E Bits(E a, DType dtype) {
  const ir::AttrValue attrs[] = {dtype};
  return Apply(ScalarOp::kBitcast, dtype, {a}, attrs);
}
E Double(E a) { return To(a, DType::kF64); }
E Single(E a) { return To(a, DType::kF32); }

E Polynomial(E x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.end() - 1;
  E sum = Number(x, *c);
  while (c != coefficients.begin()) sum = Fma(sum, x, *--c);
  return sum;
}

}  // namespace tensord::kernel::math
