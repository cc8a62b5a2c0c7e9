#include "engine/kernel/lower_math.h"

#include "engine/kernel/math_f32.h"
#include "engine/ops/registry.h"

namespace tensord::kernel {
namespace {

using ir::Ref;
using types::DType;

Ref Cast(ir::Graph& graph, Ref x, DType dtype) {
  const ir::AttrValue attrs[] = {dtype};
  types::Type type;
  type.dtype = dtype;
  return graph.Intern(ops::Op(ir::ScalarOp::kCast), {&x, 1}, attrs, type);
}

// The expansion of a transcendental node whose inputs are lowered, or the node over them.
Ref LowerNode(ir::Graph& graph, Ref node, absl::Span<const Ref> inputs) {
  const std::optional<ir::ScalarOp>& op = node->op().scalar;
  if (!op.has_value() || !(ir::Row(*op).traits & ir::kTranscendental)) return nullptr;
  const F32Expansion* expansion = FindF32Expansion(*op);
  if (expansion == nullptr) return nullptr;
  if (node->dtype() == DType::kF32) return expansion->expand(graph, inputs);
  if (!types::IsHalf(node->dtype())) return nullptr;
  std::vector<Ref> wide;
  for (Ref input : inputs) wide.push_back(Cast(graph, input, DType::kF32));
  return Cast(graph, expansion->expand(graph, wide), node->dtype());
}

}  // namespace

void LowerMath(schedule::LoopKernel& kernel) {
  std::vector<Ref*> roots;
  for (schedule::Output& output : kernel.outputs) roots.push_back(&output.value);
  for (schedule::Scatter& scatter : kernel.scatters) {
    roots.push_back(&scatter.position);
    roots.push_back(&scatter.update);
  }
  std::vector<Ref> values;
  for (Ref* root : roots) values.push_back(*root);
  absl::flat_hash_map<Ref, Ref> moved;
  for (Ref node : ir::TopologicalOrder(values)) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(moved.at(input));
    Ref lowered = LowerNode(*kernel.graph, node, inputs);
    moved[node] = lowered != nullptr ? lowered : kernel.graph->WithInputs(node, inputs);
  }
  for (Ref* root : roots) *root = moved.at(*root);
}

}  // namespace tensord::kernel
