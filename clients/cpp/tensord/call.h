// What the generated builders (ops.h) are written with.
#pragma once

#include <array>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cpp/tensord/graph.h"

namespace tensord::client {

// An op being applied: Call("softmax", where).In(x).Attr("axis", axis).One().
class Call {
 public:
  Call(const char* op, std::source_location where) {
    call_.op = op;
    call_.where = where;
  }
  // The graph of an op without inputs, and the device it is made on.
  Call& On(Graph& graph, uint32_t device) {
    graph_ = graph.shared_from_this();
    return To(device);
  }
  Call& To(uint32_t device) {
    call_.device = device;
    return *this;
  }
  Call& In(const Operand& input) {
    call_.inputs.push_back(input);
    return *this;
  }
  Call& InAll(const std::vector<Tensor>& inputs) {
    call_.inputs.insert(call_.inputs.end(), inputs.begin(), inputs.end());
    return *this;
  }
  template <typename T>
  Call& Attr(const char* name, T value) {
    call_.attrs.emplace_back(name, std::move(value));
    return *this;
  }
  // An attribute that is not given has the daemon's default.
  template <typename T>
  Call& Attr(const char* name, std::optional<T> value) {
    return value.has_value() ? Attr(name, *std::move(value)) : *this;
  }

  Tensor One() { return Results(1)[0]; }
  template <size_t N>
  std::array<Tensor, N> Many() {
    std::vector<Tensor> results = Results(N);
    std::array<Tensor, N> out;
    std::move(results.begin(), results.end(), out.begin());
    return out;
  }
  // For ops whose name is known at run time only.
  std::vector<Tensor> Results(size_t count);

 private:
  NodeCall call_;
  std::shared_ptr<Graph> graph_;
};

}  // namespace tensord::client
