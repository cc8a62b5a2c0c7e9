#include "engine/runtime/compiler.h"

#include <latch>

#include "engine/base/host.h"
#include "engine/base/log.h"
#include "engine/base/status.h"
#include "engine/kernel/lower.h"
#include "engine/passes/pipeline.h"
#include "engine/runtime/make_plan.h"
#include "engine/schedule/distinct.h"
#include "engine/schedule/donate.h"

namespace tensord::runtime {
namespace {

uint64_t MicrosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count());
}

int CompileThreads(const EngineOptions& options) {
  return options.compile_threads > 0 ? options.compile_threads : base::CpuCount();
}

}  // namespace

const Plan& PlanOf(const Executable& executable) { return executable.plan; }

Compiler::Compiler(const EngineOptions& options, std::vector<device::Device*> devices,
                   DiskCache disk, Counters& counters)
    : options_(options),
      devices_(std::move(devices)),
      disk_(std::move(disk)),
      counters_(counters),
      executables_({options.cache_memory, options.lane_cache},
                   [&counters] { Count(counters.cache_evictions); }),
      programs_({options.cache_memory, options.lane_cache},
                [&counters] { Count(counters.cache_evictions); }),
      pool_(CompileThreads(options)) {}

std::string Compiler::KeyOf(const ir::Function& function) const {
  std::string key = StrCat("tensord ", TENSORD_VERSION, " seed ", options_.schedule_seed, "\n");
  for (const device::Device* device : devices_) {
    StrAppend(&key, device->name(), " ", device->compile_key(), " threads ",
              device->capabilities().threads, "\n");
  }
  return key + function.Print();
}

ExecutableRef Compiler::Find(const std::string& key, uint64_t owner) {
  ExecutableRef found = executables_.Find(key, owner);
  if (found != nullptr) Count(counters_.plan_memory_hits);
  return found;
}

absl::StatusOr<ExecutableRef> Compiler::Prepare(const ir::Function& function, uint64_t owner) {
  const std::string key = KeyOf(function);
  if (ExecutableRef found = Find(key, owner); found != nullptr) return found;
  return executables_.FindOrMake(key, owner, [&] { return Make(function, key, owner); });
}

absl::StatusOr<Compiler::Executables::Made> Compiler::Make(const ir::Function& function,
                                                           const std::string& key, uint64_t owner) {
  auto executable = std::make_shared<Executable>();
  ASSIGN_OR_RETURN(SizedPlan made, FindOrMakePlan(function, key, owner));
  executable->plan = std::move(made.plan);
  RETURN_IF_ERROR(LoadPrograms(*executable, owner));
  return Executables::Made{std::move(executable), made.bytes};
}

absl::StatusOr<Compiler::SizedPlan> Compiler::FindOrMakePlan(const ir::Function& function,
                                                             const std::string& key,
                                                             uint64_t owner) {
  const std::optional<std::string> stored = disk_.Find("plan", key, owner);
  if (stored.has_value()) {
    if (absl::StatusOr<Plan> plan = ParsePlan(*stored); plan.ok()) {
      Count(counters_.plan_disk_hits);
      return SizedPlan{*std::move(plan), static_cast<int64_t>(stored->size())};
    }
  }
  const Clock::time_point start = Clock::now();
  ASSIGN_OR_RETURN(Plan plan, MakePlan(function));
  Count(counters_.plans_made);
  Count(counters_.plan_microseconds, MicrosecondsSince(start));
  const std::string bytes = Serialize(plan);
  Store("plan", key, bytes, owner);
  return SizedPlan{std::move(plan), static_cast<int64_t>(bytes.size())};
}

void Compiler::Store(std::string_view kind, const std::string& key, std::string_view payload,
                     uint64_t owner) {
  const int left = disk_.Store(kind, key, payload, owner);
  Count(counters_.cache_evictions, static_cast<uint64_t>(left));
}

