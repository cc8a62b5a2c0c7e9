// Folds merged with the maximum they depend on: one pass for softmax, logsumexp and attention.
#include <cmath>
#include <functional>
#include <random>

#include "engine/kernel/lower.h"
#include "engine/ops/evaluator.h"
#include "engine/passes/pipeline.h"
#include "engine/schedule/schedule.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/engine/ops/ops_testing.h"
#include "tests/ops/devices.h"

namespace tensord {
namespace {

using ops::NamedAttr;
using ops::OpCall;
using testing::IsEmpty;
using testing_support::EngineOf;
using types::DType;
using types::HostTensor;

HostTensor Random(std::vector<int64_t> dims, uint64_t seed, double scale = 3) {
  HostTensor tensor(DType::kF32, std::move(dims));
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, scale);
  for (float& value : tensor.as<float>()) value = static_cast<float>(normal(random));
  return tensor;
}

types::Type TypeOf(const HostTensor& tensor) {
  types::Type type;
  type.dtype = tensor.dtype();
  type.dims.assign(tensor.shape().begin(), tensor.shape().end());
  return type;
}

HostTensor With(HostTensor tensor, std::vector<std::pair<int64_t, double>> values) {
  for (auto [at, value] : values) tensor.as<float>()[at] = static_cast<float>(value);
  return tensor;
}

// How a function is cut: kernels, folds that run beside their maximum, stored values that are
// neither parameters nor results.
struct Cut {
  int kernels = 0, online = 0;
  int64_t stored_elements = 0;
};
Cut CutOf(const ir::Function& function) {
  const ir::Function core = *passes::RunPipeline(function);
  const schedule::Schedule schedule = *schedule::MakeSchedule(core, {});
  Cut cut;
  for (const schedule::Step& step : schedule.steps) {
    ++cut.kernels;
    std::vector<ir::Ref> roots;
    for (const schedule::Output& output : step.kernel.outputs) roots.push_back(output.value);
    for (ir::Ref node : ir::TopologicalOrder(roots)) cut.online += node->is("online_fold") ? 1 : 0;
  }
  for (const schedule::Value& value : schedule.values) {
    const bool inner = value.parameter < 0 && !value.result;
    cut.stored_elements += inner ? value.type.elements().max() : 0;
  }
  return cut;
}

struct Case {
  std::string name, op;
  std::vector<HostTensor> arguments;
  std::vector<NamedAttr> attrs;
  int kernels, online;
};

constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<Case> Cases() {
  const HostTensor long_rows = Random({16, 9000}, 1), odd_rows = Random({16, 8199}, 2);
  const NamedAttr causal = {"is_causal", true};
  return {
      {"softmax", "softmax", {long_rows}, {}, 1, 1},
      {"odd softmax", "softmax", {odd_rows}, {}, 1, 1},
      {"log_softmax", "log_softmax", {odd_rows}, {}, 1, 1},
      {"logsumexp", "logsumexp", {odd_rows}, {{"axes", ir::Ints{1}}}, 1, 1},
      {"softmax of short rows in two passes", "softmax", {Random({64, 100}, 3)}, {}, 1, 0},
      {"softmax along columns", "softmax", {Random({8193, 16}, 4)}, {{"axis", int64_t{0}}}, 1, 1},
      {"softmax of -inf, inf and NaN",
       "softmax",
       {With(Random({16, 8200}, 5), {{0, -kInf}, {8200, kInf}, {16400, NAN}, {32799, -kInf}})},
       {},
       1,
       1},
      {"logsumexp of infinities",
       "logsumexp",
       {With(Random({16, 8200}, 6), {{0, -kInf}, {8200, kInf}})},
       {{"axes", ir::Ints{1}}},
       1,
       1},
      {"attention",
       "scaled_dot_product_attention",
       {Random({2, 3, 40, 24}, 7, 1), Random({2, 3, 50, 24}, 8, 1), Random({2, 3, 50, 16}, 9, 1)},
       {},
       2,
       2},
      {"causal attention",
       "scaled_dot_product_attention",
       {Random({2, 48, 32}, 10, 1), Random({2, 48, 32}, 11, 1), Random({2, 48, 32}, 12, 1)},
       {causal},
       2,
       2},
  };
}

class OnlineFolds : public testing::TestWithParam<std::string> {};

TEST_P(OnlineFolds, AgreeWithTheEvaluator) {
  for (const Case& c : Cases()) {
    const OpCall call = *OpCall::Make(c.op, c.arguments, c.attrs);
    const auto want = ops::EvaluateFunction(call.function, call.arguments);
    const auto got = EngineOf(GetParam()).Evaluate(call.function, call.arguments);
    ASSERT_TRUE(got.ok()) << c.name << ": " << got.status();
    EXPECT_THAT(ops::Difference((*got)[0], (*want)[0], 2e-5), IsEmpty()) << c.name;
  }
}

TEST_P(OnlineFolds, GiveTheSameBitsOnAnyThreadsAndSchedule) {
  for (const Case& c : Cases()) {
    const OpCall call = *OpCall::Make(c.op, c.arguments, c.attrs);
    const auto one = EngineOf(GetParam(), 1).Evaluate(call.function, call.arguments);
    ASSERT_TRUE(one.ok()) << c.name << ": " << one.status();
    for (auto [threads, seed] :
         {std::pair{2, uint64_t{0}}, {4, uint64_t{0}}, {2, uint64_t{1}}, {1, uint64_t{2}}}) {
      const auto other =
          EngineOf(GetParam(), threads, seed).Evaluate(call.function, call.arguments);
      ASSERT_TRUE(other.ok()) << c.name << ": " << other.status();
      EXPECT_EQ((*other)[0].bytes(), (*one)[0].bytes()) << c.name << ", schedule " << seed;
    }
  }
}

// What reads an attention may be any op: none may end up with a fold inside a fold of its own.
struct Reader {
  std::string name;
  std::function<ir::Ref(ir::Graph&, ir::Ref attention, ir::Ref index)> read;
};
std::vector<Reader> Readers() {
  const NamedAttr axis = {"axis", int64_t{1}};
  return {
      {"scatter of and into it",
       [=](ir::Graph& g, ir::Ref x, ir::Ref index) {
         ir::Ref twice = ops::Build(g, "add", {x, x});
         return ops::Build(g, "scatter", {twice, index, twice},
                           {axis, {"mode", std::string("add")}});
       }},
      {"gather",
       [=](ir::Graph& g, ir::Ref x, ir::Ref index) {
         return ops::Build(g, "gather", {ops::Build(g, "exp", {x}), index}, {axis});
       }},
      {"sum", [=](ir::Graph& g, ir::Ref x, ir::Ref) { return ops::Reduce(g, x, "sum", {0, 2}); }},
      {"softmax", [=](ir::Graph& g, ir::Ref x, ir::Ref) { return ops::Build(g, "softmax", {x}); }},
      {"matmul", [=](ir::Graph& g, ir::Ref x, ir::Ref) { return ops::Build(g, "matmul", {x, x}); }},
      {"pad and flip",
       [=](ir::Graph& g, ir::Ref x, ir::Ref) {
         ir::Ref padded = ops::Pad(g, x, types::Dims{0, 1, 2}, types::Dims{1, 0, 3});
         return ops::Build(g, "flip", {padded}, {{"axes", ir::Ints{2}}});
       }},
      {"another attention",
       [=](ir::Graph& g, ir::Ref x, ir::Ref) {
         return ops::Build(g, "scaled_dot_product_attention", {x, x, x});
       }},
  };
}

TEST_P(OnlineFolds, MayBeReadByAnything) {
  const HostTensor q = Random({2, 24, 24}, 1, 1), k = Random({2, 24, 24}, 2, 1);
  HostTensor index(DType::kI64, {2, 24, 24});
  for (size_t i = 0; i < index.as<int64_t>().size(); ++i) {
    index.as<int64_t>()[i] = static_cast<int64_t>(i % 20);
  }
  for (const Reader& reader : Readers()) {
    OpCall call = *OpCall::Make("scaled_dot_product_attention", {q, k, k}, {});
    ir::Ref where = ops::AddParameter(call.function, TypeOf(index));
    call.arguments.push_back(index);
    call.function.results = {reader.read(*call.function.graph, call.function.results[0], where)};
    const auto want = ops::EvaluateFunction(call.function, call.arguments);
    ASSERT_TRUE(want.ok()) << reader.name << ": " << want.status();
    const auto got = EngineOf(GetParam()).Evaluate(call.function, call.arguments);
    ASSERT_TRUE(got.ok()) << reader.name << ": " << got.status();
    EXPECT_THAT(ops::Difference((*got)[0], (*want)[0], 5e-5), IsEmpty()) << reader.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, OnlineFolds,
                         testing::ValuesIn(testing_support::ComputingDevices()),
                         [](const auto& info) { return info.param; });

TEST(OnlineFoldSchedule, MergesFoldsThatDependOnAMaximum) {
  for (const Case& c : Cases()) {
    const Cut cut = CutOf(OpCall::Make(c.op, c.arguments, c.attrs)->function);
    EXPECT_EQ(cut.kernels, c.kernels) << c.name;
    EXPECT_EQ(cut.online, c.online) << c.name;
  }
}

TEST(OnlineFoldSchedule, StoresNoMatrixOfScores) {
  const HostTensor q = Random({4, 256, 16}, 1), k = Random({4, 300, 16}, 2);
  const Cut cut = CutOf(OpCall::Make("scaled_dot_product_attention", {q, k, k}, {})->function);
  EXPECT_LE(cut.stored_elements, q.elements());
}

TEST(OnlineFoldSchedule, ComputesScoresOnce) {
  const HostTensor q = Random({16, 64, 32}, 1), k = Random({16, 80, 32}, 2);
  const OpCall call = *OpCall::Make("scaled_dot_product_attention", {q, k, k}, {});
  const auto schedule = *schedule::MakeSchedule(*passes::RunPipeline(call.function), {});
  types::Capabilities machine;
  machine.vector_bytes = 64;
  machine.vector_registers = 32;
  machine.threads = 2;
  double flops = 0;
  for (const schedule::Step& step : schedule.steps) {
    flops += kernel::EstimateWork(*kernel::Lower(step.kernel, machine), {}).flops;
  }
  const double products = 2.0 * 16 * 64 * 80 * (32 + 32), exponentials = 1.125 * 16 * 64 * 80 * 24;
  EXPECT_LE(flops, 1.2 * (products + exponentials));
}

}  // namespace
}  // namespace tensord
