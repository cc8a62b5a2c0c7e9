#include "engine/ops/evaluator.h"

#include <cstring>

#include "absl/container/flat_hash_map.h"
#include "engine/base/status.h"
#include "engine/ir/scalar_lanes.h"
#include "engine/ops/evaluate_rows.h"
#include "engine/ops/expand.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::Function;
using ir::Graph;
using ir::Ref;
using types::DType;
using types::HostTensor;
using types::Sym;
using types::Type;

constexpr int64_t kMostElements = int64_t{1} << 32;  // of one value; the evaluator is for tests

Type Bound(const Type& type, const Sym::Substitution& with) {
  Type bound = type;
  for (Sym& d : bound.dims) d = d.Substitute(with);
  return bound;
}

ir::AttrValue Bound(const ir::AttrValue& attr, const Sym::Substitution& with) {
  if (const auto* dims = std::get_if<types::Dims>(&attr)) {
    types::Dims bound = *dims;
    for (Sym& d : bound) d = d.Substitute(with);
    return bound;
  }
  return attr;
}

// The results of `function` in `graph`, with numbers in place of variables.
std::vector<Ref> BindVariables(Graph& graph, const Function& function,
                               const Sym::Substitution& with) {
  absl::flat_hash_map<Ref, Ref> copies;
  for (Ref node : ir::TopologicalOrder(function.results)) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(copies.at(input));
    std::vector<ir::AttrValue> attrs;
    for (const ir::AttrValue& attr : node->attrs()) attrs.push_back(Bound(attr, with));
    std::vector<Type> types;
    for (int i = 0; i < node->results(); ++i) types.push_back(Bound(node->type(i), with));
    copies[node] = graph.Intern(node->op(), inputs, attrs, types);
  }
  std::vector<Ref> results;
  for (Ref result : function.results) results.push_back(copies.at(result));
  return results;
}

absl::StatusOr<Sym::Substitution> Assign(const Function& function,
                                         absl::Span<const int64_t> values) {
  if (values.size() != function.variables.size()) {
    return InvalidArgument("evaluate: ", values.size(), " values for ", function.variables.size(),
                           " variables");
  }
  Sym::Substitution with;
  for (size_t i = 0; i < values.size(); ++i) {
    const ir::BoundVariable& v = function.variables[i];
    if (values[i] < v.min || values[i] > v.max) {
      return InvalidArgument("evaluate: variable ", v.name, " = ", values[i], " is outside ", v.min,
                             "..", v.max);
    }
    with.emplace(v.name, Sym(values[i]));
  }
  return with;
}

absl::Status CheckArguments(const Function& function, absl::Span<const HostTensor> arguments,
                            const Sym::Substitution& with) {
  if (arguments.size() != function.parameters.size()) {
    return InvalidArgument("evaluate: ", arguments.size(), " arguments for ",
                           function.parameters.size(), " parameters");
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const Type type = Bound(function.parameters[i]->type(), with);
    const types::Dims given(arguments[i].shape().begin(), arguments[i].shape().end());
    if (arguments[i].dtype() == type.dtype && given == type.dims) continue;
    return InvalidArgument("evaluate: argument ", i, " is ", types::Name(arguments[i].dtype()),
                           types::DimsToString(given), ", the parameter is ", type.ToString());
  }
  return absl::OkStatus();
}

// x in another dtype, as `cast` does it.
HostTensor CastTo(const HostTensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  HostTensor out(dtype, x.shape());
  ir::LaneFunctionFor(ir::ScalarOp::kCast, x.dtype(), dtype)(out.bytes().data(), x.bytes().data(),
                                                             nullptr, nullptr, x.elements());
  return out;
}

