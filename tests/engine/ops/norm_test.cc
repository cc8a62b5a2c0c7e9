#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/ops/expand.h"
#include "engine/ops/rows.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;

TEST(NormTest, VarianceSurvivesALargeMean) {
  const auto results = RunOp("batch_norm_training",
                             {Tensor("f32[4,1] {4096.25, 4096.75, 4096.25, 4096.75}")}, "eps=0");
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].ToString(), "f32[4,1] {-1, 1, -1, 1}");
  EXPECT_EQ((*results)[1].ToString(), "f32[1] {4096.5}");
  EXPECT_EQ((*results)[2].ToString(), "f32[1] {0.0625}");
}

TEST(NormTest, MomentsOfHalvesAreF32) {
  const auto results = RunOp("batch_norm_training", {Tensor("f16[2,1] {1, 2}")}, "");
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].dtype(), DType::kF16);
  EXPECT_EQ((*results)[1].dtype(), DType::kF32);
  EXPECT_EQ((*results)[2].ToString(), "f32[1] {0.25}");
}

TEST(NormTest, WeightsKeepTheirOwnDtype) {
  EXPECT_EQ(RunText("layer_norm", {"f16[2] {1, 3}", "f32[2] {1, 2}"}, "eps=0"), "f16[2] {-1, 2}");
}

TEST(NormTest, BatchMayBeAVariable) {
  ir::Function f;
  const Sym n = Sym::Variable("n", 1, 8);
  f.variables = {{"n", 1, 8}};
  Ref x = AddParameter(f, {DType::kF32, {}, {n, 1}});
  Ref norm = Build(*f.graph, "batch_norm_training", {x}, {{"eps", 0.0}});
  f.results = {Get(*f.graph, norm, 0), Get(*f.graph, norm, 1),
               Build(*f.graph, "softmax", {x}, {{"axis", int64_t{0}}})};
  const auto results = EvaluateFunction(f, {Tensor("f32[2,1] {3, 5}")}, {2});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].ToString(), "f32[2,1] {-1, 1}");
  EXPECT_EQ((*results)[1].ToString(), "f32[1] {4}");
}

TEST(NormTest, SoftmaxOfAScalarIsOne) {
  EXPECT_EQ(RunText("softmax", {"f32[] {7}"}), "f32[] {1}");
  EXPECT_EQ(RunText("log_softmax", {"f32[] {7}"}), "f32[] {0}");
}

TEST(NormTest, SoftmaxOfOneInfinityIsNaN) {
  EXPECT_THAT(RunText("softmax", {"f32[2] {inf, 0}"}), HasSubstr("nan"));
  EXPECT_EQ(RunText("softmax", {"f32[2] {-inf, 0}"}), "f32[2] {0, 1}");
}

TEST(NormTest, ErrorsSayWhatFits) {
  EXPECT_THAT(RunText("softmax", {"f32[2] {0}"}, "axis=1"), HasSubstr("out of range"));
  EXPECT_THAT(RunText("layer_norm", {"f32[2,3] {0}", "f32[2] {0}"}),
              HasSubstr("weight is f32[2]; expected dims [3]"));
  EXPECT_THAT(RunText("layer_norm", {"i32[2,3] {0}"}), HasSubstr("needs floats"));
  EXPECT_THAT(RunText("layer_norm", {"f32[2,3] {0}"}, "axes=[2]"), HasSubstr("out of range"));
  EXPECT_THAT(RunText("group_norm", {"f32[2,3] {0}"}, "groups=2"),
              HasSubstr("divide the 3 channels"));
  EXPECT_THAT(RunText("instance_norm", {"f32[2] {0}"}), HasSubstr("[N, C, ...]"));
  EXPECT_THAT(RunText("batch_norm", {"f32[2,3] {0}", "f32[3] {0}", "f32[2] {0}"}),
              HasSubstr("variance is f32[2]"));
  EXPECT_THAT(RunText("normalize", {"f32[2,3] {0}"}, "p=0"), HasSubstr("must be above 0"));
}

}  // namespace
}  // namespace tensord::ops
