// Where kernels are cut: whole models planned without running them. Counts of kernels, recomputed
// operations and peak bytes are asserted; planning time is printed.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

#include "engine/device/device.h"
#include "engine/kernel/lower.h"
#include "engine/passes/pipeline.h"
#include "engine/runtime/make_plan.h"
#include "gtest/gtest.h"
#include "models.h"

namespace tensord::runtime {
namespace {

using models::Model;

struct Planned {
  size_t nodes = 0, kernels = 0;
  double recompute = 0, milliseconds = 0;
  int64_t peak_bytes = 0, arena_bytes = 0;
};

Planned PlanModel(const Model& model) {
  Planned planned;
  planned.nodes = ir::TopologicalOrder(model.f.results).size();
  const auto start = std::chrono::steady_clock::now();
  auto core = passes::RunPipeline(model.f);
  TENSORD_CHECK(core.ok(), core.status().ToString());
  auto schedule = schedule::MakeSchedule(*core, {});
  TENSORD_CHECK(schedule.ok(), schedule.status().ToString());
  planned.milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  planned.recompute = schedule->recompute_ratio;
  std::vector<kernel::Linear> empty(schedule->steps.size());
  Plan plan = AssemblePlan(*core, *schedule, empty, {});
  PlanMemory(plan);
  planned.kernels = plan.steps.size();
  planned.peak_bytes = plan.peak_live_bytes;
  for (int64_t bytes : plan.arena_bytes) planned.arena_bytes += bytes;
  std::printf(
      "%zu nodes, %zu core nodes, %zu kernels, recompute %.3f, peak %.1f MB, arena %.1f MB, %.1f "
      "ms\n",
      planned.nodes, ir::TopologicalOrder(core->results).size(), planned.kernels, planned.recompute,
      planned.peak_bytes / 1e6, planned.arena_bytes / 1e6, planned.milliseconds);
  return planned;
}

TEST(FusionBoundary, MnistTrainingStep) {
  const Planned planned = PlanModel(models::MnistStep());
  EXPECT_LE(planned.kernels, 56u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, ResNet50) {
  const Planned planned = PlanModel(models::ResNet50());
  EXPECT_LE(planned.kernels, 76u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, Gpt2BlockTrainingStep) {
  const Planned planned = PlanModel(models::Gpt2Step(1));
  EXPECT_LE(planned.kernels, 52u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

}  // namespace
}  // namespace tensord::runtime
