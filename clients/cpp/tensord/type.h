// What is known of a value before it is computed: dtype, dims, device.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/tensord/dtype.h"
#include "tensord/v1/types.pb.h"

namespace tensord::client {

// One extent of a shape: a number, or an expression over a Program's variables ("2*n+1").
class Dim {
 public:
  template <std::integral T>
  Dim(T size) : size_(static_cast<int64_t>(size)) {}
  Dim(std::string expression) : expression_(std::move(expression)) {}
  Dim(const char* expression) : expression_(expression) {}

  bool constant() const { return expression_.empty(); }
  int64_t size() const { return size_; }  // of a constant
  const std::string& expression() const { return expression_; }
  std::string ToString() const;

  friend bool operator==(const Dim&, const Dim&) = default;

 private:
  int64_t size_ = 0;
  std::string expression_;
};

// Outermost first; empty for a scalar.
using Dims = std::vector<Dim>;

struct Type {
  DType dtype = DType::kF32;
  Dims dims;
  uint32_t device = 0;  // a number of Welcome.devices; 0: not said

  bool constant() const;
  int64_t elements() const;      // of a constant type
  int64_t bytes() const;         // of a constant type
  std::string ToString() const;  // "f32[2,3]"

  friend bool operator==(const Type&, const Type&) = default;
};

// Constant dims as `sizes`; a negative number, which no shape has but some attributes, as text.
void ToMessage(const Dims& dims, v1::Dims* message);
void ToMessage(const Type& type, v1::TensorType* message);
Dims FromMessage(const v1::Dims& message);
Type FromMessage(const v1::TensorType& message);

}  // namespace tensord::client
