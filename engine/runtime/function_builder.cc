#include "engine/runtime/function_builder.h"

#include <algorithm>

#include "engine/ops/build.h"
#include "engine/runtime/fault.h"

namespace tensord::runtime {

using absl::StatusCode;

FunctionBuilder::FunctionBuilder(int devices, Limits limits) : devices_(devices), limits_(limits) {}

absl::Status FunctionBuilder::DeclareVariable(const ir::BoundVariable& variable) {
  constexpr int64_t kMost = types::kMaxElements;
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const std::string& name = variable.name;
  const bool named = !name.empty() && name.size() <= 64 && letter(name[0]) &&
                     std::all_of(name.begin(), name.end(),
                                 [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
  if (!named) {
    return Fault(StatusCode::kInvalidArgument, "BODY", "variable name \"", name,
                 "\": expected [a-z_][a-z0-9_]*, at most 64 bytes");
  }
  if (variable.min > variable.max || variable.min < -kMost || variable.max > kMost) {
    return Fault(StatusCode::kInvalidArgument, "BODY", "variable ", name, ": bounds ", variable.min,
                 " … ", variable.max, " must ascend within ±2^46");
  }
  if (!bounds_.emplace(name, std::make_pair(variable.min, variable.max)).second) {
    return Fault(StatusCode::kAlreadyExists, "BODY", "variable ", name, " is declared twice");
  }
  function_->variables.push_back(variable);
  return absl::OkStatus();
}

absl::Status FunctionBuilder::Define(Id first_id, absl::Span<const ir::Ref> nodes) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (nodes_.try_emplace(first_id + i, nodes[i]).second) continue;
    return Fault(StatusCode::kAlreadyExists, "ID_USED", "id ", first_id + i, " is defined twice");
  }
  if (static_cast<int64_t>(function_->graph->size()) > limits_.max_nodes) {
    return OverLimit("max_program_nodes", function_->graph->size(), limits_.max_nodes,
                     "nodes of a Program");
  }
  return absl::OkStatus();
}

absl::StatusOr<ir::Ref> FunctionBuilder::Find(std::string_view what, Id id) const {
  const auto it = nodes_.find(id);
  if (it != nodes_.end()) return it->second;
  return Fault(StatusCode::kNotFound, "UNKNOWN_ID", what, ": id ", id, " is not defined");
}

absl::Status FunctionBuilder::AddParameter(Id id, const types::Type& type) {
  RETURN_IF_ERROR(CheckIdRange(id, 1));
  const ir::Ref node = ops::AddParameter(*function_, type);
  return Define(id, absl::MakeConstSpan(&node, 1));
}

absl::Status FunctionBuilder::AddNode(const NodeSpec& spec, const Origin&) {
  RETURN_IF_ERROR(CheckIdRange(spec.first_id, static_cast<uint64_t>(spec.results)));
  absl::InlinedVector<ir::Ref, 8> inputs;
  for (Id id : spec.inputs) {
    ASSIGN_OR_RETURN(const ir::Ref input, Find(spec.op->name, id));
    inputs.push_back(input);
  }
  ASSIGN_OR_RETURN(const ir::Ref node, MakeNode(*function_->graph, spec, inputs, devices_));
  absl::InlinedVector<ir::Ref, 4> results;
  for (int i = 0; i < spec.results; ++i) {
    results.push_back(ResultOf(*function_->graph, node, i));
  }
  return Define(spec.first_id, results);
}

absl::Status FunctionBuilder::AddGradient(const GradientSpec& spec, const Origin&) {
  RETURN_IF_ERROR(CheckIdRange(spec.first_id, spec.wrt.size()));
  std::vector<GradientTerm> terms;
  for (size_t i = 0; i < spec.targets.size(); ++i) {
    GradientTerm term;
    ASSIGN_OR_RETURN(term.target, Find("gradient: target", spec.targets[i]));
    const Id seed = spec.seeds.empty() ? 0 : spec.seeds[i];
    if (seed != 0) {
      ASSIGN_OR_RETURN(term.seed, Find("gradient: seed", seed));
    }
    terms.push_back(term);
  }
  std::vector<Aliases> wrt;
  for (Id id : spec.wrt) {
    ASSIGN_OR_RETURN(const ir::Ref node, Find("gradient: wrt", id));
    wrt.push_back({node});
  }
  ASSIGN_OR_RETURN(const std::vector<ir::Ref> results,
                   MakeGradients(*function_->graph, terms, wrt));
  return Define(spec.first_id, results);
}

absl::Status FunctionBuilder::AddResult(Id id, const std::optional<types::Type>& type) {
  ASSIGN_OR_RETURN(ir::Ref node, Find("output", id));
  node = Stored(*function_->graph, node);
  if (type.has_value() && *type != node->type()) {
    return Fault(StatusCode::kInvalidArgument, "TYPE_MISMATCH", "output ",
                 function_->results.size(), " (id ", id, ") is ", node->type().ToString(),
                 ", declared as ", type->ToString());
  }
  function_->results.push_back(node);
  return absl::OkStatus();
}

absl::StatusOr<types::Type> FunctionBuilder::TypeOf(Id id) const {
  ASSIGN_OR_RETURN(const ir::Ref node, Find("type", id));
  return node->type();
}

absl::StatusOr<std::shared_ptr<const ir::Function>> FunctionBuilder::Finish(
    absl::Span<const uint32_t> donated) {
  for (uint32_t position : donated) {
    auto& list = function_->donated;
    if (position >= function_->parameters.size()) {
      return Fault(StatusCode::kInvalidArgument, "DONATION", "donated input ", position,
                   ": there are ", function_->parameters.size(), " inputs");
    }
    if (std::find(list.begin(), list.end(), static_cast<int>(position)) != list.end()) {
      return Fault(StatusCode::kInvalidArgument, "DONATION", "input ", position,
                   " is donated twice");
    }
    list.push_back(static_cast<int>(position));
  }
  std::sort(function_->donated.begin(), function_->donated.end());
  nodes_.clear();
  return std::exchange(function_, std::make_shared<ir::Function>());
}

namespace {

absl::Status CheckParameter(const types::Type& type, int devices) {
  if (types::Bytes(type.dtype) == 0) {
    return Fault(StatusCode::kInvalidArgument, "DTYPE", "a parameter of ", types::Name(type.dtype));
  }
  if (type.placement.device >= devices) {
    return Fault(StatusCode::kNotFound, "DEVICE", "a parameter on device ",
                 type.placement.device + 1, "; there are ", devices);
  }
  const absl::Status status = types::CheckDims(type.dims);
  return status.ok() ? status : WithReason(status, "OVERFLOW");
}

// `node` made again, through the checks, of inputs that were; it must come out with the same types.
absl::StatusOr<ir::Ref> CheckedCopy(ir::Graph& graph, ir::Ref node,
                                    absl::Span<const ir::Ref> inputs, int devices) {
  const int device = node->type().placement.device;
  NodeSpec spec{0, node->results(), &node->op(), {}, node->attrs(), inputs.empty() ? device : -1};
  ir::Ref made = nullptr;
  if (node->is("get")) {
    const auto* index = std::get_if<int64_t>(&node->attr(0));
    if (inputs.size() != 1 || index == nullptr || *index < 0 || *index >= inputs[0]->results()) {
      return Fault(StatusCode::kInvalidArgument, "BODY", "get: no such result");
    }
    made = ResultOf(graph, inputs[0], static_cast<int>(*index));
  } else {
    ASSIGN_OR_RETURN(made, MakeNode(graph, spec, inputs, devices));
  }
  for (int i = 0; i < node->results(); ++i) {
    if (made->type(i) == node->type(i)) continue;
    return Fault(StatusCode::kInvalidArgument, "TYPE_MISMATCH", node->op().name, ": declared as ",
                 node->type(i).ToString(), ", it is ", made->type(i).ToString());
  }
  return made;
}

absl::StatusOr<std::shared_ptr<const ir::Function>> CheckedCopy(const ir::Function& function,
                                                                int devices) {
  auto copy = std::make_shared<ir::Function>();
  absl::flat_hash_set<std::string> names;
  for (const ir::BoundVariable& variable : function.variables) {
    if (names.insert(variable.name).second) continue;
    return Fault(StatusCode::kAlreadyExists, "BODY", "variable ", variable.name,
                 " is declared twice");
  }
  copy->variables = function.variables;
  copy->donated = function.donated;
  absl::flat_hash_map<ir::Ref, ir::Ref> moved;
  for (ir::Ref parameter : function.parameters) {
    RETURN_IF_ERROR(CheckParameter(parameter->type(), devices));
    moved[parameter] = ops::AddParameter(*copy, parameter->type());
  }
  std::vector<ir::Ref> inputs;
  for (ir::Ref node : ir::TopologicalOrder(function.results)) {
    if (moved.contains(node)) continue;
    inputs.clear();
    for (ir::Ref input : node->inputs()) inputs.push_back(moved.at(input));
    ASSIGN_OR_RETURN(moved[node], CheckedCopy(*copy->graph, node, inputs, devices));
  }
  for (ir::Ref result : function.results) {
    if (result->results() != 1 || types::IsWeak(result->dtype())) {
      return Fault(StatusCode::kInvalidArgument, "BODY", "a result must be one stored value");
    }
    copy->results.push_back(moved.at(result));
  }
  return copy;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ir::Function>> ParseFunctionText(std::string_view text,
                                                                      int devices) {
  const absl::StatusOr<ir::Function> function = ir::ParseFunction(text, FindOp);
  if (!function.ok()) return WithReason(function.status(), "BODY");
  return CheckedCopy(*function, devices);
}

}  // namespace tensord::runtime
