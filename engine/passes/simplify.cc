#include "engine/passes/passes.h"
#include "engine/passes/simplify_rules.h"

namespace tensord::passes {

absl::Span<const ir::Rule> SimplifyRules() {
  static const std::vector<ir::Rule>& all = *[] {
    auto* rules = new std::vector<ir::Rule>(MovementRules().begin(), MovementRules().end());
    rules->insert(rules->end(), AlgebraRules().begin(), AlgebraRules().end());
    return rules;
  }();
  return all;
}

absl::Status Simplify(ir::Function& function) {
  ir::Rewrite(*function.graph, function.results, SimplifyRules());
  return absl::OkStatus();
}

}  // namespace tensord::passes
