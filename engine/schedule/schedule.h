// The scheduler: a core graph becomes global stages and the kernels that fill them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/schedule/loop.h"
#include "engine/types/capabilities.h"

namespace tensord::schedule {

// A value in global memory: a parameter, a result or a stage between kernels.
struct Value {
  types::Type type;
  int parameter = -1;   // position among the function's parameters, or
  bool result = false;  // read after the last step
  std::string reason;  // why it is in memory: "result", "contraction operand", "recompute 27x", ...
};

struct Step {
  enum Kind { kKernel, kCopy } kind = kKernel;
  LoopKernel kernel;        // kKernel
  std::vector<int> values;  // kKernel: value of each kernel parameter; kCopy: from, to
  types::Placement placement;
};

struct Schedule {
  std::vector<Value> values;
  std::vector<Step> steps;  // in an order that respects data dependence and keeps few bytes live
  std::vector<int> parameters;  // value of each function parameter
  std::vector<int> results;     // value of each function result; may be a parameter's
  std::vector<ir::BoundVariable> variables;
  // Totals for tests and dumps.
  double recompute_ratio = 1;  // scalar operations run / scalar operations of the graph
  struct Effort {
    int rounds = 0;                // until no kernel asked for another stored value
    int kernels_built = 0;         // kernels of one structure count once
    int contraction_analyses = 0;  // reduces traced through movement
  } effort;
  std::string Print() const;
};

struct Options {
  // Limits after which a value is stored rather than inlined.
  int max_inlined_nodes = 160;  // scalar nodes of one output's expression
  int max_kernel_params = 30;
  int threads = 1;
};

// REQUIRES: `core` holds core ops only (passes::RunPipeline made it). INTERNAL on a broken
// invariant.
absl::StatusOr<Schedule> MakeSchedule(const ir::Function& core, const Options& options);

}  // namespace tensord::schedule
