// A number of the program: weak, it takes the dtype of what it meets.
#pragma once

#include <concepts>
#include <cstdint>
#include <variant>

namespace tensord::client {

class Scalar {
 public:
  Scalar(bool value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Scalar(T value) : value_(static_cast<int64_t>(value)) {}
  template <std::floating_point T>
  Scalar(T value) : value_(static_cast<double>(value)) {}

  const std::variant<bool, int64_t, double>& value() const { return value_; }
  friend bool operator==(const Scalar&, const Scalar&) = default;

 private:
  std::variant<bool, int64_t, double> value_;
};

}  // namespace tensord::client
