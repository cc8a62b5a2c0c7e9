// Where kernels are cut: whole models planned without running them. Counts of kernels, recomputed
// operations and peak bytes are asserted; planning time is printed.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>

#include "engine/device/device.h"
#include "engine/kernel/lower.h"
#include "engine/ops/build.h"
#include "engine/ops/gradient.h"
#include "engine/passes/pipeline.h"
#include "engine/runtime/make_plan.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace tensord::runtime {
namespace {

using ir::Function;
using ir::Ints;
using ir::Ref;
using ops::Build;
using types::DType;

class Model {
 public:
  Ref Input(std::vector<int64_t> dims, DType dtype = DType::kF32) {
    types::Type type;
    type.dtype = dtype;
    type.dims.assign(dims.begin(), dims.end());
    return ops::AddParameter(f, type);
  }
  Ref Weight(std::vector<int64_t> dims) {
    weights.push_back(Input(std::move(dims)));
    return weights.back();
  }
  ir::Graph& g() { return *f.graph; }
  Ref Conv(Ref x, int64_t out, int64_t k, int64_t stride, int64_t padding) {
    Ref w = Weight({out, x->dims()[1].constant(), k, k});
    return Build(g(), "conv", {x, w},
                 {{"stride", Ints{stride, stride}}, {"padding", Ints{padding, padding}}});
  }
  Ref Norm(Ref x) {
    const int64_t c = x->dims()[1].constant();
    Ref tuple = Build(g(), "batch_norm_training", {x, Weight({c}), Weight({c})});
    return ops::Get(g(), tuple, 0);
  }
  Ref InferenceNorm(Ref x) {
    const int64_t c = x->dims()[1].constant();
    return Build(g(), "batch_norm", {x, Weight({c}), Weight({c}), Weight({c}), Weight({c})});
  }
  Ref Relu(Ref x) { return Build(g(), "relu", {x}); }
  Ref Linear(Ref x, int64_t out) {
    const int64_t in = x->dims().back().constant();
    return Build(g(), "linear", {x, Weight({out, in}), Weight({out})});
  }
  Ref Flatten(Ref x) {
    int64_t rest = 1;
    for (size_t i = 1; i < x->dims().size(); ++i) rest *= x->dims()[i].constant();
    return ops::Reshape(g(), x, {x->dims()[0], rest});
  }
  // Gradients of the loss and an Adam update of every weight.
  void Train(Ref loss) {
    auto gradients = ops::Gradient(g(), loss, weights);
    ASSERT_TRUE(gradients.ok()) << gradients.status();
    Ref rate = Input({}), step = Input({});
    f.results = {loss};
    for (size_t i = 0; i < gradients->size(); ++i) {
      std::vector<int64_t> dims;
      for (const auto& dim : weights[i]->dims()) dims.push_back(dim.constant());
      Ref update =
          Build(g(), "adam", {weights[i], (*gradients)[i], Input(dims), Input(dims), rate, step});
      for (int r = 0; r < 3; ++r) f.results.push_back(ops::Get(g(), update, r));
    }
  }

