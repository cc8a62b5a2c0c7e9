#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/strings.h"
#include "engine/ops/gradient.h"
#include "tests/engine/ops/ops_testing.h"

namespace tensord::ops {
namespace {

using types::DType;

std::string AttrsFor(const ir::OpRow& row) {
  return row.name == "threshold" ? "threshold=0.5, value=2" : "";
}

// The value and the gradient of one activation at `x`.
std::vector<HostTensor> ValueAndSlope(const ir::OpRow& row, const HostTensor& x) {
  OpCall call = *OpCall::Make(row.name, {x}, *ParseAttrs(row, AttrsFor(row)));
  Graph& graph = *call.function.graph;
  Ref y = call.function.results[0];
  const auto gradient =
      Gradient(graph, y, {call.function.parameters[0]}, ConstantLike(graph, y, 1));
  TENSORD_CHECK(gradient.ok(), gradient.status().ToString());
  call.function.results.push_back((*gradient)[0]);
  return *EvaluateFunction(call.function, call.arguments);
}

class ActivationTest : public testing::TestWithParam<const ir::OpRow*> {};

TEST_P(ActivationTest, NothingOverflowsIntoNaN) {
  const HostTensor x = Tensor("f32[10] {-1e30, -1e4, -89, -1, -1e-30, 0, 1e-30, 89, 1e4, 1e30}");
  for (const HostTensor& result : ValueAndSlope(*GetParam(), x)) {
    for (float v : result.as<float>()) EXPECT_TRUE(std::isfinite(v)) << result.ToString();
  }
}

TEST_P(ActivationTest, NaNStaysNaN) {
  const HostTensor value = ValueAndSlope(*GetParam(), Tensor("f32[1] {nan}"))[0];
  EXPECT_TRUE(std::isnan(value.as<float>()[0]));
}

TEST_P(ActivationTest, SlopesAgreeWithDifferences) {
  const double h = 1e-5;
  for (double x : {-3.7, -1.3, -0.31, 0.17, 0.77, 1.9, 4.4}) {
    const auto at = [&](double v) {
      return Tensor(StrCat("f64[1] {", absl::AlphaNum(v).Piece(), "}"));
    };
    const auto value = [&](double v) {
      HostTensor tensor(DType::kF64, {1});
      tensor.as<double>()[0] = v;
      return ValueAndSlope(*GetParam(), tensor)[0].as<double>()[0];
    };
    const double slope = ValueAndSlope(*GetParam(), at(x))[1].as<double>()[0];
    EXPECT_NEAR(slope, (value(x + h) - value(x - h)) / (2 * h), 1e-6) << x;
  }
}

TEST_P(ActivationTest, HalvesComputeInF32AndRoundOnce) {
  const auto wide = ValueAndSlope(*GetParam(), Tensor("f32[6] {-5, -1.5, -0.25, 0.375, 2, 7}"));
  const auto half = ValueAndSlope(*GetParam(), Tensor("f16[6] {-5, -1.5, -0.25, 0.375, 2, 7}"));
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_EQ(half[0].At(i).f, types::F16ToF32(types::F32ToF16(wide[0].as<float>()[i]))) << i;
  }
}

std::vector<const ir::OpRow*> Rows() {
  std::vector<const ir::OpRow*> rows;
  for (const ir::OpRow& row : ActivationRows()) rows.push_back(&row);
  return rows;
}

INSTANTIATE_TEST_SUITE_P(All, ActivationTest, testing::ValuesIn(Rows()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(ActivationErrorTest, GeluNamesItsForms) {
  EXPECT_THAT(RunText("gelu", {"f32[1] {1}"}, "approximate=\"cubic\""),
              testing::HasSubstr("must be none or tanh"));
}

}  // namespace
}  // namespace tensord::ops
