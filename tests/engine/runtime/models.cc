#include "models.h"

#include "engine/base/check.h"
#include "engine/ops/gradient.h"

namespace tensord::models {
namespace {

using ir::Ints;
using ops::Build;
using types::DType;

Ref MaxPool(Model& m, Ref x, int64_t kernel, int64_t stride, int64_t padding) {
  return Build(m.g(), "max_pool", {x},
               {{"kernel", Ints{kernel, kernel}},
                {"stride", Ints{stride, stride}},
                {"padding", Ints{padding, padding}}});
}

// ResNet-50 with one norm or the other.
class ResNet {
 public:
  ResNet(Model& m, bool training) : m_(m), training_(training) {}

  Ref Logits(Ref x) {
    x = m_.Relu(Norm(m_.Conv(x, 64, 7, 2, 3)));
    x = MaxPool(m_, x, 3, 2, 1);
    const int blocks[] = {3, 4, 6, 3};
    for (int stage = 0; stage < 4; ++stage) {
      for (int block = 0; block < blocks[stage]; ++block) {
        x = Bottleneck(x, int64_t{64} << stage, stage > 0 && block == 0 ? 2 : 1);
      }
    }
    return m_.Linear(Build(m_.g(), "mean", {x}, {{"axes", Ints{2, 3}}}), 1000);
  }

 private:
  Ref Norm(Ref x) { return training_ ? m_.Norm(x) : m_.InferenceNorm(x); }

  Ref Bottleneck(Ref x, int64_t width, int64_t stride) {
    Ref y = m_.Relu(Norm(m_.Conv(x, width, 1, 1, 0)));
    y = m_.Relu(Norm(m_.Conv(y, width, 3, stride, 1)));
    y = Norm(m_.Conv(y, 4 * width, 1, 1, 0));
    if (x->dims()[1] != y->dims()[1] || stride > 1) {
      x = Norm(m_.Conv(x, 4 * width, 1, stride, 0));
    }
    return m_.Relu(ops::Add(m_.g(), x, y));
  }

  Model& m_;
  const bool training_;
};

constexpr int64_t kBatch = 4, kTokens = 128, kWidth = 768, kHeads = 12;

Ref Heads(Model& m, Ref x) {
  return ops::Permute(m.g(), ops::Reshape(m.g(), x, {kBatch, kTokens, kHeads, kWidth / kHeads}),
                      {0, 2, 1, 3});
}

Ref Gpt2Block(Model& m, Ref x) {
  Ref h = m.LayerNorm(x);
  Ref a = Build(
      m.g(), "scaled_dot_product_attention",
      {Heads(m, m.Linear(h, kWidth)), Heads(m, m.Linear(h, kWidth)), Heads(m, m.Linear(h, kWidth))},
      {{"is_causal", true}});
  a = ops::Reshape(m.g(), ops::Permute(m.g(), a, {0, 2, 1, 3}), {kBatch, kTokens, kWidth});
  x = ops::Add(m.g(), x, m.Linear(a, kWidth));
  Ref mlp = Build(m.g(), "gelu", {m.Linear(m.LayerNorm(x), 4 * kWidth)},
                  {{"approximate", std::string("tanh")}});
  return ops::Add(m.g(), x, m.Linear(mlp, kWidth));
}

}  // namespace

Ref Model::Input(std::vector<int64_t> dims, DType dtype) {
  types::Type type;
  type.dtype = dtype;
  type.dims.assign(dims.begin(), dims.end());
  return ops::AddParameter(f, type);
}

Ref Model::Weight(std::vector<int64_t> dims) {
  weights.push_back(Input(std::move(dims)));
  return weights.back();
}

Ref Model::Conv(Ref x, int64_t out, int64_t k, int64_t stride, int64_t padding) {
  Ref w = Weight({out, x->dims()[1].constant(), k, k});
  return Build(g(), "conv", {x, w},
               {{"stride", Ints{stride, stride}}, {"padding", Ints{padding, padding}}});
}

Ref Model::Norm(Ref x) {
  const int64_t c = x->dims()[1].constant();
  return ops::Get(g(), Build(g(), "batch_norm_training", {x, Weight({c}), Weight({c})}), 0);
}

Ref Model::InferenceNorm(Ref x) {
  const int64_t c = x->dims()[1].constant();
  return Build(g(), "batch_norm", {x, Weight({c}), Weight({c}), Weight({c}), Weight({c})});
}

Ref Model::LayerNorm(Ref x) {
  const int64_t c = x->dims().back().constant();
  return Build(g(), "layer_norm", {x, Weight({c}), Weight({c})});
}

Ref Model::Relu(Ref x) { return Build(g(), "relu", {x}); }

Ref Model::Linear(Ref x, int64_t out) {
  const int64_t in = x->dims().back().constant();
  return Build(g(), "linear", {x, Weight({out, in}), Weight({out})});
}

Ref Model::Flatten(Ref x) {
  int64_t rest = 1;
  for (size_t i = 1; i < x->dims().size(); ++i) rest *= x->dims()[i].constant();
  return ops::Reshape(g(), x, {x->dims()[0], rest});
}

void Model::Train(Ref loss) {
  auto gradients = ops::Gradient(g(), loss, weights);
  TENSORD_CHECK(gradients.ok(), gradients.status().ToString());
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

Model MnistStep() {
  Model m;
  Ref x = m.Input({128, 1, 28, 28}), target = m.Input({128}, DType::kI32);
  x = m.Relu(m.Conv(x, 32, 5, 1, 0));
  x = m.Norm(m.Relu(m.Conv(x, 32, 5, 1, 0)));
  x = MaxPool(m, x, 2, 2, 0);
  x = m.Relu(m.Conv(x, 64, 3, 1, 0));
  x = m.Norm(m.Relu(m.Conv(x, 64, 3, 1, 0)));
  x = MaxPool(m, x, 2, 2, 0);
  x = m.Linear(m.Flatten(x), 10);
  m.Train(Build(m.g(), "cross_entropy", {x, target}));
  return m;
}

Model ResNet50() {
  Model m;
  m.f.results = {ResNet(m, false).Logits(m.Input({1, 3, 224, 224}))};
  return m;
}

Model ResNet50Step() {
  Model m;
  Ref x = m.Input({8, 3, 224, 224}), target = m.Input({8}, DType::kI32);
  m.Train(Build(m.g(), "cross_entropy", {ResNet(m, true).Logits(x), target}));
  return m;
}

Model Gpt2Step(int blocks) {
  Model m;
  Ref x = m.Input({kBatch, kTokens, kWidth});
  for (int i = 0; i < blocks; ++i) x = Gpt2Block(m, x);
  m.Train(Build(m.g(), "mean", {ops::Mul(m.g(), x, x)}));
  return m;
}

}  // namespace tensord::models
