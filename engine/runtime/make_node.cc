#include "engine/runtime/make_node.h"

#include <algorithm>

#include "engine/ops/build.h"
#include "engine/ops/build_attrs.h"
#include "engine/ops/gradient.h"
#include "engine/ops/registry.h"
#include "engine/ops/type_rules.h"
#include "engine/runtime/fault.h"

namespace tensord::runtime {
namespace {

using absl::StatusCode;
using types::Placement;

constexpr std::string_view kCopy = "copy";

bool SamePlacement(absl::Span<const ir::Ref> inputs) {
  ir::Ref first = nullptr;
  for (ir::Ref input : inputs) {
    if (types::IsWeak(input->dtype())) continue;
    if (first == nullptr) first = input;
    if (input->type().placement != first->type().placement) return false;
  }
  return true;
}

bool TakesInputs(const ir::OpRow& op, size_t given) {
  size_t least = 0;
  for (const ir::InputSpec& input : op.inputs) least += input.optional ? 0 : 1;
  return given >= least && (given <= op.inputs.size() || (op.traits & ir::kVariadicInputs) != 0);
}

// Which of the checks that Make does in turn failed.
std::string_view ReasonOfFailure(const NodeSpec& spec, absl::Span<const ir::Ref> inputs,
                                 const absl::Status& status) {
  if (!TakesInputs(*spec.op, inputs.size())) return "ARITY";
  const auto attrs = ops::ResolveAttrs(*spec.op, spec.attrs, /*trusted=*/true);
  if (!attrs.ok()) return "ATTRIBUTE";
  if (!SamePlacement(inputs)) return "PLACEMENT";
  absl::InlinedVector<types::DType, 4> dtypes;
  for (ir::Ref input : inputs) dtypes.push_back(input->dtype());
  const auto result = ops::ApplyDTypeRule(*spec.op, dtypes, *attrs);
  if (!result.ok()) return "DTYPE";
  const std::string_view message = FromAbsl(status.message());
  if (message.find("limit") != message.npos || message.find("at most") != message.npos) {
    return "OVERFLOW";
  }
  for (std::string_view word :
       {"dtype", "integers", "floats", "bools", "has no meaning for", "must be a float"}) {
    if (message.find(word) != message.npos) return "DTYPE";
  }
  return "SHAPE";
}

absl::Status CheckDevice(const NodeSpec& spec, absl::Span<const ir::Ref> inputs, int devices) {
  if (spec.device >= devices) {
    return Fault(StatusCode::kNotFound, "DEVICE", spec.op->name, ": device ", spec.device + 1,
                 "; there are ", devices);
  }
  if (spec.op->name == kCopy) return absl::OkStatus();
  for (ir::Ref input : inputs) {
    const int lives = input->type().placement.device;
    if (types::IsWeak(input->dtype()) || lives == spec.device) continue;
    return Fault(StatusCode::kInvalidArgument, "PLACEMENT", spec.op->name, ": asked for on device ",
                 spec.device + 1, ", but an input lives on device ", lives + 1,
                 "; copy it there first");
  }
  return absl::OkStatus();
}

// The device of a copy is said in the node's device or in its attribute.
absl::StatusOr<ir::AttrValue> CopyTarget(const NodeSpec& spec, int devices) {
  int64_t device = spec.device;
  if (device < 0 && !spec.attrs.empty()) {
    if (const auto* i = std::get_if<int64_t>(&spec.attrs[0])) device = *i;
  }
  if (device < 0) {
    return Fault(StatusCode::kInvalidArgument, "DEVICE",
                 "copy: say the device it goes to in the batch's column `device`");
  }
  if (device >= devices) {
    return Fault(StatusCode::kNotFound, "DEVICE", "copy: device ", device + 1, "; there are ",
                 devices);
  }
  return ir::AttrValue(device);
}

absl::StatusOr<ir::Ref> Checked(ir::Graph& graph, const NodeSpec& spec,
                                absl::Span<const ir::Ref> inputs) {
  const Placement placement{static_cast<uint16_t>(std::max(spec.device, 0))};
  absl::StatusOr<ir::Ref> node =
      ops::MakePositional(graph, *spec.op, inputs, spec.attrs, placement);
  if (node.ok()) return node;
  return WithReason(node.status(), ReasonOfFailure(spec, inputs, node.status()));
}

absl::flat_hash_set<ir::Ref> Ancestors(ir::Ref of) {
  const std::vector<ir::Ref> order = ir::TopologicalOrder(absl::MakeConstSpan(&of, 1));
  return {order.begin(), order.end()};
}

}  // namespace

const ir::OpRow* FindOp(std::string_view name) { return ops::FindOp(name); }

const std::string& OpsJson() {
  static const std::string& json = *new std::string(ops::OpsJson());
  return json;
}

absl::StatusOr<ir::Ref> MakeNode(ir::Graph& graph, const NodeSpec& spec,
                                 absl::Span<const ir::Ref> inputs, int devices) {
  if (spec.op->level == ir::Level::kLoop || spec.op->name == "param" || spec.op->name == "get") {
    return Fault(StatusCode::kInvalidArgument, "UNKNOWN_OP", "op ", spec.op->name,
                 " is not for clients");
  }
  if (spec.device >= 0) RETURN_IF_ERROR(CheckDevice(spec, inputs, devices));
  ir::Ref node = nullptr;
  if (spec.op->name == kCopy) {
    NodeSpec copy = spec;
    ASSIGN_OR_RETURN(const ir::AttrValue device, CopyTarget(spec, devices));
    copy.attrs = absl::MakeConstSpan(&device, 1);
    ASSIGN_OR_RETURN(node, Checked(graph, copy, inputs));
  } else {
    ASSIGN_OR_RETURN(node, Checked(graph, spec, inputs));
  }
  if (node->results() != spec.results) {
    return Fault(StatusCode::kInvalidArgument, "ARITY", spec.op->name, ": n_out is ", spec.results,
                 ", it has ", node->results(), " results");
  }
  return node;
}

ir::Ref ResultOf(ir::Graph& graph, ir::Ref node, int result) {
  return ops::Get(graph, node, result);
}

ir::Ref Stored(ir::Graph& graph, ir::Ref node) {
  return types::IsWeak(node->dtype()) ? ops::Cast(graph, node, types::Strong(node->dtype())) : node;
}

absl::StatusOr<std::vector<ir::Ref>> MakeGradients(ir::Graph& graph,
                                                   absl::Span<const GradientTerm> terms,
                                                   absl::Span<const Aliases> wrt) {
  std::vector<ir::Ref> flat, sums(wrt.size());
  for (const Aliases& aliases : wrt) flat.insert(flat.end(), aliases.begin(), aliases.end());
  for (const GradientTerm& term : terms) {
    absl::StatusOr<std::vector<ir::Ref>> found = ops::Gradient(graph, term.target, flat, term.seed);
    if (!found.ok()) {
      const bool dtype = found.status().message().find("float") != absl::string_view::npos;
      return WithReason(found.status(), dtype ? "DTYPE" : "NO_GRADIENT");
    }
    // A zero that nothing flows into is not added: x + 0 is not x for every x.
    const absl::flat_hash_set<ir::Ref> reached = Ancestors(term.target);
    for (size_t i = 0, at = 0; i < wrt.size(); ++i) {
      for (ir::Ref alias : wrt[i]) {
        const ir::Ref gradient = (*found)[at++];
        if (!reached.contains(alias)) continue;
        sums[i] = sums[i] == nullptr ? gradient : ops::Add(graph, sums[i], gradient);
      }
    }
  }
  for (size_t i = 0; i < wrt.size(); ++i) {
    if (sums[i] == nullptr) sums[i] = ops::ZerosLike(graph, wrt[i][0]);
  }
  return sums;
}

absl::Status CheckIdRange(Id first_id, uint64_t count) {
  if (first_id >= 1 && first_id <= kMaxId && count <= kMaxId - first_id + 1) {
    return absl::OkStatus();
  }
  return Fault(StatusCode::kInvalidArgument, "ID_RANGE", "ids ", first_id, " … ",
               first_id + count - 1, " are outside 1 … 2^53-1");
}

}  // namespace tensord::runtime
