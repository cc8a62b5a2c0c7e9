#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ops/rows.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;

TEST(OptimTest, StateKeepsItsOwnDtype) {
  const auto results = RunOp("adam",
                             {Tensor("bf16[1] {1}"), Tensor("bf16[1] {2}"), Tensor("f32[1] {0}"),
                              Tensor("f32[1] {0}"), Tensor("f32[] {0.5}"), Tensor("i64[] {1}")},
                             "eps=0");
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].ToString(), "bf16[1] {0.5}");
  EXPECT_EQ((*results)[1].dtype(), DType::kF32);
  EXPECT_EQ(Difference((*results)[2], Tensor("f32[1] {0.004}"), 1e-6), "");
}

TEST(OptimTest, BiasCorrectionKeepsItsDigits) {
  // 1 - 0.999999 at the first step: a power in f32 would be off by percents.
  const auto results = RunOp("adam",
                             {Tensor("f32[1] {0}"), Tensor("f32[1] {1}"), Tensor("f32[1] {0}"),
                              Tensor("f32[1] {0}"), Tensor("f32[] {1}"), Tensor("i32[] {1}")},
                             "beta2=0.999999, eps=0");
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ(Difference((*results)[0], Tensor("f32[1] {-1}"), 1e-6), "");
}

TEST(OptimTest, ErrorsSayWhatFits) {
  EXPECT_THAT(RunText("sgd", {"f32[2] {0}", "f32[3] {0}", "f32[] {0}"}),
              HasSubstr("gradient is f32[3]; expected the dims of f32[2]"));
  EXPECT_THAT(RunText("sgd", {"f32[2] {0}", "f32[2] {0}", "f32[1] {0}"}),
              HasSubstr("rate is f32[1]; expected a number"));
  EXPECT_THAT(RunText("sgd", {"i32[2] {0}", "f32[2] {0}", "f32[] {0}"}),
              HasSubstr("expected a float"));
  EXPECT_THAT(
      RunText("adam",
              {"f32[1] {0}", "f32[1] {0}", "f32[1] {0}", "f32[1] {0}", "f32[] {0}", "i32[] {1}"},
              "beta1=1"),
      HasSubstr("from 0 to below 1"));
}

}  // namespace
}  // namespace tensord::ops
