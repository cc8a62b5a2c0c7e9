// Where kernels are cut: whole models planned without running them. Counts of kernels, recomputed
// operations and peak bytes are asserted, and the counts that planning time is made of (the time
// itself is a row of tests/bench/plan.cc).
#include <cstdio>

#include "engine/device/device.h"
#include "engine/kernel/lower.h"
#include "engine/passes/pipeline.h"
#include "engine/runtime/make_plan.h"
#include "engine/schedule/distinct.h"
#include "gtest/gtest.h"
#include "models.h"

namespace tensord::runtime {
namespace {

using models::Model;

struct Planned {
  size_t nodes = 0, core_nodes = 0, reduces = 0, nodes_made = 0, kernels = 0, distinct = 0;
  double recompute = 0;
  int64_t peak_bytes = 0, arena_bytes = 0;
  schedule::Schedule::Effort effort;
};

void CountNodes(const ir::Function& core, Planned& planned) {
  planned.nodes_made = core.graph->size();
  for (ir::Ref node : ir::TopologicalOrder(core.results)) {
    ++planned.core_nodes;
    planned.reduces += node->is("reduce") ? 1 : 0;
  }
}

Planned PlanModel(const Model& model) {
  Planned planned;
  planned.nodes = ir::TopologicalOrder(model.f.results).size();
  auto core = passes::RunPipeline(model.f);
  TENSORD_CHECK(core.ok(), core.status().ToString());
  CountNodes(*core, planned);
  auto schedule = schedule::MakeSchedule(*core, {});
  TENSORD_CHECK(schedule.ok(), schedule.status().ToString());
  planned.recompute = schedule->recompute_ratio;
  planned.effort = schedule->effort;
  const schedule::DistinctKernels distinct = schedule::FindDistinct(*schedule);
  planned.distinct = distinct.first.size();
  const std::vector<kernel::Linear> empty(planned.distinct);
  Plan plan = AssemblePlan(*core, *schedule, empty, distinct.of_step, {});
  PlanMemory(plan);
  planned.kernels = plan.steps.size();
  planned.peak_bytes = plan.peak_live_bytes;
  for (int64_t bytes : plan.arena_bytes) planned.arena_bytes += bytes;
  std::printf(
      "%zu nodes, %zu core nodes (%zu reduces, %zu nodes made), %zu kernels, %zu distinct, "
      "recompute %.3f, peak %.1f MB, arena %.1f MB, %d rounds, %d kernels built, %d reduces "
      "traced\n",
      planned.nodes, planned.core_nodes, planned.reduces, planned.nodes_made, planned.kernels,
      planned.distinct, planned.recompute, planned.peak_bytes / 1e6, planned.arena_bytes / 1e6,
      planned.effort.rounds, planned.effort.kernels_built, planned.effort.contraction_analyses);
  return planned;
}

TEST(FusionBoundary, MnistTrainingStep) {
  const Planned planned = PlanModel(models::MnistStep());
  EXPECT_LE(planned.kernels, 56u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.peak_bytes, 62e6);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, ResNet50) {
  const Planned planned = PlanModel(models::ResNet50());
  EXPECT_LE(planned.kernels, 76u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.peak_bytes, 42e6);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, Gpt2BlockTrainingStep) {
  const Planned planned = PlanModel(models::Gpt2Step(1));
  EXPECT_LE(planned.kernels, 52u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.peak_bytes, 43.5e6);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

// What keeps planning linear in the nodes, and within 50 ms for 5,000 of them.
void ExpectLittleEffort(const Planned& planned) {
  EXPECT_LE(planned.nodes_made, 4 * planned.core_nodes);
  EXPECT_LE(planned.effort.rounds, 3);
  EXPECT_LE(planned.effort.contraction_analyses, 2 * static_cast<int>(planned.reduces))
      << "each reduce is traced once, and once more when its operands are packed";
  EXPECT_LE(planned.effort.kernels_built, 1.5 * static_cast<double>(planned.distinct));
}

TEST(FusionBoundary, PlanningEffortIsLinear) {
  ExpectLittleEffort(PlanModel(models::MnistStep()));
  ExpectLittleEffort(PlanModel(models::ResNet50()));
  ExpectLittleEffort(PlanModel(models::ResNet50Step()));
}

TEST(FusionBoundary, RepeatedBlocksShareTheirKernels) {
  const Planned few = PlanModel(models::Gpt2Step(3)), many = PlanModel(models::Gpt2Step(12));
  EXPECT_GE(many.core_nodes, 5000u);
  // Only the launch that gathers the small updates of all blocks grows with their number.
  EXPECT_LE(many.distinct, few.distinct + 1);
  EXPECT_LE(many.effort.kernels_built, few.effort.kernels_built + 1);
  ExpectLittleEffort(many);
}

}  // namespace
}  // namespace tensord::runtime
