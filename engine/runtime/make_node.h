// Making nodes for callers that name values by ids: what a session's graph and the body of a
// Program have in common.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/ir/function.h"
#include "engine/runtime/cell.h"

namespace tensord::runtime {

// One node as a caller describes it.
struct NodeSpec {
  Id first_id = 0;
  int results = 1;  // they take consecutive ids
  const ir::OpRow* op = nullptr;
  absl::Span<const Id> inputs;
  absl::Span<const ir::AttrValue> attrs;  // in the row's order; monostate: the default
  int device = -1;                        // index in the engine's table; -1: not said
};

// The derivative of the sum over k of <targets[k], seeds[k]>.
struct GradientSpec {
  Id first_id = 0;
  absl::Span<const Id> targets, wrt;
  absl::Span<const Id> seeds;  // empty, or one per target; 0: ones
};

// What takes nodes. Errors carry their reason (fault.h).
class NodeSink {
 public:
  virtual ~NodeSink() = default;
  virtual absl::Status AddNode(const NodeSpec& node, const Origin& origin) = 0;
  virtual absl::Status AddGradient(const GradientSpec& gradient, const Origin& origin) = 0;
};

// The op of this name, or nullptr.
const ir::OpRow* FindOp(std::string_view name);
// The vocabulary as clients read it.
const std::string& OpsJson();

// A checked node over `inputs`, one per id in `spec`; errors say which check failed.
absl::StatusOr<ir::Ref> MakeNode(ir::Graph& graph, const NodeSpec& spec,
                                 absl::Span<const ir::Ref> inputs, int devices);

// One node of the results of `node`.
ir::Ref ResultOf(ir::Graph& graph, ir::Ref node, int result);

// A weak scalar as what it becomes when it is stored; other nodes as they are.
ir::Ref Stored(ir::Graph& graph, ir::Ref node);

// One factor of GradientSpec's sum.
struct GradientTerm {
  ir::Ref target = nullptr;
  ir::Ref seed = nullptr;  // nullptr: ones
};
// Per `wrt`, which lists nodes that stand for one value: usually one.
using Aliases = absl::InlinedVector<ir::Ref, 2>;
absl::StatusOr<std::vector<ir::Ref>> MakeGradients(ir::Graph& graph,
                                                   absl::Span<const GradientTerm> terms,
                                                   absl::Span<const Aliases> wrt);

// INVALID_ARGUMENT, ID_RANGE: ids are 1 … 2^53-1.
absl::Status CheckIdRange(Id first_id, uint64_t count);

}  // namespace tensord::runtime
