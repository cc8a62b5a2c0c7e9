// Roles that do what clients should.
#include "tests/soak/roles.h"

#include <cmath>
#include <map>
#include <memory>
#include <vector>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/session.h"
#include "tests/soak/submit_session.h"

namespace tensord::soak {
namespace {

namespace tc = tensord::client;
namespace ops = tensord::client::ops;

std::unique_ptr<tc::Session> Connect(const Work& work, const char* label) {
  return Get(tc::Session::Connect({.address = work.address, .label = label}));
}

constexpr int kPoints = 64, kHidden = 16, kSteps = 400;

std::vector<tc::Tensor> Step(tc::Graph&, const std::vector<tc::Tensor>& in) {
  const tc::Tensor hidden = ops::Tanh(ops::Matmul(in[0], in[2]));
  const tc::Tensor loss = ops::MseLoss(ops::Matmul(hidden, in[3]), in[1]);
  const std::vector<tc::Tensor> gradients = tc::Gradient(loss, {in[2], in[3]});
  return {loss, ops::Sgd(in[2], gradients[0], 0.05), ops::Sgd(in[3], gradients[1], 0.05)};
}

std::vector<float> Waves(int count, double pace) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    values[static_cast<size_t>(i)] = static_cast<float>(std::sin(pace * i));
  }
  return values;
}

// A training of some steps: its loss goes down.
void TrainOnce(tc::Session& session, const tc::Program& step, const Work& work) {
  const tc::Tensor x = session.Put<float>({kPoints, 1}, Waves(kPoints, 0.05)),
                   y = session.Put<float>({kPoints, 1}, Waves(kPoints, 0.1));
  tc::Tensor first = session.Put<float>({1, kHidden}, Waves(kHidden, 3)),
             second = session.Put<float>({kHidden, 1}, Waves(kHidden, 5));
  float begin = 0, end = 0;
  for (int i = 0; i < kSteps && work.GoOn(); ++i) {
    const std::vector<tc::Tensor> out = session.Execute(step, {x, y, first, second});
    first = out[1], second = out[2];
    end = Get(session.Fetch<float>(out[0]))[0];
    if (i == 0) begin = end;
  }
  if (!(end <= begin)) Die("training made the loss larger");
}

// A graph that the number determines: 16 x 16 all along, tamed after each matmul.
tc::Tensor RandomGraph(tc::Session& session, uint32_t number) {
  std::mt19937 random(number);
  const auto below = [&](size_t n) { return random() % n; };
  std::vector<tc::Tensor> values = {session.Put<float>({16, 16}, Waves(256, 0.1 + number)),
                                    session.Put<float>({16, 16}, Waves(256, 0.7 + number))};
  for (int i = 0; i < 24; ++i) {
    const tc::Tensor a = values[below(values.size())], b = values[below(values.size())];
    switch (below(8)) {
      case 0:
        values.push_back(ops::Tanh(a + b));
        break;
      case 1:
        values.push_back(a * b);
        break;
      case 2:
        values.push_back(ops::Maximum(a, b));
        break;
      case 3:
        values.push_back(ops::Permute(a, {1, 0}));
        break;
      case 4:
        values.push_back(ops::Tanh(ops::Matmul(a, b)));
        break;
      case 5:
        values.push_back(ops::Softmax(a) - b);
        break;
      case 6:
        values.push_back(ops::Abs(a));
        break;
      default:
        values.push_back(ops::Tanh(a) * 0.5);
        break;
    }
  }
  return ops::Sum(values.back() + values[values.size() - 2]);
}

}  // namespace

uint64_t Train(const Work& work) {
  uint64_t rounds = 0;
  const auto f32 = [](tc::Dims dims) { return tc::Type{tc::DType::kF32, std::move(dims)}; };
  const tc::Program step = Get(
      tc::MakeProgram({f32({kPoints, 1}), f32({kPoints, 1}), f32({1, kHidden}), f32({kHidden, 1})},
                      Step, {.label = "soak step", .donate = {2, 3}}));
  while (work.GoOn()) {
    const auto session = Connect(work, "train");
    TrainOnce(*session, step, work);
    ++rounds;
  }
  return rounds;
}

uint64_t Graphs(const Work& work) {
  constexpr uint32_t kPool = 100;
  std::map<uint32_t, float> known;
  const auto session = Connect(work, "graphs");
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const uint32_t number = work.Below(kPool);
    const float sum = Get(session->Fetch<float>(RandomGraph(*session, number)))[0];
    const auto [it, fresh] = known.emplace(number, sum);
    if (!fresh && it->second != sum) Die("a graph has other bits than before");
  }
  return rounds;
}

uint64_t Transfers(const Work& work) {
  constexpr size_t kMost = size_t{8} << 20;
  std::string bytes(kMost, 'x');
  for (size_t i = 0; i < kMost; i += 97) bytes[i] = static_cast<char>(work.random());
  const auto session = Connect(work, "transfers");
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const size_t size = 1 + work.Below(kMost),
                 from = work.Below(static_cast<uint32_t>(kMost - size + 1));
    const std::string_view part = std::string_view(bytes).substr(from, size);
    const tc::Tensor there =
        session->PutBytes({tc::DType::kU8, {static_cast<int64_t>(size)}}, part);
    if (Get(session->FetchValue(there)).bytes != part) Die("other bytes came back");
    absl::SleepFor(absl::Milliseconds(20));
  }
  return rounds;
}

uint64_t Share(const Work& work) {
  uint64_t rounds = 0;
  while (work.GoOn()) {
    SubmitSession writer(work.address), reader(work.address);
    const std::string name = "soak/" + std::to_string(work.random());
    for (int i = 0; i < 50 && work.GoOn(); ++i, ++rounds) {
      const std::string bytes(4 * (1 + work.Below(4000)), static_cast<char>('a' + work.Below(26)));
      const uint64_t generation = writer.Publish(name, bytes);
      if (reader.Read(name, generation) != bytes) Die("another value was published");
    }
    writer.Unpublish(name);
  }
  return rounds;
}

uint64_t ComeAndGo(const Work& work) {
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const auto session = Connect(work, "guest");
    const tc::Tensor x = session->Put<float>({2}, {1, 2});
    if (work.Below(4) == 0) (void)session->Evaluate({ops::Exp(x)});  // and goes meanwhile
    if (Get(session->Fetch<float>(x + x)) != std::vector<float>{2, 4}) Die("1 + 1 is not 2");
    absl::SleepFor(absl::Milliseconds(work.Below(20)));
  }
  return rounds;
}

}  // namespace tensord::soak