// The compiler, stage by stage.
absl::StatusOr<Plan> Compiler::MakePlan(const ir::Function& function) {
  ASSIGN_OR_RETURN(const ir::Function core, passes::RunPipeline(function));
  ASSIGN_OR_RETURN(schedule::Schedule schedule, schedule::MakeSchedule(core, {}));
  const schedule::Donations donations = schedule::DonateInPlace(schedule, core.donated);
  const schedule::DistinctKernels distinct = schedule::FindDistinct(schedule);
  std::vector<kernel::Linear> kernels;
  for (int first : distinct.first) {
    const schedule::Step& step = schedule.steps[first];
    const types::Capabilities& capabilities = devices_.at(step.placement.device)->capabilities();
    ASSIGN_OR_RETURN(
        kernel::Linear linear,
        kernel::Lower(step.kernel, capabilities, {.schedule_seed = options_.schedule_seed}));
    kernels.push_back(std::move(linear));
  }
  Plan plan = AssemblePlan(core, schedule, kernels, distinct.of_step, donations);
  PlanMemory(plan);
  return plan;
}

// Programs of distinct (kernel, device) pairs, compiled side by side.
absl::Status Compiler::LoadPrograms(Executable& executable, uint64_t owner) {
  const Plan& plan = executable.plan;
  executable.programs.resize(plan.kernels.size());
  for (auto& row : executable.programs) row.resize(devices_.size());
  std::vector<std::pair<int, int>> wanted;
  for (const PlanStep& step : plan.steps) {
    if (step.device >= devices_.size()) return InvalidArgument("plan: device ", step.device);
    if (step.kind == PlanStep::kLaunch) wanted.push_back({step.kernel, step.device});
  }
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
  std::vector<absl::Status> statuses(wanted.size());
  std::latch done(static_cast<std::ptrdiff_t>(wanted.size()));
  for (size_t i = 0; i < wanted.size(); ++i) {
    pool_.Submit([&, i] {
      const auto [kernel, device] = wanted[i];
      auto program = LoadProgram(plan.kernels[kernel], *devices_[device], owner);
      statuses[i] = program.status();
      if (program.ok()) executable.programs[kernel][device] = *std::move(program);
      done.count_down();
    });
  }
  done.wait();
  for (const absl::Status& status : statuses) RETURN_IF_ERROR(status);
  return absl::OkStatus();
}

absl::StatusOr<Compiler::Programs::Ref> Compiler::LoadProgram(const PlanKernel& kernel,
                                                              device::Device& device,
                                                              uint64_t owner) {
  const std::string key = StrCat(device.name(), " ", device.compile_key(), "\n", kernel.text);
  if (auto found = programs_.Find(key, owner); found != nullptr) {
    Count(counters_.kernel_memory_hits);
    return found;
  }
  return programs_.FindOrMake(key, owner,
                              [&] { return CompileProgram(kernel, key, device, owner); });
}

absl::StatusOr<Compiler::Programs::Made> Compiler::CompileProgram(const PlanKernel& kernel,
                                                                  const std::string& key,
                                                                  device::Device& device,
                                                                  uint64_t owner) {
  const auto made = [](std::unique_ptr<device::Program> program, const std::string& binary) {
    return Programs::Made{std::move(program), static_cast<int64_t>(binary.size())};
  };
  ASSIGN_OR_RETURN(const kernel::Linear linear, kernel::ParseLinear(kernel.text));
  RETURN_IF_ERROR(kernel::Verify(linear));
  if (std::optional<std::string> binary = disk_.Find("kernel", key, owner); binary.has_value()) {
    absl::StatusOr<std::unique_ptr<device::Program>> program = device.Load(linear, *binary);
    if (program.ok()) {
      Count(counters_.kernel_disk_hits);
      return made(*std::move(program), *binary);
    }
  }
  const Clock::time_point start = Clock::now();
  absl::StatusOr<std::string> binary = device.Compile(linear);
  Count(counters_.compile_microseconds, MicrosecondsSince(start));
  if (!binary.ok()) {
    Count(counters_.compile_failures);
    return Annotate(binary.status(), StrCat("kernel ", kernel.name, " on ", device.name(), ": "));
  }
  Count(counters_.kernels_compiled);
  ASSIGN_OR_RETURN(std::unique_ptr<device::Program> program, device.Load(linear, *binary));
  Store("kernel", key, *binary, owner);
  return made(std::move(program), *binary);
}

}  // namespace tensord::runtime
