// Roles that give up, fail, and lose their connections.
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "clients/cpp/tensord/ops.h"
#include "clients/cpp/tensord/session.h"
#include "tests/soak/roles.h"

namespace tensord::soak {
namespace {

namespace tc = tensord::client;
namespace ops = tensord::client::ops;

std::unique_ptr<tc::Session> Connect(const Work& work, const char* label) {
  return Get(tc::Session::Connect({.address = work.address, .label = label}));
}

// Some milliseconds of work.
tc::Tensor LongWay(tc::Tensor x) {
  for (int i = 0; i < 20; ++i) x = ops::Tanh(ops::Matmul(x, x));
  return x;
}

void ExpectError(const absl::StatusOr<tc::Value>& value) {
  if (value.ok()) Die("a fault is missing");
}

// Ends the connections of this process that lead to a Unix socket.
void CutConnections() {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::atoi(entry.path().filename().c_str());
    sockaddr_un peer = {};
    socklen_t size = sizeof(peer);
    const bool connected = getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
    if (connected && peer.sun_family == AF_UNIX && size > sizeof(sa_family_t) &&
        peer.sun_path[0] == '/') {
      shutdown(fd, SHUT_RDWR);
    }
  }
}

}  // namespace

uint64_t GiveUp(const Work& work) {
  const auto session = Connect(work, "give up");
  const tc::Tensor x = session->Put<float>({128, 128}, std::vector<float>(128 * 128, 0.01f));
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const tc::Tensor y = LongWay(x + static_cast<double>(work.Below(4)));
    if (work.Below(2) == 0) {
      (void)session->Evaluate({y});
      if (work.Below(2) == 0) absl::SleepFor(absl::Milliseconds(work.Below(4)));
      (void)session->Cancel({y});
      const absl::Status status = session->FetchValue(y).status();
      if (!status.ok() && !absl::IsCancelled(status)) Die(status.ToString());
    } else {
      const absl::Status status =
          session->FetchValue(y, {.timeout = absl::Milliseconds(1 + work.Below(8))}).status();
      if (!status.ok() && !absl::IsDeadlineExceeded(status)) Die(status.ToString());
    }
    absl::SleepFor(absl::Milliseconds(10));
  }
  return rounds;
}

uint64_t Fail(const Work& work) {
  const auto session = Connect(work, "fail");
  const tc::Tensor a = session->Put<float>({2, 3}, std::vector<float>(6, 1)),
                   b = session->Put<float>({2, 5}, std::vector<float>(10, 1));
  const tc::Program unsound = Get(tc::MakeProgram(
      {tc::Type{tc::DType::kF32, {2, 3}}}, [](tc::Graph&, const std::vector<tc::Tensor>& in) {
        return std::vector<tc::Tensor>{ops::Matmul(in[0], in[0])};
      }));
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const tc::Tensor poison = a + b;
    ExpectError(session->FetchValue(ops::Exp(poison)));
    ExpectError(session->FetchValue(ops::Matmul(a, b)));
    ExpectError(session->FetchValue(session->graph().Add({.op = "no_such_op", .inputs = {a}})[0]));
    ExpectError(session->FetchValue(session->Execute(unsound, {a})[0]));
    ExpectError(session->FetchValue(session->Execute(unsound, {poison})[0]));
    if (Get(session->Fetch<float>(ops::Sum(a)))[0] != 6) Die("a sound value is wrong");
  }
  return rounds;
}

uint64_t LoseStreams(const Work& work) {
  const auto session = Connect(work, "lose streams");
  std::atomic<bool> done = false;
  std::thread cutter([&] {
    std::mt19937 random(7);
    while (!done) {
      absl::SleepFor(absl::Milliseconds(200 + random() % 800));
      CutConnections();
    }
  });
  const tc::Program twice = Get(tc::MakeProgram({tc::Type{tc::DType::kF32, {4}}},
                                                [](tc::Graph&, const std::vector<tc::Tensor>& in) {
                                                  return std::vector<tc::Tensor>{in[0] + in[0]};
                                                }));
  const std::string bytes(size_t{1} << 20, 'y');
  uint64_t rounds = 0;
  for (; work.GoOn(); ++rounds) {
    const float value = static_cast<float>(work.Below(1000));
    const tc::Tensor x = session->Put<float>({4}, std::vector<float>(4, value));
    const std::vector<float> sum = Get(session->Fetch<float>(session->Execute(twice, {x})[0]));
    if (sum != std::vector<float>(4, 2 * value)) Die("a value is wrong after a stream was lost");
    if (work.Below(100) != 0) continue;
    const tc::Tensor large =
        session->PutBytes({tc::DType::kU8, {static_cast<int64_t>(bytes.size())}}, bytes);
    if (Get(session->FetchValue(large)).bytes != bytes) Die("bytes are wrong after a cut");
  }
  done = true;
  cutter.join();
  if (rounds > 1000 && session->resumptions() == 0) Die("no stream was lost");
  return rounds;
}

}  // namespace tensord::soak
