// A graph to be executed again and again, recorded once by running a function on stand-ins.
//
//   auto step = MakeProgram({Type{DType::kF32, {2}}}, [](Graph&, const std::vector<Tensor>& in) {
//     return std::vector<Tensor>{ops::Mul(in[0], 2)};
//   });
//   std::vector<Tensor> y = session->Execute(*step, {x});
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cpp/tensord/graph.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/type.h"

namespace tensord::client {

// An integer that a call binds; dims may use it by name. Bounds are inclusive.
struct Variable {
  std::string name;
  int64_t min = 0;
  int64_t max = 0;
};

struct ProgramOptions {
  std::string label;  // for logs and traces of the daemon
  std::vector<Variable> variables;
  // Positions of inputs whose memory an Execute may take over: those Tensors end with it.
  std::vector<uint32_t> donate;
  bool donate_required = false;  // fail rather than copy what can't be reused in place
};

// Immutable and cheap to copy; the same in every session. Its name is the SHA-256 of its body.
class Program {
 public:
  const std::string& digest() const { return data_->digest; }  // 32 bytes
  const std::string& body() const { return data_->body; }      // a serialised v1::ProgramBody
  size_t inputs() const { return data_->inputs; }
  size_t outputs() const { return data_->outputs; }
  size_t variables() const { return data_->variables; }
  const std::vector<uint32_t>& donated() const { return data_->donated; }

 private:
  friend absl::StatusOr<Program> ProgramOf(const v1::ProgramBody& body);
  struct Data {
    std::string digest, body;
    size_t inputs = 0, outputs = 0, variables = 0;
    std::vector<uint32_t> donated;
  };
  std::shared_ptr<const Data> data_;
};

// Gets the graph (for ops without inputs) and one Tensor per input; answers the outputs. It may
// record ops and Gradient, of its arguments and of what it makes of them alone.
using BodyFunction = std::function<std::vector<Tensor>(Graph&, const std::vector<Tensor>&)>;

// Runs `function` once. Errors: what is wrong with the tensors it answers; the daemon checks the
// ops when the Program is first used.
absl::StatusOr<Program> MakeProgram(const std::vector<Type>& inputs, const BodyFunction& function,
                                    ProgramOptions options = {});

// A Program from a body made elsewhere. Errors: INVALID_ARGUMENT when it donates what is no input.
absl::StatusOr<Program> ProgramOf(const v1::ProgramBody& body);

}  // namespace tensord::client
