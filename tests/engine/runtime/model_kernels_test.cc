// Every kernel of whole models is lowered and proved safe, for machines of different vectors.
#include "engine/kernel/lower.h"
#include "engine/passes/pipeline.h"
#include "engine/schedule/schedule.h"
#include "gtest/gtest.h"
#include "tests/engine/runtime/models.h"

namespace tensord {
namespace {

struct Machine {
  int vector_bytes, vector_registers, threads;
};
constexpr Machine kMachines[] = {{16, 16, 1}, {32, 16, 2}, {64, 32, 4}};

void ExpectKernelsLower(const ir::Function& function) {
  const auto core = passes::RunPipeline(function);
  ASSERT_TRUE(core.ok()) << core.status();
  const auto schedule = schedule::MakeSchedule(*core, {});
  ASSERT_TRUE(schedule.ok()) << schedule.status();
  for (const Machine& machine : kMachines) {
    types::Capabilities capabilities;
    capabilities.vector_bytes = machine.vector_bytes;
    capabilities.vector_registers = machine.vector_registers;
    capabilities.threads = machine.threads;
    for (const schedule::Step& step : schedule->steps) {
      if (step.kind != schedule::Step::kKernel) continue;
      const auto linear = kernel::Lower(step.kernel, capabilities);
      EXPECT_TRUE(linear.ok()) << linear.status();
    }
  }
}

TEST(ModelKernels, OfAConvolutionalNetAreSafe) { ExpectKernelsLower(models::MnistStep().f); }
TEST(ModelKernels, OfResNet50InferenceAreSafe) { ExpectKernelsLower(models::ResNet50().f); }
TEST(ModelKernels, OfResNet50TrainingAreSafe) { ExpectKernelsLower(models::ResNet50Step().f); }
TEST(ModelKernels, OfATransformerBlockAreSafe) { ExpectKernelsLower(models::Gpt2Step(1).f); }

}  // namespace
}  // namespace tensord
