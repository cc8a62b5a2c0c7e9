// Where ops are recorded: a session, whose nodes travel, or the body of a Program being traced.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <source_location>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "clients/cpp/tensord/node_columns.h"
#include "clients/cpp/tensord/scalar.h"
#include "clients/cpp/tensord/string_table.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/type.h"
#include "tensord/v1/graph.pb.h"

namespace tensord::client {

using AttrValue = std::variant<int64_t, double, bool, std::string, std::vector<int64_t>,
                               std::vector<double>, Dims, DType, Scalar>;

// An op applied: what a generated builder (ops.h) makes.
struct NodeCall {
  const char* op = nullptr;
  std::vector<Operand> inputs;
  std::vector<std::pair<const char*, AttrValue>> attrs;
  int results = 1;
  uint32_t device = 0;  // of an op without inputs, and of copy
  std::source_location where;
};

// Gives out ids and appends nodes. Thread-safe.
class Graph : public std::enable_shared_from_this<Graph> {
 public:
  virtual ~Graph() = default;
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // As many tensors as the call has results. Never fails as such: see Tensor.
  std::vector<Tensor> Add(const NodeCall& call);
  // The derivative of sum over k of <targets[k], seeds[k]> with respect to each of `wrt`. No seeds:
  // ones, and every target is a scalar.
  std::vector<Tensor> AddGradient(std::span<const Tensor> targets, std::span<const Tensor> wrt,
                                  std::span<const Tensor> seeds, std::source_location where);

  // The id is named by no Tensor any more. Lock-free.
  virtual void Drop(uint64_t id) = 0;

  // OK if the tensor is usable and belongs here; says which argument of what is not.
  absl::Status Owns(const Tensor& tensor, const char* what) const;

 protected:
  Graph() = default;

  // All of these are called with mutex_ held.
  virtual absl::Status Usable() const { return absl::OkStatus(); }
  virtual void BeforeItem() {}                      // something is about to be recorded
  virtual void TakeNodes(v1::NodeBatch batch) = 0;  // behind what was taken before
  virtual void TakeGradient(v1::Gradient gradient) = 0;
  virtual void AfterNode() {}  // columns_ has grown
  // Called without it, after each Add: may wait until there is room.
  virtual void Relieve() {}

  // With mutex_ held: hands over the nodes so far; `count` new ids; a Tensor for an id.
  void CloseColumns();
  uint64_t NewIds(size_t count) { return std::exchange(next_id_, next_id_ + count); }
  Tensor MakeTensor(uint64_t id) {
    return Tensor(std::make_shared<Handle>(shared_from_this(), id));
  }
  std::vector<Tensor> MakeTensors(uint64_t first, size_t count);

  mutable std::mutex mutex_;
  StringTable strings_;
  NodeColumns columns_;

 private:
  absl::Status CheckCall(const NodeCall& call) const;
  uint64_t Append(const NodeCall& call);
  uint64_t Constant(const Scalar& value, uint32_t device, uint32_t source);
  // `dtype`: that of the same node.
  void SetAttr(const AttrValue& value, DType dtype, v1::Attr* attr);

  uint64_t next_id_ = 1;
  // Numbers of the program, made once each; they live as long as the graph.
  absl::flat_hash_map<Scalar::Number, uint64_t> constants_;
};

// Records gradients where the tensors live; see Graph::AddGradient.
std::vector<Tensor> Gradient(const Tensor& loss, const std::vector<Tensor>& wrt,
                             std::source_location where = std::source_location::current());
std::vector<Tensor> Gradient(const std::vector<Tensor>& targets, const std::vector<Tensor>& wrt,
                             const std::vector<Tensor>& seeds,
                             std::source_location where = std::source_location::current());

}  // namespace tensord::client
