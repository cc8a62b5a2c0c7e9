#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/ops/rows.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;

TEST(LossTest, InputsBroadcast) {
  EXPECT_EQ(RunText("mse_loss", {"f32[2,2] {1, 2, 3, 4}", "f32[] {1}"}, "reduction=\"none\""),
            "f32[2,2] {0, 1, 4, 9}");
}

TEST(LossTest, HalvesReduceInF32) {
  // The squares add up beyond f16.
  EXPECT_EQ(RunText("mse_loss", {"f16[100] {200}", "f16[100] {0}"}), "f16[] {40000}");
}

TEST(LossTest, MeansOfNothingAreNaN) {
  EXPECT_THAT(RunText("mse_loss", {"f32[0] {}", "f32[0] {}"}), HasSubstr("nan"));
  EXPECT_THAT(RunText("cross_entropy", {"f32[1,2] {0}", "i32[1] {-100}"}), HasSubstr("nan"));
  EXPECT_EQ(RunText("cross_entropy", {"f32[1,2] {0}", "i32[1] {-100}"}, "reduction=\"sum\""),
            "f32[] {0}");
}

TEST(LossTest, ClassesThatDoNotExistDoNotCount) {
  EXPECT_EQ(RunText("nll_loss", {"f32[2,2] {-1, -2, -3, -4}", "i32[2] {1, 7}"}), "f32[] {2}");
  EXPECT_EQ(
      RunText("nll_loss", {"f32[2,2] {-1, -2, -3, -4}", "u8[2] {1, 255}"}, "reduction=\"none\""),
      "f32[2] {2, 0}");
}

TEST(LossTest, ImpossibleClassesOfOthersDoNotMatter) {
  EXPECT_EQ(RunText("cross_entropy", {"f32[1,2] {0, -inf}", "i32[1] {0}"}), "f32[] {0}");
}

TEST(LossTest, ErrorsSayWhatFits) {
  EXPECT_THAT(RunText("mse_loss", {"f32[2] {0}", "f32[3] {0}"}), HasSubstr("do not broadcast"));
  EXPECT_THAT(RunText("mse_loss", {"f32[2] {0}", "f32[2] {0}"}, "reduction=\"avg\""),
              HasSubstr("none, mean or sum"));
  EXPECT_THAT(RunText("mse_loss", {"f32[2] {0}", "f32[2] {0}"}, "reduction=\"batchmean\""),
              HasSubstr("none, mean"));
  EXPECT_THAT(RunText("kl_div", {"f32[] {0}", "f32[] {0}"}, "reduction=\"batchmean\""),
              HasSubstr("needs an axis"));
  EXPECT_THAT(RunText("nll_loss", {"f32[2,3] {0}", "f32[2,3] {0}"}),
              HasSubstr("must be integers [2]"));
  EXPECT_THAT(RunText("cross_entropy", {"f32[2,3] {0}", "i32[3] {0}"}),
              HasSubstr("must be integers [2] or probabilities [2,3]"));
  EXPECT_THAT(RunText("cross_entropy", {"f32[2,3] {0}", "i32[2] {0}"}, "label_smoothing=2"),
              HasSubstr("from 0 to 1"));
  EXPECT_THAT(RunText("cross_entropy", {"f32[2,3] {0}", "i32[2] {0}", "f32[2] {0}"}),
              HasSubstr("weight f32[2] must be floats [3]"));
  EXPECT_THAT(RunText("cross_entropy", {"f32[] {0}", "i32[] {0}"}),
              HasSubstr("[N, C, ...] or [C]"));
}

}  // namespace
}  // namespace tensord::ops
