// Arithmetic on nodes as it is written on paper, for expansions and gradients. Operands broadcast
// and promote; a number takes the dtype of the expression beside it.
//
//   Expr x(graph, node->input(0));
//   return {Sqrt(x * x + 1.0)};
#pragma once

#include "engine/ops/build.h"

namespace tensord::ops {

class Expr {
 public:
  Expr(Graph& graph, Ref node) : graph_(&graph), node_(node) {}
  operator Ref() const { return node_; }  // NOLINT: an expression is its node
  Ref node() const { return node_; }
  Graph& graph() const { return *graph_; }
  types::DType dtype() const { return node_->dtype(); }
  const types::Dims& dims() const { return node_->dims(); }
  // `value` as a rank-0 constant of this dtype and placement.
  Expr Number(double value) const;
  Expr To(types::DType dtype) const { return {*graph_, Cast(*graph_, node_, dtype)}; }

 private:
  Graph* graph_;
  Ref node_;
};

Expr Apply(ir::ScalarOp op, const Expr& x);
Expr Apply(ir::ScalarOp op, const Expr& a, const Expr& b);
// c ? a : b
Expr Select(const Expr& c, const Expr& a, const Expr& b);

#define TENSORD_EXPR_OPERATOR(symbol, op)                                               \
  inline Expr operator symbol(const Expr& a, const Expr& b) {                           \
    return Apply(ir::ScalarOp::op, a, b);                                               \
  }                                                                                     \
  inline Expr operator symbol(const Expr& a, double b) { return a symbol a.Number(b); } \
  inline Expr operator symbol(double a, const Expr& b) { return b.Number(a) symbol b; }
TENSORD_EXPR_OPERATOR(+, kAdd)
TENSORD_EXPR_OPERATOR(-, kSub)
TENSORD_EXPR_OPERATOR(*, kMul)
TENSORD_EXPR_OPERATOR(/, kDiv)
TENSORD_EXPR_OPERATOR(<, kLt)
TENSORD_EXPR_OPERATOR(<=, kLe)
TENSORD_EXPR_OPERATOR(==, kEq)
TENSORD_EXPR_OPERATOR(!=, kNe)
TENSORD_EXPR_OPERATOR(&, kAnd)
TENSORD_EXPR_OPERATOR(|, kOr)
TENSORD_EXPR_OPERATOR(^, kXor)
#undef TENSORD_EXPR_OPERATOR

inline Expr operator>(const Expr& a, const Expr& b) { return b < a; }
inline Expr operator>(const Expr& a, double b) { return a.Number(b) < a; }
inline Expr operator>=(const Expr& a, const Expr& b) { return b <= a; }
inline Expr operator>=(const Expr& a, double b) { return a.Number(b) <= a; }
inline Expr operator-(const Expr& x) { return Apply(ir::ScalarOp::kNeg, x); }
inline Expr operator!(const Expr& x) { return Apply(ir::ScalarOp::kNot, x); }

inline Expr Abs(const Expr& x) { return Apply(ir::ScalarOp::kAbs, x); }
inline Expr Sqrt(const Expr& x) { return Apply(ir::ScalarOp::kSqrt, x); }
inline Expr Exp(const Expr& x) { return Apply(ir::ScalarOp::kExp, x); }
inline Expr Log(const Expr& x) { return Apply(ir::ScalarOp::kLog, x); }
inline Expr Log1p(const Expr& x) { return Apply(ir::ScalarOp::kLog1p, x); }
inline Expr Sin(const Expr& x) { return Apply(ir::ScalarOp::kSin, x); }
inline Expr Cos(const Expr& x) { return Apply(ir::ScalarOp::kCos, x); }
inline Expr Min(const Expr& a, const Expr& b) { return Apply(ir::ScalarOp::kMin, a, b); }
inline Expr Max(const Expr& a, const Expr& b) { return Apply(ir::ScalarOp::kMax, a, b); }

}  // namespace tensord::ops
