// Trains a small network on the daemon: one Program holds forward pass, gradients and update, and
// each step is one Execute that writes the new weights over the old.
//
//   TENSORD_ADDR=unix:///run/tensord/tensord.sock ./tensord_mlp
#include <cmath>
#include <cstdio>
#include <vector>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/session.h"

namespace {

using namespace tensord::client;

constexpr int kPoints = 64, kHidden = 16, kSteps = 1000;

// loss, w1, b1, w2 after one step of gradient descent.
std::vector<Tensor> Step(Graph&, const std::vector<Tensor>& in) {
  const Tensor &x = in[0], &y = in[1], &w1 = in[2], &b1 = in[3], &w2 = in[4];
  const Tensor hidden = ops::Tanh(ops::Matmul(x, w1) + b1);
  const Tensor loss = ops::MseLoss(ops::Matmul(hidden, w2), y);
  const std::vector<Tensor> gradients = Gradient(loss, {w1, b1, w2});
  std::vector<Tensor> out = {loss};
  for (int i = 0; i < 3; ++i) out.push_back(ops::Sgd(in[2 + i], gradients[i], 0.1));
  return out;
}

absl::StatusOr<float> Train(Session& session) {
  std::vector<float> xs(kPoints), ys(kPoints), w(kHidden), b(kHidden);
  for (int i = 0; i < kPoints; ++i) {
    xs[i] = -1.5f + 3.0f * static_cast<float>(i) / kPoints;
    ys[i] = std::sin(2 * xs[i]);
  }
  for (int i = 0; i < kHidden; ++i) {
    w[i] = std::sin(static_cast<float>(3 * i + 1));
    b[i] = std::cos(static_cast<float>(5 * i));
  }
  const Tensor x = session.Put<float>({kPoints, 1}, xs), y = session.Put<float>({kPoints, 1}, ys);
  std::vector<Tensor> weights = {session.Put<float>({1, kHidden}, w),
                                 session.Put<float>({kHidden}, b),
                                 session.Put<float>({kHidden, 1}, w)};

  std::vector<Type> types;
  for (const Tensor& input : {x, y, weights[0], weights[1], weights[2]}) {
    absl::StatusOr<Type> type = session.TypeOf(input);
    if (!type.ok()) return type.status();
    types.push_back(*std::move(type));
  }
  const absl::StatusOr<Program> step =
      MakeProgram(types, Step, {.label = "mlp step", .donate = {2, 3, 4}});
  if (!step.ok()) return step.status();

  float loss = 0;
  for (int i = 0; i < kSteps; ++i) {
    const std::vector<Tensor> out =
        session.Execute(*step, {x, y, weights[0], weights[1], weights[2]});
    weights.assign(out.begin() + 1, out.end());
    if (i % 200 != 0 && i + 1 != kSteps) continue;
    const absl::StatusOr<std::vector<float>> value = session.Fetch<float>(out[0]);
    if (!value.ok()) return value.status();
    loss = value->front();
    std::printf("step %3d  loss %.4f\n", i, loss);
  }
  return loss;
}

}  // namespace

int main() {
  const auto session = Session::Connect({.label = "mlp example"});
  if (!session.ok()) {
    std::fprintf(stderr, "mlp: %s\n", std::string(session.status().message()).c_str());
    return 1;
  }
  const absl::StatusOr<float> loss = Train(**session);
  if (!loss.ok()) {
    std::fprintf(stderr, "mlp: %s\n", std::string(loss.status().message()).c_str());
    return 1;
  }
  return *loss < 0.05f ? 0 : 1;
}
