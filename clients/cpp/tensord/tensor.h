// A value of a session, by name: it need not be computed yet.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "clients/cpp/tensord/scalar.h"

namespace tensord::client {

class Graph;

// One id of a graph, shared by the Tensors that name it; the last one frees it.
struct Handle {
  Handle(std::shared_ptr<Graph> of, uint64_t number) : graph(std::move(of)), id(number) {}
  explicit Handle(absl::Status why) : error(std::move(why)) {}
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  const std::shared_ptr<Graph> graph;  // null: there is no value, only an error
  const uint64_t id = 0;
  const absl::Status error;
  std::atomic<bool> donated = false;  // an Execute took it over: the id has ended
};

// Cheap to copy; the id is freed, without a lock and without waiting, when the last copy goes.
//
// Errors travel in the value. What is wrong before anything is sent (tensors of two sessions, a
// session that is lost) is in status(); what the daemon finds wrong comes out of Fetch, Evaluate's
// Barrier or Describe, for this value and all that depend on it.
class Tensor {
 public:
  Tensor() = default;  // names nothing
  explicit Tensor(std::shared_ptr<Handle> handle) : handle_(std::move(handle)) {}
  // A value that is only an error.
  static Tensor Broken(absl::Status why) {
    return Tensor(std::make_shared<Handle>(std::move(why)));
  }

  // Why it can't be used, as far as is known here.
  absl::Status status() const;
  // Its id, for logs; 0 when there is none.
  uint64_t id() const { return handle_ == nullptr ? 0 : handle_->id; }
  // What recorded it; null when status() is an error.
  const std::shared_ptr<Graph>& graph() const;
  // Its id now belongs to an Execute: no copy of this Tensor can be used any more.
  void MarkDonated() const { handle_->donated = true; }

 private:
  std::shared_ptr<Handle> handle_;
};

// What an op takes: a tensor, a number (weak: it takes the dtype of what it meets), or nothing,
// where an input is optional.
class Operand {
 public:
  Operand() = default;
  Operand(const Tensor& tensor) : kind_(Kind::kTensor), tensor_(tensor) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Operand(T number) : kind_(Kind::kNumber), number_(number) {}

  bool absent() const { return kind_ == Kind::kAbsent; }
  bool is_number() const { return kind_ == Kind::kNumber; }
  const Tensor& tensor() const { return tensor_; }
  const Scalar& number() const { return number_; }

 private:
  enum class Kind : uint8_t { kAbsent, kTensor, kNumber };
  Kind kind_ = Kind::kAbsent;
  Tensor tensor_;
  Scalar number_ = false;
};

}  // namespace tensord::client
