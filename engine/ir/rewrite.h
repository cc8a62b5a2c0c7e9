// Rules as data, applied to a fixed point.
//
//   constexpr Rule kRules[] = {
//       {"-(-x) -> x", Op(S::kNeg, Op(S::kNeg, Any(0))), [](Graph&, const Match& m) { return m[0];
//       }},
//   };
//   RewriteCounts counts = Rewrite(graph, results, kRules);
#pragma once

#include <string_view>
#include <vector>

#include "engine/ir/pattern.h"

namespace tensord::ir {

struct Rule {
  std::string_view name;  // what it does, unique in its table
  Pattern pattern;
  // A node of the root's type, or nullptr where the rule does not apply after all.
  Ref (*rewrite)(Graph& graph, const Match& match);
};

// How often each rule was applied, in the table's order, and what it took.
struct RewriteCounts {
  std::vector<int> applied;
  int nodes = 0;           // nodes met, each once
  bool exhausted = false;  // the budget ended before the fixed point
  int total() const;
};

struct RewriteOptions {
  int budget = 1 << 20;  // applications of rules; then nodes stay as they are
};

// Replaces `roots` by what the rules make of them, inputs first, until no rule applies to any node
// that they reach. A node meets only the rules whose pattern admits its op, in the table's order.
// Each node is met once; nothing recurses on the depth of the graph.
RewriteCounts Rewrite(Graph& graph, std::vector<Ref>& roots, absl::Span<const Rule> rules,
                      const RewriteOptions& options = {});

}  // namespace tensord::ir
