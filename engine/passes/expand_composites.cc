#include "engine/base/status.h"
#include "engine/ops/expand.h"
#include "engine/passes/passes.h"

namespace tensord::passes {

absl::Status ExpandComposites(ir::Function& function) {
  function.results = ops::ExpandComposites(*function.graph, function.results);
  for (ir::Ref node : ir::TopologicalOrder(function.results)) {
    if (node->op().level == ir::Level::kComposite) {
      return Internal("op ", node->op().name, " is composite but has no expansion");
    }
  }
  return absl::OkStatus();
}

}  // namespace tensord::passes
