// Whole models as graphs: what planning is tested and timed on.
#pragma once

#include <vector>

#include "engine/ops/build.h"

namespace tensord::models {

using ir::Ref;

// A graph being built, with the weights that training would update.
class Model {
 public:
  Ref Input(std::vector<int64_t> dims, types::DType dtype = types::DType::kF32);
  Ref Weight(std::vector<int64_t> dims);
  Ref Conv(Ref x, int64_t out, int64_t k, int64_t stride, int64_t padding);
  Ref Norm(Ref x);           // batch norm over the batch
  Ref InferenceNorm(Ref x);  // with stored statistics
  Ref LayerNorm(Ref x);
  Ref Relu(Ref x);
  Ref Linear(Ref x, int64_t out);
  Ref Flatten(Ref x);
  // Results become the loss and an Adam update of every weight.
  void Train(Ref loss);

  ir::Graph& g() { return *f.graph; }

  ir::Function f;
  std::vector<Ref> weights;
};

// A convolutional net as digit classifiers are: batch 128, cross entropy, Adam.
Model MnistStep();
// ResNet-50 at batch 1, inference.
Model ResNet50();
// One training step of ResNet-50 with batch statistics: batch 8, cross entropy, Adam.
Model ResNet50Step();
// One training step of `blocks` transformer blocks of GPT-2 small: 4 sequences of 128 tokens, Adam.
Model Gpt2Step(int blocks);

}  // namespace tensord::models
