#include <optional>

#include "engine/ir/node_map.h"
#include "engine/ops/build.h"
#include "engine/passes/passes.h"

namespace tensord::passes {
namespace {

using ir::Graph;
using ir::Ref;
using ir::ScalarOp;
using types::Dims;
using types::Scalar;

bool IsMovement(Ref node) { return node->op().family == ir::Family::kMovement; }

// The scalar that every element of `node` equals, if it is a constant seen through movement.
std::optional<Scalar> UniformValue(Ref node) {
  while (IsMovement(node) && !node->is("pad") && !node->is("dilate")) node = node->input(0);
  if (!node->is("const")) return std::nullopt;
  return std::get<Scalar>(node->attr(0));
}

bool IsValue(Ref node, double value) {
  const std::optional<Scalar> scalar = UniformValue(node);
  return scalar.has_value() && types::IsFloat(scalar->dtype) && scalar->f == value;
}

Ref Uniform(Graph& graph, const Scalar& value, Ref like) {
  Ref scalar = ops::Constant(graph, value, like->type().placement);
  if (like->rank() == 0) return scalar;
  return ops::Expand(graph, scalar, like->dims());
}

// --- Rules: each returns the simpler node, or nullptr when it does not apply.
// ---------------------

Ref MovementOfSameDims(Graph&, Ref node) {
  const bool keeps =
      node->is("reshape") || node->is("expand") || node->is("shrink") || node->is("pad");
  return keeps && node->dims() == node->input(0)->dims() ? node->input(0) : nullptr;
}

Ref IdentityPermute(Graph&, Ref node) {
  if (!node->is("permute")) return nullptr;
  const auto& order = node->attr<ir::Ints>("order");
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int64_t>(i)) return nullptr;
  }
  return node->input(0);
}

Ref ReshapeOfReshape(Graph& graph, Ref node) {
  if (!node->is("reshape") || !node->input(0)->is("reshape")) return nullptr;
  return ops::Reshape(graph, node->input(0)->input(0), node->dims());
}

Ref PermuteOfPermute(Graph& graph, Ref node) {
  if (!node->is("permute") || !node->input(0)->is("permute")) return nullptr;
  const auto& outer = node->attr<ir::Ints>("order");
  const auto& inner = node->input(0)->attr<ir::Ints>("order");
  ir::Ints order;
  for (int64_t axis : outer) order.push_back(inner[axis]);
  return ops::Permute(graph, node->input(0)->input(0), order);
}

Ref CastToSame(Graph&, Ref node) {
  return node->is(ScalarOp::kCast) && node->dtype() == node->input(0)->dtype() ? node->input(0)
                                                                               : nullptr;
}

Ref MultiplyByOne(Graph&, Ref node) {
  if (!node->is(ScalarOp::kMul)) return nullptr;
  if (IsValue(node->input(1), 1)) return node->input(0);
  if (IsValue(node->input(0), 1)) return node->input(1);
  return nullptr;
}

Ref DivideByOne(Graph&, Ref node) {
  return node->is(ScalarOp::kDiv) && IsValue(node->input(1), 1) ? node->input(0) : nullptr;
}

Ref SelectOfSame(Graph&, Ref node) {
  return node->is(ScalarOp::kWhere) && node->input(1) == node->input(2) ? node->input(1) : nullptr;
}

Ref SelectByConstant(Graph&, Ref node) {
  if (!node->is(ScalarOp::kWhere)) return nullptr;
  const std::optional<Scalar> condition = UniformValue(node->input(0));
  if (!condition.has_value()) return nullptr;
  return condition->i != 0 ? node->input(1) : node->input(2);
}

Ref ComputeOnConstants(Graph& graph, Ref node) {
  if (!node->op().scalar.has_value() || node->inputs().empty()) return nullptr;
  std::vector<Scalar> operands;
  for (Ref input : node->inputs()) {
    const std::optional<Scalar> value = UniformValue(input);
    if (!value.has_value() || types::IsWeak(value->dtype)) return nullptr;
    operands.push_back(*value);
  }
  return Uniform(graph, ir::Evaluate(*node->op().scalar, node->dtype(), operands), node);
}

Ref MovementOfUniform(Graph& graph, Ref node) {
  const bool keeps = IsMovement(node) && !node->is("pad") && !node->is("dilate");
  if (!keeps || node->is("expand") || node->input(0)->rank() == 0) return nullptr;
  const std::optional<Scalar> value = UniformValue(node);
  return value.has_value() ? Uniform(graph, *value, node) : nullptr;
}

struct Rule {
  std::string_view name;
  Ref (*apply)(Graph&, Ref);
};

constexpr Rule kRules[] = {
    {"move(x) of the same dims -> x", MovementOfSameDims},
    {"permute(x, identity) -> x", IdentityPermute},
    {"reshape(reshape(x)) -> reshape(x)", ReshapeOfReshape},
    {"permute(permute(x)) -> permute(x)", PermuteOfPermute},
    {"cast(x) to its dtype -> x", CastToSame},
    {"x * 1 -> x (floats)", MultiplyByOne},
    {"x / 1 -> x", DivideByOne},
    {"where(c, x, x) -> x", SelectOfSame},
    {"where(constant, x, y) -> one of them", SelectByConstant},
    {"op(constants) -> constant", ComputeOnConstants},
    {"move(constant) -> constant", MovementOfUniform},
};

Ref SimplifyNode(Graph& graph, Ref node) {
  constexpr int kBudget = 16;
  for (int i = 0; i < kBudget; ++i) {
    Ref simpler = nullptr;
    for (const Rule& rule : kRules) {
      simpler = rule.apply(graph, node);
      if (simpler != nullptr && simpler != node) break;
      simpler = nullptr;
    }
    if (simpler == nullptr) return node;
    node = simpler;
  }
  return node;
}

}  // namespace

absl::Status Simplify(ir::Function& function) {
  ir::NodeMap<Ref> values(*function.graph);
  std::vector<Ref> inputs;
  for (Ref node : ir::TopologicalOrder(function.results)) {
    inputs.clear();
    for (Ref input : node->inputs()) inputs.push_back(values.at(input));
    values[node] = SimplifyNode(*function.graph, function.graph->WithInputs(node, inputs));
  }
  for (Ref& result : function.results) result = values.at(result);
  return absl::OkStatus();
}

}  // namespace tensord::passes
