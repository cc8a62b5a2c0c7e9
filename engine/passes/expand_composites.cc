#include "engine/base/status.h"
#include "engine/passes/passes.h"

namespace tensord::passes {
namespace {

using ir::Ref;

// One round over the graph: each composite is replaced by one level of its meaning.
class Expander {
 public:
  explicit Expander(ir::Graph& graph) : graph_(graph) {}

  // Whether a composite was found.
  absl::StatusOr<bool> Round(std::vector<Ref>& results) {
    bool found = false;
    for (Ref node : ir::TopologicalOrder(results)) {
      if (node->is("get")) continue;
      Ref moved = Move(node);
      if (moved->op().expand == nullptr || moved->op().level != ir::Level::kComposite) {
        if (moved->op().level == ir::Level::kComposite) {
          return Internal("op ", moved->op().name, " is composite but has no expansion");
        }
        values_[node] = {moved};
        continue;
      }
      found = true;
      values_[node] = moved->op().expand(graph_, moved);
      if (static_cast<int>(values_[node].size()) != node->results()) {
        return Internal("expansion of ", node->op().name, " gives ", values_[node].size(),
                        " results of ", node->results());
      }
    }
    for (Ref& result : results) result = ValueOf(result);
    return found;
  }

 private:
  Ref ValueOf(Ref node) {
    if (node->is("get")) return values_.at(node->input(0))[std::get<int64_t>(node->attr(0))];
    return values_.at(node)[0];
  }
  Ref Move(Ref node) {
    std::vector<Ref> inputs;
    for (Ref input : node->inputs()) inputs.push_back(ValueOf(input));
    return graph_.WithInputs(node, inputs);
  }

  ir::Graph& graph_;
  absl::flat_hash_map<Ref, std::vector<Ref>> values_;
};

}  // namespace

absl::Status ExpandComposites(ir::Function& function) {
  constexpr int kMaxNesting = 32;
  for (int round = 0; round < kMaxNesting; ++round) {
    ASSIGN_OR_RETURN(const bool found, Expander(*function.graph).Round(function.results));
    if (!found) return absl::OkStatus();
  }
  return Internal("composites nest deeper than ", kMaxNesting);
}

}  // namespace tensord::passes
