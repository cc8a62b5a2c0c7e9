// A plan: everything that running a function takes, as a flat, pointer-free, versioned value. The
// plan cache, replay and ahead-of-time export share this format.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "engine/ir/function.h"
#include "engine/kernel/linear.h"
#include "engine/schedule/schedule.h"

namespace tensord::runtime {

// Where a value of the plan lives while it runs.
enum class Home : uint8_t {
  kParameter,  // the caller's buffer; `number` is the parameter's position
  kResult,     // a buffer made for the caller
  kArena,      // `offset` bytes into the arena of its device
};

struct PlanValue {
  Home home = Home::kArena;
  int32_t number = 0;  // kParameter
  int64_t offset = 0;  // kArena
  int64_t bytes = 0;   // at the variables' bounds
  uint16_t device = 0;
};

struct PlanStep {
  enum Kind : uint8_t { kLaunch, kCopy } kind = kLaunch;
  uint16_t device = 0;
  int32_t kernel = 0;           // kLaunch: index into Plan::kernels
  std::vector<int32_t> values;  // kLaunch: one per global buffer; kCopy: from, to
  bool in_place = false;        // writes over a parameter
};

struct PlanKernel {
  std::string name;
  std::string text;  // canonical text of the linear kernel
};

struct PlanResult {
  int32_t value = 0;
  types::Type type;  // of the result, which may be a reshape of the value
};

// A donated parameter over which the plan writes nothing.
struct PlanRefusal {
  int32_t parameter = 0;
  std::string why;  // continues "input 3 ..."
};

struct Plan {
  std::vector<ir::BoundVariable> variables;
  std::vector<types::Type> parameters;
  std::vector<PlanValue> values;
  std::vector<PlanKernel> kernels;  // distinct
  std::vector<PlanStep> steps;
  std::vector<PlanResult> results;
  std::vector<int32_t> donated;  // parameters whose buffers the plan may write over
  std::vector<PlanRefusal> not_donated;
  std::vector<int64_t> arena_bytes;  // by device index
  int64_t peak_live_bytes = 0;       // of intermediates, in this order; the arena is at least this
  int64_t donated_bytes = 0;         // results that live in a donated parameter's buffer
};

// Bytes, and back. Parse of anything else than Serialize's output is INVALID_ARGUMENT, never worse.
std::string Serialize(const Plan& plan);
absl::StatusOr<Plan> ParsePlan(std::string_view bytes);

// Intermediates into one arena per device by their lifetimes: lowest offset that is free all along,
// largest first.
void PlanMemory(Plan& plan);

}  // namespace tensord::runtime
