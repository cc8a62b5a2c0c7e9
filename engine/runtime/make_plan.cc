#include "engine/runtime/make_plan.h"

#include "absl/container/flat_hash_map.h"

namespace tensord::runtime {
namespace {

PlanValue ValueOf(const schedule::Value& from) {
  PlanValue value;
  value.home = from.parameter >= 0 ? Home::kParameter : from.result ? Home::kResult : Home::kArena;
  value.number = std::max(from.parameter, 0);
  value.bytes = from.type.max_bytes();
  value.device = from.type.placement.device;
  return value;
}

// Kernels of the same text are one: their numbers in the plan.
std::vector<int32_t> AddKernels(absl::Span<const kernel::Linear> kernels, Plan& plan) {
  absl::flat_hash_map<std::string, int32_t> known;
  std::vector<int32_t> numbers;
  for (const kernel::Linear& linear : kernels) {
    std::string text = kernel::Print(linear);
    auto [it, fresh] = known.try_emplace(text, static_cast<int32_t>(plan.kernels.size()));
    if (fresh) plan.kernels.push_back({linear.name, std::move(text)});
    numbers.push_back(it->second);
  }
  return numbers;
}

bool WritesParameter(const schedule::Schedule& schedule, const schedule::Step& step) {
  for (size_t i = 0; i < step.kernel.params.size(); ++i) {
    if (step.kernel.params[i].written && schedule.values[step.values[i]].parameter >= 0)
      return true;
  }
  return false;
}

}  // namespace

Plan AssemblePlan(const ir::Function& core, const schedule::Schedule& schedule,
                  absl::Span<const kernel::Linear> kernels, absl::Span<const int> kernel_of_step,
                  const schedule::Donations& donations) {
  Plan plan;
  plan.variables = schedule.variables;
  for (ir::Ref parameter : core.parameters) plan.parameters.push_back(parameter->type());
  for (const schedule::Value& value : schedule.values) plan.values.push_back(ValueOf(value));
  for (const schedule::Refusal& refusal : donations.refused) {
    plan.not_donated.push_back({refusal.parameter, refusal.why});
  }
  for (const schedule::Donation& donation : donations.taken) {
    PlanValue& result = plan.values[donation.result];
    result.home = Home::kParameter;
    result.number = donation.parameter;
    plan.donated.push_back(donation.parameter);
    plan.donated_bytes += result.bytes;
  }
  const std::vector<int32_t> numbers = AddKernels(kernels, plan);
  for (size_t i = 0; i < schedule.steps.size(); ++i) {
    const schedule::Step& from = schedule.steps[i];
    PlanStep step;
    step.device = from.placement.device;
    step.values.assign(from.values.begin(), from.values.end());
    step.kind = from.kind == schedule::Step::kCopy ? PlanStep::kCopy : PlanStep::kLaunch;
    if (step.kind == PlanStep::kLaunch) {
      step.kernel = numbers[kernel_of_step[i]];
      step.in_place = WritesParameter(schedule, from);
    }
    plan.steps.push_back(std::move(step));
  }
  for (size_t i = 0; i < core.results.size(); ++i) {
    plan.results.push_back({schedule.results[i], core.results[i]->type()});
  }
  return plan;
}

}  // namespace tensord::runtime
