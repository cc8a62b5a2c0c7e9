// Runs a training step's Program without a daemon, for wire.py: what a client pays for its
// distance.
//
//   bench_session_program FOLDER        as tests/bench/training/remote.py has written it
//
// The function, its plan and its kernels are the daemon's. Says "ready", then reads a number of
// steps a line and answers seconds a step; the first output is fetched every ten steps.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "engine/base/file.h"
#include "engine/runtime/engine.h"
#include "server/program.h"

namespace tensord::bench {
namespace {

template <typename T>
T Get(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "bench_session_program: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

class Training {
 public:
  explicit Training(const std::string& folder)
      : engine_(Get(runtime::Engine::Create({.devices = {"llvm"}}))) {
    v1::ProgramBody body;
    if (!body.ParseFromString(Get(base::ReadFile(folder + "/body")))) {
      Get(absl::StatusOr<int>(absl::DataLossError("no ProgramBody: " + folder + "/body")));
    }
    const auto function =
        Get(server::BuildBody(body, {}, [](const std::string&) { return ir::FunctionRef(); }));
    executable_ = Get(engine_->Prepare(*function));
    donate_.assign(body.donate().begin(), body.donate().end());
    ReadInputs(folder, *function);
    ReadState(folder, function->results.size());
  }

  double Run(int steps) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < steps; ++i) {
      Step();
      if (i % 10 == 9) Get(engine_->Fetch(first_));
    }
    Get(engine_->Fetch(first_));
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    return time.count() / steps;
  }

 private:
  void ReadInputs(const std::string& folder, const ir::Function& function) {
    const std::string bytes = Get(base::ReadFile(folder + "/inputs"));
    size_t at = 0;
    for (const auto& parameter : function.parameters) {
      std::vector<int64_t> shape;
      for (const types::Sym& dim : parameter->type().dims) shape.push_back(dim.constant());
      types::HostTensor tensor(parameter->type().dtype, shape);
      const size_t size = tensor.bytes().size();
      if (at + size > bytes.size()) {
        Get(absl::StatusOr<int>(absl::DataLossError("inputs are too short")));
      }
      std::memcpy(tensor.bytes().data(), bytes.data() + at, size);
      at += size;
      inputs_.push_back(Get(engine_->Put(tensor)));
    }
  }

  void ReadState(const std::string& folder, size_t outputs) {
    std::ifstream file(folder + "/state");
    file >> returned_;
    for (size_t place = 0; file >> place;) next_.push_back(place);
    if (returned_ + next_.size() != outputs) {
      Get(absl::StatusOr<int>(absl::DataLossError("state is of another Program")));
    }
  }

  void Step() {
    runtime::RunRequest request;
    request.executable = executable_;
    request.inputs = inputs_;
    for (const int place : donate_) inputs_[static_cast<size_t>(place)] = runtime::Value();
    request.donate = donate_;
    request.on_done = [](const absl::Status& status) {
      if (!status.ok()) Get(absl::StatusOr<int>(status));
    };
    std::vector<runtime::Value> results = Get(engine_->Run(std::move(request)));
    first_ = results[0];
    for (size_t i = 0; i < next_.size(); ++i) inputs_[next_[i]] = std::move(results[returned_ + i]);
  }

  const std::unique_ptr<runtime::Engine> engine_;
  runtime::ExecutableRef executable_;
  std::vector<runtime::Value> inputs_;
  std::vector<int> donate_;
  size_t returned_ = 0;
  std::vector<size_t> next_;  // of each output after those: which input it is in the next step
  runtime::Value first_;
};

int Main(const std::string& folder) {
  Training training(folder);
  training.Run(10);
  std::puts("ready");
  std::fflush(stdout);
  for (int steps = 0; std::cin >> steps;) {
    std::printf("%.9g\n", training.Run(steps));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace tensord::bench

int main(int argc, char** argv) {
  if (argc == 2) return tensord::bench::Main(argv[1]);
  std::fprintf(stderr, "usage: bench_session_program FOLDER\n");
  return 2;
}