HostTensor RunLanes(ir::ScalarOp op, DType result, absl::Span<const HostTensor> inputs) {
  HostTensor out(result, inputs.back().shape());
  const std::byte* at[3] = {};
  for (size_t i = 0; i < inputs.size(); ++i) at[i] = inputs[i].bytes().data();
  const ir::LaneFunction lanes = ir::LaneFunctionFor(op, inputs.back().dtype(), result);
  TENSORD_CHECK(lanes != nullptr, ir::Row(op).name, " of ", types::Name(inputs.back().dtype()));
  lanes(out.bytes().data(), at[0], at[1], at[2], out.elements());
  return out;
}

// Transcendentals in double, so that the one rounding is at the end; the rest is exact in its
// dtype.
HostTensor EvaluateScalarOp(Ref node, absl::Span<const HostTensor> inputs) {
  const ir::ScalarOp op = *node->op().scalar;
  const bool wide = (ir::Row(op).traits & ir::kTranscendental) != 0;
  if (!wide || node->dtype() == DType::kF64) return RunLanes(op, node->dtype(), inputs);
  std::vector<HostTensor> doubles;
  for (const HostTensor& input : inputs) doubles.push_back(CastTo(input, DType::kF64));
  return CastTo(RunLanes(op, DType::kF64, doubles), node->dtype());
}

// Walks a graph of core ops, dropping each value after its last use.
class Evaluation {
 public:
  Evaluation(absl::Span<const HostTensor> arguments, absl::Span<const Ref> results)
      : arguments_(arguments), results_(results), order_(ir::TopologicalOrder(results)) {
    for (Ref node : order_) {
      for (Ref input : node->inputs()) ++uses_[input];
    }
    for (Ref result : results) ++uses_[result];
  }

  absl::StatusOr<std::vector<HostTensor>> Run() {
    for (Ref node : order_) RETURN_IF_ERROR(Visit(node));
    std::vector<HostTensor> out;
    for (Ref result : results_) out.push_back(values_.at(result)[0]);
    return out;
  }

 private:
  absl::Status Visit(Ref node) {
    for (int i = 0; i < node->results(); ++i) {
      if (node->type(i).elements().max() > kMostElements) {
        return ResourceExhausted("evaluate: ", node->op().name, " of ", node->type(i).ToString(),
                                 " is too large for the plain evaluator");
      }
    }
    values_[node] = Compute(node);
    for (Ref input : node->inputs()) {
      if (--uses_[input] == 0) values_.erase(input);
    }
    return absl::OkStatus();
  }

  HostTensors Compute(Ref node) {
    if (node->is("param")) return {arguments_[node->attr<int64_t>("index")]};
    if (node->is("get")) return {values_.at(node->input(0))[node->attr<int64_t>("index")]};
    std::vector<HostTensor> inputs;
    for (Ref input : node->inputs()) inputs.push_back(values_.at(input)[0]);
    if (node->op().scalar.has_value()) return {EvaluateScalarOp(node, inputs)};
    TENSORD_CHECK(node->op().evaluate != nullptr, node->op().name, " has no evaluation");
    return node->op().evaluate(node, inputs);
  }

  absl::Span<const HostTensor> arguments_;
  absl::Span<const Ref> results_;
  std::vector<Ref> order_;
  absl::flat_hash_map<Ref, int> uses_;
  absl::flat_hash_map<Ref, HostTensors> values_;
};

}  // namespace

absl::StatusOr<std::vector<HostTensor>> EvaluateFunction(const Function& function,
                                                         absl::Span<const HostTensor> arguments,
                                                         absl::Span<const int64_t> variables) {
  ASSIGN_OR_RETURN(const Sym::Substitution with, Assign(function, variables));
  RETURN_IF_ERROR(CheckArguments(function, arguments, with));
  Graph graph;
  const std::vector<Ref> bound = BindVariables(graph, function, with);
  const std::vector<Ref> core =
      ExpandComposites(graph, bound, [](Ref node) { return node->op().evaluate != nullptr; });
  return Evaluation(arguments, core).Run();
}

}  // namespace tensord::ops
