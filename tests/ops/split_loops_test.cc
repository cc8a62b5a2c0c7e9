// What is computed in split loops, on every device: against the plain evaluator, and bit for bit
// over threads and random schedules.
#include "engine/ops/evaluator.h"
#include "engine/ops/gradient.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/ops/ops_testing.h"
#include "tests/ops/devices.h"

namespace tensord {
namespace {

using ir::Function;
using ir::Ints;
using ir::Ref;
using ops::Build;
using testing_support::EngineOf;
using types::DType;
using types::HostTensor;
using types::Scalar;

struct Case {
  std::string name;
  Function (*make)();
};

Ref Input(Function& f, std::vector<int64_t> dims) {
  types::Type type;
  type.dtype = DType::kF32;
  type.dims.assign(dims.begin(), dims.end());
  return ops::AddParameter(f, type);
}

std::vector<int64_t> DimsOf(Ref node) {
  std::vector<int64_t> dims;
  for (const types::Sym& dim : node->dims()) dims.push_back(dim.constant());
  return dims;
}

// The gradients of x and w under a random gradient of conv(x, w).
Function ConvGradients(std::vector<int64_t> x_dims, std::vector<int64_t> w_dims,
                       absl::Span<const ops::NamedAttr> attrs) {
  Function f;
  Ref x = Input(f, std::move(x_dims)), w = Input(f, std::move(w_dims));
  Ref y = Build(*f.graph, "conv", {x, w}, attrs);
  const Ref wrt[] = {x, w};
  f.results = *ops::Gradient(*f.graph, y, wrt, Input(f, DimsOf(y)));
  return f;
}

Function Transposed(std::vector<int64_t> x_dims, std::vector<int64_t> w_dims,
                    absl::Span<const ops::NamedAttr> attrs) {
  Function f;
  Ref x = Input(f, std::move(x_dims)), w = Input(f, std::move(w_dims));
  f.results = {Build(*f.graph, "conv_transpose", {x, w}, attrs)};
  return f;
}

// A pool of x [2, 3, d, d] and its gradient.
Function Pooled(const char* pool, int64_t extent, int64_t kernel, int64_t stride, int64_t padding) {
  Function f;
  Ref x = Input(f, {2, 3, extent, extent});
  Ref y = Build(*f.graph, pool, {x},
                {{"kernel", Ints{kernel, kernel}},
                 {"stride", Ints{stride, stride}},
                 {"padding", Ints{padding, padding}}});
  f.results = *ops::Gradient(*f.graph, y, {&x, 1}, Input(f, DimsOf(y)));
  f.results.push_back(y);
  return f;
}

const auto& kCases = *new std::vector<Case>{
    {"Conv2dStride2",
     [] {
       return ConvGradients({2, 5, 13, 14}, {7, 5, 3, 3},
                            {{"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}});
     }},
    {"Conv2dKernel2",
     [] { return ConvGradients({2, 4, 16, 16}, {6, 4, 2, 2}, {{"stride", Ints{2, 2}}}); }},
    {"Conv2dKernel1",
     [] { return ConvGradients({2, 4, 9, 10}, {6, 4, 1, 1}, {{"stride", Ints{2, 2}}}); }},
    {"Conv2dStride3",
     [] {
       return ConvGradients({1, 3, 17, 20}, {4, 3, 3, 3},
                            {{"stride", Ints{3, 3}}, {"padding", Ints{1, 1}}});
     }},
    {"Conv2dUnequal",
     [] {
       return ConvGradients({1, 3, 17, 20}, {4, 3, 5, 2},
                            {{"stride", Ints{2, 3}}, {"padding", Ints{2, 0, 1, 3}}});
     }},
    {"Conv2dDilated",
     [] {
       return ConvGradients(
           {1, 3, 18, 19}, {4, 3, 3, 3},
           {{"stride", Ints{2, 2}}, {"padding", Ints{2, 2}}, {"dilation", Ints{2, 3}}});
     }},
    {"Conv2dGrouped",
     [] {
       return ConvGradients({2, 8, 11, 11}, {8, 4, 3, 3},
                            {{"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}, {"groups", 2}});
     }},
    {"Conv2dDepthwise",
     [] {
       return ConvGradients({2, 6, 11, 12}, {6, 1, 3, 3},
                            {{"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}, {"groups", 6}});
     }},
    {"Conv1d",
     [] {
       return ConvGradients({2, 3, 50}, {5, 3, 4}, {{"stride", Ints{2}}, {"padding", Ints{3}}});
     }},
    {"Conv1dStride5", [] { return ConvGradients({2, 3, 50}, {5, 3, 7}, {{"stride", Ints{5}}}); }},
    {"Conv3d",
     [] {
       return ConvGradients({1, 2, 7, 8, 9}, {3, 2, 3, 3, 3},
                            {{"stride", Ints{2, 2, 2}}, {"padding", Ints{1, 1, 1}}});
     }},
    {"Transpose",
     [] {
       return Transposed(
           {2, 4, 7, 8}, {4, 3, 3, 3},
           {{"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}, {"output_padding", Ints{1, 1}}});
     }},
    {"TransposeCropped",
     [] {
       return Transposed({1, 4, 9, 9}, {4, 3, 2, 2},
                         {{"stride", Ints{3, 3}}, {"padding", Ints{1, 1}}});
     }},
    {"MaxPool", [] { return Pooled("max_pool", 65, 3, 2, 1); }},
    {"AvgPool", [] { return Pooled("avg_pool", 64, 3, 2, 1); }},
    {"AvgPoolDense", [] { return Pooled("avg_pool", 40, 5, 1, 2); }},
    {"MaxPoolApart", [] { return Pooled("max_pool", 33, 2, 3, 0); }},
    {"Pad",
     [] {
       Function f;
       Ref x = Build(*f.graph, "exp", {Input(f, {3, 30, 602})});
       f.results = {ops::Pad(*f.graph, x, types::Dims{0, 1, 1}, types::Dims{0, 1, 1})};
       return f;
     }},
    {"FlippedJoin",
     [] {
       Function f;
       Ref a = Input(f, {20, 400}), b = Input(f, {20, 500});
       Ref both = Build(*f.graph, "cat", {a, b}, {{"axis", 1}});
       f.results = {ops::Flip(*f.graph, both, {0, 1})};
       return f;
     }},
    {"StridedGradient",
     [] {
       Function f;
       Ref x = Input(f, {33, 34});
       Ref y = Build(*f.graph, "stride", {x}, {{"steps", Ints{2, 3}}});
       f.results = *ops::Gradient(*f.graph, y, {&x, 1}, Input(f, DimsOf(y)));
       return f;
     }},
    {"SumOfPads",
     [] {
       Function f;
       Ref x = Input(f, {5, 40});
       Ref padded = ops::Pad(*f.graph, x, types::Dims{2, 30}, types::Dims{1, 70});
       f.results = {ops::Reduce(*f.graph, padded, "sum", {1}),
                    ops::Reduce(*f.graph, padded, "sum", {0, 1}),
                    ops::Reduce(*f.graph, padded, "max", {1})};
       return f;
     }},
};

// Sixteen values around 0, without a pattern; sums of multiples of 1/2 are exact.
std::vector<HostTensor> Arguments(const Function& f, double unit) {
  std::vector<HostTensor> arguments;
  uint64_t state = 12345;
  for (Ref parameter : f.parameters) {
    HostTensor tensor(DType::kF32, DimsOf(parameter));
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      tensor.Set(i, Scalar::Float(DType::kF32, (static_cast<double>(state >> 60) - 8) * unit));
    }
    arguments.push_back(std::move(tensor));
  }
  return arguments;
}

class SplitLoops : public testing::TestWithParam<std::tuple<std::string, Case>> {};

TEST_P(SplitLoops, AgreeWithTheEvaluator) {
  const auto& [device, test] = GetParam();
  const Function f = test.make();
  const std::vector<HostTensor> arguments = Arguments(f, 0.5);
  const auto want = ops::EvaluateFunction(f, arguments);
  ASSERT_TRUE(want.ok()) << want.status();
  const auto got = EngineOf(device).Evaluate(f, arguments);
  ASSERT_TRUE(got.ok()) << got.status();
  for (size_t i = 0; i < want->size(); ++i)
    EXPECT_EQ(ops::Difference((*got)[i], (*want)[i], 1e-5), "") << "result " << i;
}

TEST_P(SplitLoops, GiveTheSameBitsOnAnyThreadsAndSchedule) {
  const auto& [device, test] = GetParam();
  const Function f = test.make();
  const std::vector<HostTensor> arguments = Arguments(f, 0.1);
  const auto one = EngineOf(device, 1).Evaluate(f, arguments);
  ASSERT_TRUE(one.ok()) << one.status();
  for (auto [threads, seed] : {std::pair{4, uint64_t{0}}, {2, 1}, {2, 2}}) {
    const auto other = EngineOf(device, threads, seed).Evaluate(f, arguments);
    ASSERT_TRUE(other.ok()) << other.status();
    for (size_t i = 0; i < one->size(); ++i) {
      EXPECT_THAT((*other)[i].bytes(), testing::ElementsAreArray((*one)[i].bytes()))
          << threads << " threads, schedule " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, SplitLoops,
                         testing::Combine(testing::ValuesIn(testing_support::ComputingDevices()),
                                          testing::ValuesIn(kCases)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace tensord
