// The engine end to end: functions built through the op rows, compiled and run on every device,
// against the plain evaluator.
#include "engine/runtime/engine.h"

#include <cmath>
#include <random>

#include "engine/kernel/linear.h"
#include "engine/ops/build.h"
#include "engine/ops/evaluator.h"
#include "engine/ops/gradient.h"
#include "engine/ops/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/runtime/types_of.h"
#include "tests/ops/devices.h"

namespace tensord::runtime {
namespace {

using ir::Function;
using ir::Ref;
using types::DType;
using types::HostTensor;
using types::Type;

HostTensor Random(const Type& type, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<int64_t> shape;
  for (const auto& dim : type.dims) shape.push_back(dim.constant());
  HostTensor tensor(type.dtype, shape);
  for (int64_t i = 0; i < tensor.elements(); ++i) {
    tensor.Set(i, types::Scalar::Float(DType::kF64, normal(random)));
  }
  return tensor;
}

class EngineTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto engine = Engine::Create({.devices = {GetParam()}, .threads = 2});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
  }

  // Runs `function` here and on the evaluator; the results agree within `tolerance` of the scale.
  void ExpectSame(const Function& function, double tolerance = 1e-5) {
    std::vector<HostTensor> arguments;
    for (size_t i = 0; i < function.parameters.size(); ++i) {
      arguments.push_back(Random(function.parameters[i]->type(), i + 1));
    }
    auto want = ops::EvaluateFunction(function, arguments);
    ASSERT_TRUE(want.ok()) << want.status();
    auto got = engine_->Evaluate(function, arguments);
    ASSERT_TRUE(got.ok()) << got.status() << "\n" << function.Print();
    for (size_t r = 0; r < want->size(); ++r) {
      ASSERT_EQ((*got)[r].shape(), (*want)[r].shape());
      double scale = 1e-6;
      for (int64_t i = 0; i < (*want)[r].elements(); ++i) {
        scale = std::max(scale, std::fabs((*want)[r].At(i).AsDouble()));
      }
      for (int64_t i = 0; i < (*want)[r].elements(); ++i) {
        ASSERT_NEAR((*got)[r].At(i).AsDouble(), (*want)[r].At(i).AsDouble(), tolerance * scale)
            << "result " << r << " element " << i << "\n"
            << function.Print();
      }
    }
  }

  std::unique_ptr<Engine> engine_;
};

TEST_P(EngineTest, RunsAnElementwiseChain) {
  Function f;
  Ref a = ops::AddParameter(f, F32({37, 53})), b = ops::AddParameter(f, F32({53}));
  f.results = {ops::Mul(*f.graph, ops::Add(*f.graph, a, b), a)};
  ExpectSame(f);
}

TEST_P(EngineTest, RunsReductionsOverEveryAxis) {
  for (std::vector<int64_t> axes :
       {std::vector<int64_t>{0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}, {0, 1, 2}}) {
    Function f;
    Ref a = ops::AddParameter(f, F32({7, 33, 19}));
    f.results = {ops::Reduce(*f.graph, a, "sum", axes), ops::Reduce(*f.graph, a, "max", axes)};
    ExpectSame(f);
  }
}

TEST_P(EngineTest, RunsMatmulOfOddSizes) {
  for (auto [m, k, n] :
       {std::tuple{1, 1, 1}, {3, 5, 7}, {33, 65, 17}, {64, 128, 96}, {1, 77, 31}, {40, 9, 1}}) {
    Function f;
    Ref a = ops::AddParameter(f, F32({m, k})), b = ops::AddParameter(f, F32({k, n}));
    f.results = {ops::Build(*f.graph, "matmul", {a, b})};
    ExpectSame(f);
  }
}

TEST_P(EngineTest, RunsSoftmaxInOneKernel) {
  Function f;
  Ref a = ops::AddParameter(f, F32({20, 45}));
  f.results = {ops::Build(*f.graph, "softmax", {a}, {{"axis", int64_t{1}}})};
  ExpectSame(f);
  EXPECT_EQ(engine_->counters().launches, 1u);
}

TEST_P(EngineTest, FoldsAnOuterAxisOnceForWhatReadsIt) {
  Function f;
  Ref x = ops::AddParameter(f, F32({512, 64}));
  f.results = {ops::Build(*f.graph, "softmax", {x}, {{"axis", int64_t{0}}})};
  ExpectSame(f);
  const auto executable = engine_->Prepare(f);
  ASSERT_TRUE(executable.ok()) << executable.status();
  double flops = 0;
  for (const PlanKernel& kernel : PlanOf(**executable).kernels) {
    const auto linear = kernel::ParseLinear(kernel.text);
    ASSERT_TRUE(linear.ok()) << linear.status();
    flops += kernel::EstimateWork(*linear, {}).flops;
  }
  EXPECT_LT(flops, 200.0 * 512 * 64);
}

TEST_P(EngineTest, RunsAConvolutionAndItsGradients) {
  for (int64_t stride : {1, 2}) {
    Function f;
    Ref x = ops::AddParameter(f, F32({2, 3, 9, 9})), w = ops::AddParameter(f, F32({4, 3, 3, 3}));
    Ref y = ops::Build(*f.graph, "conv", {x, w},
                       {{"stride", ir::Ints{stride, stride}}, {"padding", ir::Ints{1, 1}}});
    Ref loss = ops::Reduce(*f.graph, ops::Mul(*f.graph, y, y), "sum", {0, 1, 2, 3});
    auto gradients = ops::Gradient(*f.graph, loss, {x, w});
    ASSERT_TRUE(gradients.ok()) << gradients.status();
    f.results = {y, (*gradients)[0], (*gradients)[1]};
    ExpectSame(f);
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, EngineTest,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace tensord::runtime
