// What the files of op rows share: short names for the fields of a row, and views of a node for its
// expansion and gradient.
#pragma once

#include <vector>

#include "engine/ir/op.h"
#include "engine/ops/build.h"
#include "engine/ops/expr.h"
#include "engine/ops/registry.h"
#include "engine/ops/type_rules.h"

namespace tensord::ops {

using ir::AttrKind;
using ir::DTypeRule;
using ir::Family;
using ir::GradientArgs;
using ir::Ints;
using ir::kElementwise;
using ir::kNoGradient;
using ir::kVariadicInputs;
using ir::Level;
using ir::OpRow;
using ir::RuleInput;
using ir::ScalarOp;
using ir::ShapeRule;
using types::Dims;
using types::DType;
using types::Sym;

using Refs = std::vector<Ref>;
using Tensors = absl::Span<const types::HostTensor>;

// Input i of a node under expansion.
inline Expr In(Graph& graph, Ref node, int i = 0) { return {graph, node->input(i)}; }

// In a gradient rule: input i, the result, and the gradient of the result.
inline Expr X(const GradientArgs& a, int i = 0) { return {a.graph, a.node->input(i)}; }
inline Expr Y(const GradientArgs& a) { return {a.graph, a.node}; }
inline Expr Dy(const GradientArgs& a) { return {a.graph, a.output_gradients[0]}; }

// `node` over inputs of f32 where they are of 16 bits: half types compute in float32 inside a
// composite. Its float results are f32 then.
Ref Widened(Graph& graph, Ref node);
// An expansion that computes so, and rounds to the dtypes of the node at its end.
template <Refs (*expand)(Graph&, Ref)>
Refs Wide(Graph& graph, Ref node) {
  const Ref wide = Widened(graph, node);
  Refs results = expand(graph, wide);
  for (size_t i = 0; i < results.size(); ++i) {
    results[i] = Cast(graph, results[i], node->type(static_cast<int>(i)).dtype);
  }
  return results;
}

// Tables of one family joined, for families of several files. The rows live as long as the process.
const std::vector<OpRow>& JoinTables(std::initializer_list<const std::vector<OpRow>*> tables);

}  // namespace tensord::ops
