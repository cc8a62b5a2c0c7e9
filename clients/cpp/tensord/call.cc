#include "clients/cpp/tensord/call.h"

#include "absl/strings/str_cat.h"

namespace tensord::client {
namespace {

// The graph of the first tensor, or its error.
absl::StatusOr<std::shared_ptr<Graph>> GraphOf(const NodeCall& call) {
  for (const Operand& input : call.inputs) {
    if (input.absent() || input.is_number()) continue;
    if (absl::Status status = input.tensor().status(); !status.ok()) return status;
    return input.tensor().graph();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      call.op, ": at least one input must be a Tensor, to say which session it is in"));
}

}  // namespace

std::vector<Tensor> Call::Results(size_t count) {
  call_.results = static_cast<int>(count);
  if (graph_ == nullptr) {
    absl::StatusOr<std::shared_ptr<Graph>> found = GraphOf(call_);
    if (!found.ok()) return std::vector<Tensor>(count, Tensor::Broken(found.status()));
    graph_ = *std::move(found);
  }
  return graph_->Add(call_);
}

}  // namespace tensord::client