  Function f;
  std::vector<Ref> weights;
};

struct Planned {
  size_t nodes = 0, kernels = 0;
  double recompute = 0, milliseconds = 0;
  int64_t peak_bytes = 0, arena_bytes = 0;
};

Planned PlanModel(const Model& model) {
  Planned planned;
  planned.nodes = ir::TopologicalOrder(model.f.results).size();
  const auto start = std::chrono::steady_clock::now();
  auto core = passes::RunPipeline(model.f);
  TENSORD_CHECK(core.ok(), core.status().ToString());
  auto schedule = schedule::MakeSchedule(*core, {});
  TENSORD_CHECK(schedule.ok(), schedule.status().ToString());
  planned.milliseconds =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  planned.recompute = schedule->recompute_ratio;
  std::vector<kernel::Linear> empty(schedule->steps.size());
  Plan plan = AssemblePlan(*core, *schedule, empty, {});
  PlanMemory(plan);
  planned.kernels = plan.steps.size();
  planned.peak_bytes = plan.peak_live_bytes;
  for (int64_t bytes : plan.arena_bytes) planned.arena_bytes += bytes;
  std::printf(
      "%zu nodes, %zu core nodes, %zu kernels, recompute %.3f, peak %.1f MB, arena %.1f MB, %.1f "
      "ms\n",
      planned.nodes, ir::TopologicalOrder(core->results).size(), planned.kernels, planned.recompute,
      planned.peak_bytes / 1e6, planned.arena_bytes / 1e6, planned.milliseconds);
  return planned;
}

Model MnistStep() {
  Model m;
  Ref x = m.Input({128, 1, 28, 28}), target = m.Input({128}, DType::kI32);
  x = m.Relu(m.Conv(x, 32, 5, 1, 0));
  x = m.Norm(m.Relu(m.Conv(x, 32, 5, 1, 0)));
  x = Build(m.g(), "max_pool", {x}, {{"kernel", Ints{2, 2}}});
  x = m.Relu(m.Conv(x, 64, 3, 1, 0));
  x = m.Norm(m.Relu(m.Conv(x, 64, 3, 1, 0)));
  x = Build(m.g(), "max_pool", {x}, {{"kernel", Ints{2, 2}}});
  x = m.Linear(m.Flatten(x), 10);
  m.Train(Build(m.g(), "cross_entropy", {x, target}));
  return m;
}

Ref Bottleneck(Model& m, Ref x, int64_t width, int64_t stride) {
  Ref y = m.Relu(m.InferenceNorm(m.Conv(x, width, 1, 1, 0)));
  y = m.Relu(m.InferenceNorm(m.Conv(y, width, 3, stride, 1)));
  y = m.InferenceNorm(m.Conv(y, 4 * width, 1, 1, 0));
  if (x->dims()[1] != y->dims()[1] || stride > 1)
    x = m.InferenceNorm(m.Conv(x, 4 * width, 1, stride, 0));
  return m.Relu(ops::Add(m.g(), x, y));
}

Model ResNet50() {
  Model m;
  Ref x = m.Relu(m.InferenceNorm(m.Conv(m.Input({1, 3, 224, 224}), 64, 7, 2, 3)));
  x = Build(m.g(), "max_pool", {x},
            {{"kernel", Ints{3, 3}}, {"stride", Ints{2, 2}}, {"padding", Ints{1, 1}}});
  const int blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    for (int block = 0; block < blocks[stage]; ++block) {
      x = Bottleneck(m, x, int64_t{64} << stage, stage > 0 && block == 0 ? 2 : 1);
    }
  }
  x = Build(m.g(), "mean", {x}, {{"axes", Ints{2, 3}}});
  m.f.results = {m.Linear(x, 1000)};
  return m;
}

Model Gpt2BlockStep() {
  Model m;
  constexpr int64_t kBatch = 4, kTokens = 128, kWidth = 768, kHeads = 12;
  Ref x = m.Input({kBatch, kTokens, kWidth});
  const auto norm = [&](Ref v) {
    return Build(m.g(), "layer_norm", {v, m.Weight({kWidth}), m.Weight({kWidth})});
  };
  const auto heads = [&](Ref v) {
    return ops::Permute(m.g(), ops::Reshape(m.g(), v, {kBatch, kTokens, kHeads, kWidth / kHeads}),
                        {0, 2, 1, 3});
  };
  Ref h = norm(x);
  Ref a =
      Build(m.g(), "scaled_dot_product_attention",
            {heads(m.Linear(h, kWidth)), heads(m.Linear(h, kWidth)), heads(m.Linear(h, kWidth))},
            {{"is_causal", true}});
  a = ops::Reshape(m.g(), ops::Permute(m.g(), a, {0, 2, 1, 3}), {kBatch, kTokens, kWidth});
  x = ops::Add(m.g(), x, m.Linear(a, kWidth));
  Ref mlp =
      Build(m.g(), "gelu", {m.Linear(norm(x), 4 * kWidth)}, {{"approximate", std::string("tanh")}});
  x = ops::Add(m.g(), x, m.Linear(mlp, kWidth));
  m.Train(Build(m.g(), "mean", {ops::Mul(m.g(), x, x)}));
  return m;
}

TEST(FusionBoundary, MnistTrainingStep) {
  const Planned planned = PlanModel(MnistStep());
  EXPECT_LE(planned.kernels, 56u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, ResNet50) {
  const Planned planned = PlanModel(ResNet50());
  EXPECT_LE(planned.kernels, 76u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

TEST(FusionBoundary, Gpt2BlockTrainingStep) {
  const Planned planned = PlanModel(Gpt2BlockStep());
  EXPECT_LE(planned.kernels, 52u);
  EXPECT_LE(planned.recompute, 1.1);
  EXPECT_LE(planned.arena_bytes, 1.1 * planned.peak_bytes);
}

}  // namespace
}  // namespace tensord::runtime
