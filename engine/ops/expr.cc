#include "engine/ops/expr.h"

#include "engine/ops/rows.h"

namespace tensord::ops {

Expr Expr::Number(double value) const {
  return {*graph_,
          Constant(*graph_, types::Scalar::Float(dtype(), value), node_->type().placement)};
}

Expr Apply(ir::ScalarOp op, const Expr& x) { return {x.graph(), Unary(x.graph(), op, x)}; }

Expr Apply(ir::ScalarOp op, const Expr& a, const Expr& b) {
  return {a.graph(), Binary(a.graph(), op, a, b)};
}

Expr Select(const Expr& c, const Expr& a, const Expr& b) {
  return {c.graph(), Where(c.graph(), c, a, b)};
}

Ref Widened(Graph& graph, Ref node) {
  std::vector<Ref> inputs;
  for (Ref input : node->inputs()) {
    inputs.push_back(types::IsHalf(input->dtype()) ? Cast(graph, input, DType::kF32) : input);
  }
  std::vector<types::Type> types;
  for (int i = 0; i < node->results(); ++i) {
    types.push_back(node->type(i));
    if (types::IsHalf(types.back().dtype)) types.back().dtype = DType::kF32;
  }
  return graph.Intern(node->op(), inputs, node->attrs(), types);
}

}  // namespace tensord::ops
