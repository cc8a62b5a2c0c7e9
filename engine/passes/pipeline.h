// The graph pipeline: a checked graph becomes a core graph. `pipeline.cc` is the visible list.
#pragma once

#include "absl/status/statusor.h"
#include "engine/ir/function.h"

namespace tensord::passes {

// A pass rewrites the function's results in its graph. Total on verified input.
struct Pass {
  std::string_view name;
  absl::Status (*run)(ir::Function& function);
};

// The passes, in order.
absl::Span<const Pass> Pipeline();

// Runs them on a copy; TENSORD_DUMP=<name> prints before and after, with the time.
absl::StatusOr<ir::Function> RunPipeline(const ir::Function& function);

}  // namespace tensord::passes
