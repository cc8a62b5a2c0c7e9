// Every row's examples, compiled and run on every device, against the values written in the row.
#include "engine/runtime/engine.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/ops/ops_testing.h"
#include "tests/ops/devices.h"

namespace tensord::ops {
namespace {

// Float results of one device may differ from float64 by rounding in every step.
double ToleranceOf(const ir::Example& example, types::DType dtype) {
  const double rounding = types::IsHalf(dtype) ? 2e-2 : dtype == types::DType::kF32 ? 2e-5 : 1e-9;
  return std::max(example.tolerance, rounding);
}

class ExamplesOnDevices : public testing::TestWithParam<std::tuple<std::string, const ir::OpRow*>> {
};

TEST_P(ExamplesOnDevices, AreTrue) {
  const auto& [device, row] = GetParam();
  for (const ir::Example& example : row->examples) {
    std::vector<HostTensor> inputs;
    for (std::string_view literal : example.inputs) inputs.push_back(Tensor(literal));
    const auto attrs = ParseAttrs(*row, example.attrs);
    ASSERT_TRUE(attrs.ok()) << attrs.status();
    auto call = OpCall::Make(row->name, std::move(inputs), *attrs);
    ASSERT_TRUE(call.ok()) << call.status();
    const auto results =
        testing_support::EngineOf(device).Evaluate(call->function, call->arguments);
    ASSERT_TRUE(results.ok()) << results.status() << "\n" << call->function.Print();
    for (size_t i = 0; i < results->size(); ++i) {
      const HostTensor expected = Tensor(example.results[i]);
      EXPECT_EQ(Difference((*results)[i], expected, ToleranceOf(example, expected.dtype())), "")
          << "result " << i << ": " << (*results)[i].ToString() << "\n"
          << call->function.Print();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, ExamplesOnDevices,
                         testing::Combine(testing::ValuesIn(testing_support::ComputingDevices()),
                                          testing::ValuesIn(AllOps())),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" +
                                  std::string(std::get<1>(info.param)->name);
                         });

}  // namespace
}  // namespace tensord::ops
