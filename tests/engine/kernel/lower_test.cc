// Lowering under random schedules.
#include "engine/kernel/lower.h"

#include "engine/ops/build.h"
#include "engine/passes/pipeline.h"
#include "engine/schedule/schedule.h"
#include "gtest/gtest.h"

namespace tensord::kernel {
namespace {

// x [6, 5] + y [6, 1]: y's load is shared by the blocks of a row.
schedule::LoopKernel RowsPlusColumn() {
  ir::Function f;
  types::Type type;
  type.dtype = types::DType::kF32;
  type.dims = {6, 5};
  ir::Ref x = ops::AddParameter(f, type);
  type.dims = {6, 1};
  f.results = {ops::Add(*f.graph, x, ops::AddParameter(f, type))};
  auto schedule = schedule::MakeSchedule(*passes::RunPipeline(f), {});
  TENSORD_CHECK(schedule.ok() && schedule->steps.size() == 1, "one kernel");
  return schedule->steps[0].kernel;
}

TEST(Lower, ValuesOfOneBlockAreNotUsedInAnother) {
  const schedule::LoopKernel kernel = RowsPlusColumn();
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    const auto linear = Lower(kernel, types::Capabilities{}, {.schedule_seed = seed});
    EXPECT_TRUE(linear.ok()) << "seed " << seed << ": " << linear.status();
  }
}

}  // namespace
}  // namespace tensord::kernel
