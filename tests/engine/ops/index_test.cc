#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/strings.h"
#include "engine/ops/gradient.h"
#include "engine/ops/rows.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;

TEST(IndexTest, GatherOutsideReadsZero) {
  EXPECT_EQ(
      RunText("gather", {"f32[2] {1, 2}", "i64[4] {-1, 2, 9223372036854775807, 1}"}, "axis=0"),
      "f32[4] {0, 0, 0, 2}");
  EXPECT_EQ(RunText("gather", {"f32[2] {1, 2}", "u64[1] {18446744073709551615}"}, "axis=0"),
            "f32[1] {0}");
  EXPECT_EQ(RunText("gather", {"f32[0] {}", "i32[2] {0, 1}"}, "axis=0"), "f32[2] {0, 0}");
}

TEST(IndexTest, ScatterOutsideIsLeftOut) {
  EXPECT_EQ(
      RunText("scatter", {"i32[2] {1, 2}", "i32[3] {-1, 2, 1}", "i32[3] {7, 8, 9}"}, "axis=0"),
      "i32[2] {1, 9}");
}

TEST(IndexTest, ScatterSetKeepsTheLast) {
  EXPECT_EQ(RunText("scatter", {"i32[1] {0}", "i32[3] {0, 0, 0}", "i32[3] {7, 9, 8}"}, "axis=0"),
            "i32[1] {8}");
  EXPECT_EQ(RunText("scatter", {"i32[1] {0}", "i32[3] {0, 0, 0}", "i32[3] {7, 9, 8}"},
                    "axis=0, mode=\"max\""),
            "i32[1] {9}");
}

TEST(IndexTest, TakeWrapsNegativePositionsOnce) {
  EXPECT_EQ(RunText("take", {"f32[3] {1, 2, 3}", "i8[4] {-1, -3, -4, 3}"}), "f32[4] {3, 1, 0, 0}");
  // More rows than the index dtype can count.
  EXPECT_EQ(RunText("take", {"u8[300] {7}", "i8[1] {-100}"}), "u8[1] {7}");
}

TEST(IndexTest, OneHotOfNarrowIndicesSpansManyClasses) {
  const auto results = RunOp("one_hot", {Tensor("i8[1] {-1}")}, "classes=256, dtype=i64");
  ASSERT_TRUE(results.ok()) << results.status();
  for (int64_t v : (*results)[0].as<int64_t>()) EXPECT_EQ(v, 0);
}

TEST(IndexTest, IndexReadsZeroWhereAnyPositionIsOutside) {
  EXPECT_EQ(RunText("index", {"f32[2,2] {1, 2, 3, 4}", "i32[3] {0, 2, 0}", "i32[3] {1, 0, -3}"}),
            "f32[3] {2, 0, 0}");
}

TEST(IndexTest, IndexPutBroadcastsValues) {
  EXPECT_EQ(
      RunText("index_put", {"f32[2,2] {1, 2, 3, 4}", "f32[] {9}", "i32[2] {0, 1}", "i32[] {-1}"}),
      "f32[2,2] {1, 9, 3, 9}");
}

TEST(IndexTest, SliceUpdateDropsWhatFallsOutside) {
  const auto at = [](std::string_view start) {
    return RunText("slice_update", {"i32[3] {1, 2, 3}", "i32[2] {8, 9}", start});
  };
  EXPECT_EQ(at("i32[] {1}"), "i32[3] {1, 8, 9}");
  EXPECT_EQ(at("i32[] {2}"), "i32[3] {1, 2, 8}");
  EXPECT_EQ(at("i32[] {-1}"), "i32[3] {9, 2, 3}");
  EXPECT_EQ(at("i64[] {9223372036854775807}"), "i32[3] {1, 2, 3}");
}

