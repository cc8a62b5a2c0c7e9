#include "engine/runtime/executor.h"

#include <cstdio>

#include "engine/base/settings.h"
#include "engine/base/status.h"

namespace tensord::runtime {
namespace {

types::Type Bound(const types::Type& type, const std::vector<ir::BoundVariable>& variables,
                  absl::Span<const int64_t> values) {
  if (variables.empty()) return type;
  types::Sym::Substitution with;
  for (size_t i = 0; i < variables.size(); ++i) with[variables[i].name] = values[i];
  types::Type bound = type;
  for (types::Sym& dim : bound.dims) dim = dim.Substitute(with);
  return bound;
}

// "llvm  r_128_32  41.2 us  12.3 GFLOPS  4.5 GB/s"
void PrintKernelLine(std::string_view device, const PlanKernel& kernel,
                     absl::Span<const int64_t> variables, double seconds) {
  const auto linear = kernel::ParseLinear(kernel.text);
  if (!linear.ok()) return;
  const kernel::Work work = kernel::EstimateWork(*linear, variables);
  std::fprintf(stderr, "%-8.*s %-48s %10.1f us %8.2f GFLOPS %8.2f GB/s\n",
               static_cast<int>(device.size()), device.data(), kernel.name.c_str(), seconds * 1e6,
               work.flops / seconds / 1e9, work.bytes_touched / seconds / 1e9);
}

}  // namespace

// What one run holds until it is done.
struct Executor::Job {
  explicit Job(RunRequest from) : request(std::move(from)), plan(request.executable->plan) {}
  RunRequest request;
  const Plan& plan;
  std::vector<Value> values;      // by plan value; arena values stay empty
  std::vector<BufferPtr> arenas;  // by device
  std::vector<Value> results;
};

absl::Status Executor::Stopped(const RunRequest& request) const {
  if (request.cancelled != nullptr && request.cancelled->load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled before its first kernel");
  }
  if (request.deadline != Clock::time_point::max() && Clock::now() > request.deadline) {
    return absl::DeadlineExceededError("deadline passed before its first kernel");
  }
  return absl::OkStatus();
}

absl::Status Executor::Check(const RunRequest& request) const {
  const Plan& plan = request.executable->plan;
  if (request.inputs.size() != plan.parameters.size()) {
    return InvalidArgument("run: ", request.inputs.size(), " inputs given, the function has ",
                           plan.parameters.size(), " parameters");
  }
  if (request.variables.size() != plan.variables.size()) {
    return InvalidArgument("run: ", request.variables.size(), " variables given, the function has ",
                           plan.variables.size());
  }
  for (size_t i = 0; i < plan.variables.size(); ++i) {
    const ir::BoundVariable& v = plan.variables[i];
    if (request.variables[i] < v.min || request.variables[i] > v.max) {
      return InvalidArgument("run: variable ", v.name, " = ", request.variables[i], " is outside [",
                             v.min, ", ", v.max, "]");
    }
  }
  for (size_t i = 0; i < plan.parameters.size(); ++i) {
    const types::Type want = Bound(plan.parameters[i], plan.variables, request.variables);
    if (!request.inputs[i].valid() || request.inputs[i].type != want) {
      return InvalidArgument("run: input ", i, " is ", request.inputs[i].type.ToString(),
                             ", the function's parameter is ", want.ToString());
    }
  }
  return Stopped(request);
}

absl::StatusOr<Value> Executor::Allocate(
    const types::Type& type, const std::function<std::shared_ptr<void>(int64_t)>& charge) {
  device::Device& device = *devices_.at(type.placement.device);
  auto buffer = std::make_shared<Buffer>();
  ASSIGN_OR_RETURN(buffer->memory, device.allocator().Allocate(type.max_bytes()));
  buffer->device = &device;
  if (charge) buffer->charge = charge(type.max_bytes());
  return Value{std::move(buffer), 0, type};
}

absl::Status Executor::ReserveValue(Job& job, size_t value) {
  const PlanValue& from = job.plan.values[value];
  if (from.home == Home::kArena) return absl::OkStatus();
  if (from.home == Home::kParameter) {
    job.values[value] = job.request.inputs[from.number];
    return absl::OkStatus();
  }
  types::Type type;  // its element type does not matter here
  type.dtype = types::DType::kU8;
  type.placement.device = from.device;
  type.dims = {from.bytes};
  ASSIGN_OR_RETURN(job.values[value], Allocate(type, job.request.charge));
  return absl::OkStatus();
}

absl::Status Executor::Reserve(Job& job) {
  job.values.resize(job.plan.values.size());
  for (size_t i = 0; i < job.plan.values.size(); ++i) RETURN_IF_ERROR(ReserveValue(job, i));
  for (size_t d = 0; d < job.plan.arena_bytes.size(); ++d) {
    job.arenas.push_back(nullptr);
    if (job.plan.arena_bytes[d] == 0) continue;
    job.arenas[d] = std::make_shared<Buffer>();
    ASSIGN_OR_RETURN(job.arenas[d]->memory,
                     devices_.at(d)->allocator().Allocate(job.plan.arena_bytes[d]));
  }
  // A donated parameter is written over only when this run is its one holder; else a copy is.
  for (int32_t parameter : job.plan.donated) {
    Value& input = job.request.inputs[parameter];
    const bool given = std::find(job.request.donate.begin(), job.request.donate.end(), parameter) !=
                       job.request.donate.end();
    int holders = 1;  // request.inputs
    for (const Value& value : job.values) holders += value.buffer == input.buffer ? 1 : 0;
    if (given && input.buffer.use_count() == holders) {
      Count(counters_.donated_bytes, static_cast<uint64_t>(input.bytes()));
      continue;
    }
    ASSIGN_OR_RETURN(Value copy, Allocate(input.type, job.request.charge));
    devices_[input.type.placement.device]->queue().Copy(copy.argument(), input.argument(),
                                                        input.bytes());
    for (size_t v = 0; v < job.values.size(); ++v) {
      const PlanValue& from = job.plan.values[v];
      if (from.home == Home::kParameter && from.number == parameter) job.values[v] = copy;
    }
  }
  return absl::OkStatus();
}

device::Argument Executor::ArgumentOf(const Job& job, int32_t value) const {
  const PlanValue& from = job.plan.values[value];
  if (from.home == Home::kArena) return {job.arenas[from.device]->memory.get(), from.offset};
  return job.values[value].argument();
}

void Executor::Launch(Job& job, const PlanStep& step) {
  absl::InlinedVector<device::Argument, 16> arguments;
  for (int32_t value : step.values) arguments.push_back(ArgumentOf(job, value));
  const auto& program = job.request.executable->programs[step.kernel][step.device];
  device::Queue& queue = devices_[step.device]->queue();
  Count(counters_.launches);
  if (base::GetSettings().debug < 2) {
    queue.Launch(*program, arguments, job.request.variables);
    return;
  }
  queue.Wait(queue.Last().value).IgnoreError();
  const Clock::time_point start = Clock::now();
  queue.Wait(queue.Launch(*program, arguments, job.request.variables).value).IgnoreError();
  const std::chrono::duration<double> seconds = Clock::now() - start;
  PrintKernelLine(devices_[step.device]->name(), job.plan.kernels[step.kernel],
                  job.request.variables, seconds.count());
}

void Executor::Copy(Job& job, const PlanStep& step) {
  const PlanValue &from = job.plan.values[step.values[0]], &to = job.plan.values[step.values[1]];
  device::Queue &source = devices_[from.device]->queue(), &target = devices_[to.device]->queue();
  const device::Argument a = ArgumentOf(job, step.values[0]), b = ArgumentOf(job, step.values[1]);
  Count(counters_.copies);
  if (&source == &target) {
    target.Copy(b, a, from.bytes);
    return;
  }
  auto staging = std::make_shared<std::vector<std::byte>>(from.bytes);
  target.WaitFor(source.CopyOut(staging->data(), a, from.bytes));
  target.CopyIn(b, staging->data(), from.bytes);
  target.Notify([staging](absl::Status) {});
}

absl::StatusOr<std::vector<Value>> Executor::Run(RunRequest request) {
  RETURN_IF_ERROR(Check(request));
  auto job = std::make_shared<Job>(std::move(request));
  RETURN_IF_ERROR(Reserve(*job));
  for (const PlanStep& step : job->plan.steps) {
    step.kind == PlanStep::kCopy ? Copy(*job, step) : Launch(*job, step);
  }
  Count(counters_.runs);
  uint16_t last_device = 0;
  for (const PlanResult& result : job->plan.results) {
    Value value = job->values[result.value];
    value.type = Bound(result.type, job->plan.variables, job->request.variables);
    last_device = value.type.placement.device;
    job->results.push_back(std::move(value));
  }
  std::vector<Value> results = job->results;
  // A queue that did not run the last step must still outlive the memory it uses.
  device::Queue& last = devices_[last_device]->queue();
  for (size_t d = 0; d < job->plan.arena_bytes.size() && d < devices_.size(); ++d) {
    if (d != last_device) last.WaitFor(devices_[d]->queue().Last());
  }
  last.Notify([job](absl::Status status) {
    auto done = std::move(job->request.on_done);
    job->request.inputs.clear();
    job->values.clear();
    job->arenas.clear();
    job->results.clear();
    if (done) std::move(done)(std::move(status));
  });
  return results;
}

}  // namespace tensord::runtime
