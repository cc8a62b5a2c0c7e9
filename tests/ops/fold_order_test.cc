// The order of folds: a function of the graph, with errors that do not grow with the length.
#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/ops/ops_testing.h"
#include "tests/ops/devices.h"

namespace tensord {
namespace {

using ops::OpCall;
using testing_support::EngineOf;
using types::DType;
using types::HostTensor;

constexpr int64_t kRows = 3, kLength = 30011, kColumns = 5;

HostTensor Positive(std::vector<int64_t> dims, uint64_t seed) {
  HostTensor tensor(DType::kF32, std::move(dims));
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(0.5, 1.5);
  for (float& value : tensor.as<float>()) value = uniform(random);
  return tensor;
}

// Sum of products, rounded to T after each.
template <typename T>
double Chain(const HostTensor& a, const HostTensor& b, int64_t row, int64_t column) {
  T sum = 0;
  for (int64_t k = 0; k < kLength; ++k) {
    sum = std::fma(static_cast<T>(a.as<float>()[row * kLength + k]),
                   static_cast<T>(b.as<float>()[k * kColumns + column]), sum);
  }
  return static_cast<double>(sum);
}

class FoldOrder : public testing::TestWithParam<std::string> {};

TEST_P(FoldOrder, ClosesPartialSumsOfLongContractions) {
  const HostTensor a = Positive({kRows, kLength}, 1), b = Positive({kLength, kColumns}, 2);
  const OpCall call = *OpCall::Make("matmul", {a, b}, {});
  const auto result = EngineOf(GetParam()).Evaluate(call.function, call.arguments);
  ASSERT_TRUE(result.ok()) << result.status();
  double error = 0, error_of_chain = 0;
  for (int64_t i = 0; i < kRows * kColumns; ++i) {
    const double exact = Chain<double>(a, b, i / kColumns, i % kColumns);
    error = std::max(error, std::abs((*result)[0].as<float>()[i] - exact));
    error_of_chain =
        std::max(error_of_chain, std::abs(Chain<float>(a, b, i / kColumns, i % kColumns) - exact));
  }
  EXPECT_LT(error, error_of_chain / 4);
}

TEST_P(FoldOrder, SumsEveryElementWhateverTheRest) {
  for (int64_t length : {511, 512, 513, 1023, 1024, 1537}) {
    HostTensor ones(DType::kF32, {4, length}), twos(DType::kF32, {length, 3});
    for (float& value : ones.as<float>()) value = 1;
    for (float& value : twos.as<float>()) value = 2;
    const OpCall call = *OpCall::Make("matmul", {ones, twos}, {});
    const auto result = EngineOf(GetParam()).Evaluate(call.function, call.arguments);
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_THAT((*result)[0].as<float>(), testing::Each(2.0f * static_cast<float>(length)));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, FoldOrder, testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord
