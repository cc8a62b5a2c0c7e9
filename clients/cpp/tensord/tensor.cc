#include "clients/cpp/tensord/tensor.h"

#include "clients/cpp/tensord/graph.h"

namespace tensord::client {

Handle::~Handle() {
  if (graph != nullptr && !donated) graph->Drop(id);
}

absl::Status Tensor::status() const {
  if (handle_ == nullptr) {
    return absl::InvalidArgumentError("an empty Tensor: it was moved from, or never assigned");
  }
  if (handle_->donated) {
    return absl::FailedPreconditionError(
        "this value was donated to an Execute, which took its memory over");
  }
  return handle_->error;
}

const std::shared_ptr<Graph>& Tensor::graph() const {
  static const std::shared_ptr<Graph>& none = *new std::shared_ptr<Graph>;
  return status().ok() ? handle_->graph : none;
}

}  // namespace tensord::client
