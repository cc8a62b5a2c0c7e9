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

absl::StatusOr<std::shared_ptr<const ir::Function>> ParseFunctionText(std::string_view text) {
  absl::StatusOr<ir::Function> function = ir::ParseFunction(text, FindOp);
  if (!function.ok()) return WithReason(function.status(), "BODY");
  return std::make_shared<const ir::Function>(*std::move(function));
}

}  // namespace tensord::runtime
