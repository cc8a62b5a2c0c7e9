#include "engine/ops/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/strings.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using testing::HasSubstr;
using types::Dims;
using types::DType;
using types::Sym;

TEST(EvaluatorTest, BindsVariables) {
  ir::Function f;
  const Sym n = Sym::Variable("n", 1, 8);
  f.variables = {{"n", 1, 8}};
  const Ref x = AddParameter(f, {DType::kF32, {}, {n}});
  f.results = {Build(*f.graph, "mean", {x}), DimValue(*f.graph, n * 2 + 1)};
  const auto results = EvaluateFunction(f, {Tensor("f32[3] {1, 2, 6}")}, {3});
  ASSERT_TRUE(results.ok()) << results.status();
  EXPECT_EQ((*results)[0].ToString(), "f32[] {3}");
  EXPECT_EQ((*results)[1].ToString(), "i64[] {7}");
}

TEST(EvaluatorTest, RefusesWrongArguments) {
  ir::Function f;
  f.results = {AddParameter(f, {DType::kF32, {}, {2}})};
  const auto said = [&](std::vector<HostTensor> arguments) {
    return std::string(FromAbsl(EvaluateFunction(f, arguments).status().message()));
  };
  EXPECT_THAT(said({}), HasSubstr("0 arguments for 1 parameters"));
  EXPECT_THAT(said({Tensor("f32[3] {0}")}), HasSubstr("argument 0 is f32[3]"));
  EXPECT_THAT(said({Tensor("i32[2] {0}")}), HasSubstr("the parameter is f32[2]"));
}

TEST(EvaluatorTest, RefusesOversizedValues) {
  ir::Function f;
  f.results = {
      Build(*f.graph, "sum", {Build(*f.graph, "ones", {}, {{"dims", Dims{int64_t{1} << 40}}})})};
  EXPECT_EQ(EvaluateFunction(f, {}).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(EvaluatorTest, SumsInDouble) {
  // 2^24 + 1 + 1 is lost in f32 if it rounds after each addition.
  EXPECT_EQ(RunText("sum", {"f32[3] {16777216, 1, 1}"}), "f32[] {16777218}");
  EXPECT_EQ(RunText("sum", {"f16[3] {2048, 1, 1}"}), "f16[] {2050}");
}

TEST(EvaluatorTest, IntegersAreExactAndTotal) {
  EXPECT_EQ(RunText("floordiv", {"i32[3] {-2147483648, 1, 0}", "i32[3] {-1, 0, 0}"}),
            "i32[3] {-2147483648, 0, 0}");
  EXPECT_EQ(RunText("mul", {"i64[] {9007199254740993}", "i64[] {3}"}), "i64[] {27021597764222979}");
  EXPECT_EQ(RunText("shl", {"i32[3] {1, 1, 1}", "i32[3] {-1, 31, 32}"}),
            "i32[3] {0, -2147483648, 0}");
  EXPECT_EQ(RunText("cast", {"f32[3] {nan, inf, -3e9}"}, "dtype=i32"),
            "i32[3] {0, 2147483647, -2147483648}");
}

TEST(EvaluatorTest, ReducesNothing) {
  EXPECT_EQ(RunText("max", {"f32[0] {}"}), "f32[] {-inf}");
  EXPECT_EQ(RunText("min", {"u8[0] {}"}), "u8[] {255}");
  EXPECT_EQ(RunText("sum", {"f32[2,0] {}"}, "axes=[1]"), "f32[2] {0, 0}");
  EXPECT_EQ(RunText("prod", {"i32[0] {}"}), "i32[] {1}");
  EXPECT_EQ(RunText("all", {"bool[0] {}"}), "bool[] {true}");
}

TEST(EvaluatorTest, DeepGraphsDoNotRecurse) {
  ir::Function f;
  const Ref x = AddParameter(f, {DType::kF64, {}, {}});
  Ref y = x;
  for (int i = 0; i < 100'000; ++i) y = Add(*f.graph, y, x);
  f.results = {y};
  const auto results = EvaluateFunction(f, {Tensor("f64[] {0.5}")});
  ASSERT_TRUE(results.ok());
  EXPECT_EQ((*results)[0].ToString(), "f64[] {50000.5}");
}

}  // namespace
}  // namespace tensord::ops
