// A number of the program: weak, it takes the dtype of what it meets.
#pragma once

#include <concepts>
#include <cstdint>
#include <variant>

namespace tensord::client {

class Scalar {
 public:
  // An unsigned one is more than an int64_t holds.
  using Number = std::variant<bool, int64_t, double, uint64_t>;

  Scalar(bool value) : value_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Scalar(T value) : value_(static_cast<int64_t>(value)) {
    if (value > 0 && static_cast<int64_t>(value) < 0) value_ = static_cast<uint64_t>(value);
  }
  template <std::floating_point T>
  Scalar(T value) : value_(static_cast<double>(value)) {}

  const Number& value() const { return value_; }
  friend bool operator==(const Scalar&, const Scalar&) = default;

 private:
  Number value_;
};

}  // namespace tensord::client
