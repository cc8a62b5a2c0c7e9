#include "engine/runtime/executor.h"

#include <algorithm>
#include <cstdio>

#include "absl/base/thread_annotations.h"
#include "engine/base/mutex.h"
#include "engine/base/settings.h"
#include "engine/base/status.h"
#include "engine/runtime/fault.h"

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

// Whether, and why, a run ends early.
absl::Status Stopped(const RunRequest& request, std::string_view when) {
  if (request.cancelled != nullptr && request.cancelled->load(std::memory_order_relaxed)) {
    return Fault(absl::StatusCode::kCancelled, "CANCELLED", "cancelled ", when);
  }
  if (request.deadline != Clock::time_point::max() && Clock::now() > request.deadline) {
    return Fault(absl::StatusCode::kDeadlineExceeded, "DEADLINE", "the deadline passed ", when);
  }
  return absl::OkStatus();
}

// Why a donated input can't be written over in place; "" when it can, or when nothing reads it.
// REQUIRES: the request alone holds the input, if its caller gave it up.
std::string_view WhyNotInPlace(const RunRequest& request, int position) {
  const Plan& plan = request.executable->plan;
  for (const PlanRefusal& refusal : plan.not_donated) {
    if (refusal.parameter == position) return refusal.why;
  }
  const bool wanted = std::binary_search(plan.donated.begin(), plan.donated.end(), position);
  const BufferPtr& buffer = request.inputs[position].buffer;
  if (!wanted) return "";
  if (buffer->lane != request.lane->id()) return "was made for another principal";
  if (buffer.use_count() == 1) return "";
  return "is held elsewhere too: by another id or input, or by a command under way";
}

std::string InputText(const RunRequest& request, int position) {
  return StrCat("input ", position, " (", request.inputs[position].type.ToString(), ")");
}

}  // namespace

// What one run holds until it is done.
struct Executor::Job {
  explicit Job(RunRequest from) : request(std::move(from)), plan(request.executable->plan) {}
  RunRequest request;
  const Plan& plan;
  std::vector<Value> values;      // by plan value; arena values stay empty
  std::vector<BufferPtr> arenas;  // by device
  std::vector<Kept> kept;         // once all is submitted, in place of the above
  std::vector<BufferPtr> foreign;

  device::Queue& queue(size_t device) const { return request.lane->queue(device); }

  // Lets go of values: they are the callers' now. But what another lane made is held, so that no
  // work of that lane writes over it meanwhile.
  void KeepMemory() {
    for (const auto* list : {&request.inputs, &values}) {
      for (const Value& value : *list) {
        if (!value.valid()) continue;
        if (value.buffer->lane == request.lane->id()) {
          kept.emplace_back(*value.buffer);
        } else {
          foreign.push_back(value.buffer);
        }
      }
    }
    request.inputs.clear();
    values.clear();
  }

  bool can_stop() const {
    return request.cancelled != nullptr || request.deadline != Clock::time_point::max();
  }
  // Whether the next kernel may begin. From the first one that writes in place on, all may. Called
  // on the devices' threads.
  bool Proceed(bool writes_in_place);
  absl::Status stopped() {
    MutexLock lock(mutex_);
    return stopped_;
  }

 private:
  Mutex mutex_;
  bool committed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status stopped_ ABSL_GUARDED_BY(mutex_);
};

bool Executor::Job::Proceed(bool writes_in_place) {
  MutexLock lock(mutex_);
  if (committed_) return true;
  if (stopped_.ok()) stopped_ = Stopped(request, "before it was done");
  committed_ = stopped_.ok() && writes_in_place;
  return stopped_.ok();
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
  return Stopped(request, "before its first kernel");
}

absl::Status Executor::CheckDonated(const RunRequest& request) const {
  if (!request.donate_required) return absl::OkStatus();
  for (int position : request.donate) {
    const std::string_view why = WhyNotInPlace(request, position);
    if (why.empty()) continue;
    return Fault(absl::StatusCode::kFailedPrecondition, "DONATION", "donation is required, but ",
                 InputText(request, position), " ", why);
  }
  return absl::OkStatus();
}

absl::StatusOr<Value> Executor::Allocate(
    const Lane& lane, const types::Type& type,
    const std::function<std::shared_ptr<void>(int64_t)>& charge) {
  device::Device& device = *devices_.at(type.placement.device);
  auto buffer = std::make_shared<Buffer>();
  ASSIGN_OR_RETURN(buffer->memory, device.allocator().Allocate(type.max_bytes()));
  buffer->device = &device;
  buffer->lane = lane.id();
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
  ASSIGN_OR_RETURN(job.values[value], Allocate(*job.request.lane, type, job.request.charge));
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
  return absl::OkStatus();
}