TEST(IndexTest, ErrorsSayWhatFits) {
  EXPECT_THAT(RunText("gather", {"f32[2] {0}", "f32[2] {0}"}, "axis=0"),
              HasSubstr("cast it to an integer"));
  EXPECT_THAT(RunText("gather", {"f32[2,2] {0}", "i32[2,3] {0}"}, "axis=0"),
              HasSubstr("longer than f32[2,2] on axis 1"));
  EXPECT_THAT(RunText("gather", {"f32[2] {0}", "i32[2] {0}"}, "axis=1"), HasSubstr("out of range"));
  EXPECT_THAT(RunText("scatter", {"f32[2] {0}", "i32[1] {0}", "f64[1] {0}"}, "axis=0"),
              HasSubstr("cast one"));
  EXPECT_THAT(RunText("scatter", {"f32[2] {0}", "i32[1] {0}", "f32[2] {0}"}, "axis=0"),
              HasSubstr("must have the same dims"));
  EXPECT_THAT(
      RunText("scatter", {"f32[2] {0}", "i32[1] {0}", "f32[1] {0}"}, "axis=0, mode=\"mul\""),
      HasSubstr("must be set, add, max or min"));
  EXPECT_THAT(RunText("scatter", {"bool[2] {true}", "i32[1] {0}", "bool[1] {true}"},
                      "axis=0, mode=\"add\""),
              HasSubstr("no meaning for bool"));
  EXPECT_THAT(RunText("slice_update", {"f32[2] {0}", "f32[2] {0}"}, "start=[1]"),
              HasSubstr("not inside"));
  EXPECT_THAT(RunText("slice_update", {"f32[2] {0}", "f32[1] {0}", "f32[] {0}"}),
              HasSubstr("integer scalar"));
  EXPECT_THAT(RunText("index", {"f32[2] {0}", "i32[1] {0}", "i32[1] {0}"}), HasSubstr("too many"));
  EXPECT_THAT(RunText("one_hot", {"i32[2] {0}"}, "classes=-1"), HasSubstr(">= 0"));
  EXPECT_THAT(RunText("embedding", {"f32[2] {0}", "i32[1] {0}"}), HasSubstr("[rows, features]"));
}

// Gradients of sum(op(...) * weights) in the first and the last of the inputs.
std::vector<std::string> GradientTexts(std::string_view op, std::vector<std::string_view> literals,
                                       std::string_view attrs, std::string_view weights) {
  std::vector<HostTensor> arguments;
  for (std::string_view literal : literals) arguments.push_back(Tensor(literal));
  OpCall call = *OpCall::Make(op, arguments, *ParseAttrs(Op(op), attrs));
  Graph& graph = *call.function.graph;
  const std::vector<Ref> parameters = call.function.parameters;
  Ref seed = AddParameter(call.function, call.function.results[0]->type());
  call.arguments.push_back(Tensor(weights));
  const auto gradients =
      Gradient(graph, call.function.results[0], {parameters.front(), parameters.back()}, seed);
  TENSORD_CHECK(gradients.ok(), gradients.status().ToString());
  call.function.results = *gradients;
  const auto results = *EvaluateFunction(call.function, call.arguments);
  return {results[0].ToString(), results[1].ToString()};
}

TEST(IndexTest, OnlyTheUpdateThatStaysGetsAGradient) {
  EXPECT_THAT(GradientTexts("scatter", {"f32[3] {0}", "i32[4] {1, 1, 5, 0}", "f32[4] {1, 2, 3, 4}"},
                            "axis=0", "f32[3] {10, 20, 30}"),
              testing::ElementsAre("f32[3] {0, 0, 30}", "f32[4] {0, 20, 0, 10}"));
}

TEST(IndexTest, ExtremaShareTheirGradient) {
  EXPECT_THAT(GradientTexts("scatter", {"f32[2] {5, 1}", "i32[3] {0, 0, 0}", "f32[3] {5, 5, 2}"},
                            "axis=0, mode=\"max\"", "f32[2] {12, 7}"),
              testing::ElementsAre("f32[2] {4, 7}", "f32[3] {4, 4, 0}"));
}

TEST(IndexTest, SliceUpdateSplitsItsGradient) {
  EXPECT_THAT(GradientTexts("slice_update", {"f32[4] {0}", "f32[2] {0}"}, "start=[1]",
                            "f32[4] {1, 2, 3, 4}"),
              testing::ElementsAre("f32[4] {1, 0, 0, 4}", "f32[2] {2, 3}"));
}

}  // namespace
}  // namespace tensord::ops
