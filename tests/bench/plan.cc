// Planning time: whole models from checked graph to plan (passes, schedule, donation, plan,
// memory), and, apart, the lowering of their distinct kernels. Times are of one thread's processor,
// the best of several runs; one JSON row per model.
//
//   bench_plan [runs [model name]] [lower]      "lower": that is timed as well
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "engine/device/device.h"
#include "engine/kernel/lower.h"
#include "engine/passes/pipeline.h"
#include "engine/runtime/make_plan.h"
#include "engine/schedule/distinct.h"
#include "engine/schedule/donate.h"
#include "models.h"

namespace tensord::runtime {
namespace {

constexpr double kAllowedMilliseconds = 50, kAllowedNodes = 5000;

double Milliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

// Milliseconds of each stage; the least of all runs.
class Stages {
 public:
  template <typename Work>
  auto Time(const char* stage, const Work& work) {
    const double start = Milliseconds();
    auto result = work();
    const double took = Milliseconds() - start;
    auto [it, fresh] = best_.try_emplace(stage, took);
    it->second = std::min(it->second, took);
    return result;
  }
  // Of those measured.
  double Sum(std::initializer_list<const char*> stages) const {
    double sum = 0;
    for (const char* stage : stages) sum += best_.contains(stage) ? best_.at(stage) : 0;
    return sum;
  }

 private:
  std::map<std::string, double> best_;
};

struct Row {
  const char* name;
  std::function<models::Model()> make;
};

const Row kRows[] = {
    {"MNIST step", models::MnistStep},
    {"ResNet-50", models::ResNet50},
    {"ResNet-50 step", models::ResNet50Step},
    {"GPT-2 block step", [] { return models::Gpt2Step(1); }},
    {"GPT-2 step, 12 blocks", [] { return models::Gpt2Step(12); }},
};

template <typename T>
T Checked(absl::StatusOr<T> value) {
  TENSORD_CHECK(value.ok(), value.status().ToString());
  return *std::move(value);
}

std::vector<kernel::Linear> Lower(const schedule::Schedule& schedule,
                                  const schedule::DistinctKernels& distinct,
                                  const types::Capabilities& capabilities) {
  std::vector<kernel::Linear> kernels;
  for (int first : distinct.first) {
    auto linear = kernel::Lower(schedule.steps[first].kernel, capabilities, {});
    if (!linear.ok()) std::fprintf(stderr, "%s\n", linear.status().ToString().c_str());
    kernels.push_back(linear.ok() ? *std::move(linear) : kernel::Linear());
  }
  return kernels;
}

// `lower`: the device to lower for; nullptr: not measured.
void Measure(const Row& row, int runs, const types::Capabilities* lower) {
  const models::Model model = row.make();
  Stages stages;
  size_t nodes = 0, steps = 0, kinds = 0;
  for (int run = 0; run < runs; ++run) {
    const ir::Function core =
        stages.Time("passes", [&] { return Checked(passes::RunPipeline(model.f)); });
    schedule::Schedule schedule =
        stages.Time("schedule", [&] { return Checked(schedule::MakeSchedule(core, {})); });
    const auto donations =
        stages.Time("donate", [&] { return schedule::DonateInPlace(schedule, core.donated); });
    const schedule::DistinctKernels distinct =
        stages.Time("distinct", [&] { return schedule::FindDistinct(schedule); });
    std::vector<kernel::Linear> kernels(distinct.first.size());
    if (lower != nullptr) {
      kernels = stages.Time("lower", [&] { return Lower(schedule, distinct, *lower); });
    }
    const Plan plan = stages.Time("assemble", [&] {
      Plan made = AssemblePlan(core, schedule, kernels, distinct.of_step, donations);
      PlanMemory(made);
      return made;
    });
    nodes = ir::TopologicalOrder(core.results).size();
    steps = plan.steps.size();
    kinds = distinct.first.size();
  }
  const double allowed =
      kAllowedMilliseconds * std::max(1.0, static_cast<double>(nodes) / kAllowedNodes);
  std::printf(
      "{\"name\": \"planning, %s\", \"unit\": \"ms\", \"threads\": 1, \"ours\": %.2f, "
      "\"allowed\": %.2f, \"nodes\": %zu, \"kernels\": %zu, \"distinct\": %zu, \"passes\": %.2f, "
      "\"schedule\": %.2f, \"plan\": %.2f, \"lower\": %.2f}\n",
      row.name, stages.Sum({"passes", "schedule", "donate", "distinct", "assemble"}), allowed,
      nodes, steps, kinds, stages.Sum({"passes"}), stages.Sum({"schedule"}),
      stages.Sum({"donate", "distinct", "assemble"}), stages.Sum({"lower"}));
}

}  // namespace
}  // namespace tensord::runtime

int main(int argc, char** argv) {
  using namespace tensord;  // NOLINT
  const std::vector<std::string> words(argv + 1, argv + argc);
  const bool lower = !words.empty() && words.back() == "lower";
  const int runs = words.empty() ? 10 : std::max(1, std::atoi(words[0].c_str()));
  const auto null = device::OpenDevice("null");
  TENSORD_CHECK(null.ok(), null.status().ToString());
  for (const auto& row : runtime::kRows) {
    const bool named = words.size() > (lower ? 2 : 1);
    if (named && words[1] != row.name) continue;
    runtime::Measure(row, runs, lower ? &(*null)->capabilities() : nullptr);
  }
}