// Copies of the inputs that the plan writes over and this run may not.
absl::Status Executor::ReserveCopies(Job& job, absl::Span<const int32_t> parameters) {
  std::vector<Value> copies;
  for (int32_t parameter : parameters) {
    ASSIGN_OR_RETURN(Value copy, Allocate(*job.request.lane, job.request.inputs[parameter].type,
                                          job.request.charge));
    copies.push_back(std::move(copy));
  }
  // All memory is there: from here on nothing fails, and the job keeps what the queues use.
  for (size_t i = 0; i < copies.size(); ++i) {
    const Value& input = job.request.inputs[parameters[i]];
    job.queue(input.type.placement.device)
        .Copy(copies[i].argument(), input.argument(), input.bytes());
    Count(counters_.donation_copied_bytes, static_cast<uint64_t>(input.bytes()));
    for (size_t v = 0; v < job.values.size(); ++v) {
      const PlanValue& from = job.plan.values[v];
      if (from.home == Home::kParameter && from.number == parameters[i]) job.values[v] = copies[i];
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
  device::Queue& queue = job.queue(step.device);
  device::Gate gate;
  if (job.can_stop()) gate = [&job, writes = step.in_place] { return job.Proceed(writes); };
  Count(counters_.launches);
  if (base::GetSettings().debug < 2) {
    queue.Launch(*program, arguments, job.request.variables, std::move(gate));
    return;
  }
  queue.Wait(queue.Last().value).IgnoreError();
  const Clock::time_point start = Clock::now();
  queue.Wait(queue.Launch(*program, arguments, job.request.variables, std::move(gate)).value)
      .IgnoreError();
  const std::chrono::duration<double> seconds = Clock::now() - start;
  PrintKernelLine(devices_[step.device]->name(), job.plan.kernels[step.kernel],
                  job.request.variables, seconds.count());
}

void Executor::Copy(Job& job, const PlanStep& step) {
  const PlanValue &from = job.plan.values[step.values[0]], &to = job.plan.values[step.values[1]];
  device::Queue &source = job.queue(from.device), &target = job.queue(to.device);
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

// Where donated inputs go.
struct Executor::Donated {
  struct Told {
    int64_t bytes;
    std::string why;
  };
  std::vector<int32_t> copied;  // written over by the plan, but not this run's to write over
  std::vector<Told> told;       // for on_copied
  int64_t in_place_bytes = 0;
};

// REQUIRES: nothing but the request holds the inputs for this run.
Executor::Donated Executor::DonatedOf(const RunRequest& request) const {
  Donated donated;
  for (int32_t parameter : request.executable->plan.donated) {
    const bool given = std::binary_search(request.donate.begin(), request.donate.end(), parameter);
    if (given && WhyNotInPlace(request, parameter).empty()) {
      donated.in_place_bytes += request.inputs[parameter].bytes();
    } else {
      donated.copied.push_back(parameter);
    }
  }
  if (!request.on_copied) return donated;
  for (int position : request.donate) {
    const std::string_view why = WhyNotInPlace(request, position);
    if (why.empty()) continue;
    donated.told.push_back(
        {request.inputs[position].bytes(), StrCat(InputText(request, position), " ", why)});
  }
  return donated;
}

absl::StatusOr<std::vector<Value>> Executor::Run(RunRequest request) {
  if (request.lane == nullptr) request.lane = lane_;
  RETURN_IF_ERROR(Check(request));
  std::sort(request.donate.begin(), request.donate.end());
  RETURN_IF_ERROR(CheckDonated(request));
  auto job = std::make_shared<Job>(std::move(request));
  const Donated donated = DonatedOf(job->request);
  RETURN_IF_ERROR(Reserve(*job));
  RETURN_IF_ERROR(ReserveCopies(*job, donated.copied));
  Count(counters_.donated_bytes, static_cast<uint64_t>(donated.in_place_bytes));
  for (const Donated::Told& told : donated.told) job->request.on_copied(told.bytes, told.why);
  for (const PlanStep& step : job->plan.steps) {
    step.kind == PlanStep::kCopy ? Copy(*job, step) : Launch(*job, step);
  }
  Count(counters_.runs);
  std::vector<Value> results;
  uint16_t last_device = 0;
  for (const PlanResult& result : job->plan.results) {
    Value value = job->values[result.value];
    value.type = Bound(result.type, job->plan.variables, job->request.variables);
    last_device = value.type.placement.device;
    results.push_back(std::move(value));
  }
  job->KeepMemory();
  // A queue that did not run the last step must still outlive the memory it uses.
  device::Queue& last = job->queue(last_device);
  for (size_t d = 0; d < job->plan.arena_bytes.size() && d < devices_.size(); ++d) {
    if (d != last_device) last.WaitFor(job->queue(d).Last());
  }
  last.Notify([job, &counters = counters_](absl::Status status) {
    if (absl::Status stopped = job->stopped(); !stopped.ok()) {
      Count(counters.runs_stopped);
      status = std::move(stopped);
    }
    auto done = std::move(job->request.on_done);
    job->kept.clear();
    job->foreign.clear();
    job->arenas.clear();
    if (done) std::move(done)(std::move(status));
  });
  return results;
}

}  // namespace tensord::runtime
