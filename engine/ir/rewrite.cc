#include "engine/ir/rewrite.h"

#include <numeric>

#include "absl/container/flat_hash_map.h"
#include "engine/base/check.h"
#include "engine/ir/node_map.h"

namespace tensord::ir {
namespace {

class Rewriter {
 public:
  Rewriter(Graph& graph, absl::Span<const Rule> rules, const RewriteOptions& options)
      : graph_(graph), rules_(rules), budget_(options.budget), becomes_(graph) {
    counts_.applied.resize(rules.size());
  }

  Ref Run(Ref root) {
    Push(root);
    while (!stack_.empty()) Step();
    return becomes_[root];
  }

  RewriteCounts Finish() && { return std::move(counts_); }

 private:
  // A node whose inputs are visited in turn, then, where a rule applied, what replaces it.
  struct Frame {
    Ref node;
    Ref moved = nullptr;  // over rewritten inputs
    Ref simpler = nullptr;
    size_t next = 0;
  };

  void Push(Ref node) {
    if (becomes_[node] == nullptr) stack_.push_back({node});
  }

  void Step() {
    Frame& frame = stack_.back();
    if (frame.simpler != nullptr) return Settle(frame, becomes_[frame.simpler]);
    if (frame.next < frame.node->inputs().size()) {
      return Push(frame.node->input(static_cast<int>(frame.next++)));
    }
    inputs_.clear();
    for (Ref input : frame.node->inputs()) inputs_.push_back(becomes_[input]);
    frame.moved = graph_.WithInputs(frame.node, inputs_);
    if (Ref known = becomes_[frame.moved]; known != nullptr) return Settle(frame, known);
    ++counts_.nodes;
    frame.simpler = Apply(frame.moved);
    if (frame.simpler == nullptr) return Settle(frame, frame.moved);
    Push(frame.simpler);
  }

  void Settle(const Frame& frame, Ref result) {
    becomes_[frame.moved] = result;
    becomes_[frame.node] = result;
    stack_.pop_back();
  }

  // What the first rule that applies makes of `node`, or nullptr.
  Ref Apply(Ref node) {
    for (int i : RulesFor(node->op())) {
      const std::optional<Match> match = MatchPattern(rules_[i].pattern, node);
      if (!match.has_value()) continue;
      if (budget_ == 0) {
        counts_.exhausted = true;
        return nullptr;
      }
      Ref simpler = rules_[i].rewrite(graph_, *match);
      if (simpler == nullptr || simpler == node) continue;
      TENSORD_CHECK(simpler->type() == node->type(), "rule ", rules_[i].name, " makes ",
                    simpler->type().ToString(), " of ", node->type().ToString());
      ++counts_.applied[i];
      --budget_;
      return simpler;
    }
    return nullptr;
  }

  absl::Span<const int> RulesFor(const OpRow& row) {
    auto [it, fresh] = by_op_.try_emplace(&row);
    if (!fresh) return it->second;
    for (size_t i = 0; i < rules_.size(); ++i) {
      if (rules_[i].pattern.Admits(row)) it->second.push_back(static_cast<int>(i));
    }
    return it->second;
  }

  Graph& graph_;
  const absl::Span<const Rule> rules_;
  int budget_;
  NodeMap<Ref> becomes_;
  absl::flat_hash_map<const OpRow*, std::vector<int>> by_op_;
  std::vector<Frame> stack_;
  std::vector<Ref> inputs_;
  RewriteCounts counts_;
};

}  // namespace

int RewriteCounts::total() const { return std::accumulate(applied.begin(), applied.end(), 0); }

RewriteCounts Rewrite(Graph& graph, std::vector<Ref>& roots, absl::Span<const Rule> rules,
                      const RewriteOptions& options) {
  Rewriter rewriter(graph, rules, options);
  for (Ref& root : roots) root = rewriter.Run(root);
  return std::move(rewriter).Finish();
}

}  // namespace tensord::ir
