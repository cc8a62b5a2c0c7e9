// a + b, 2 * a, -a, a < b: the ops of the same meaning. Included by ops.h.
#pragma once

#include <source_location>
#include <type_traits>

#include "clients/cpp/tensord/tensor.h"

namespace tensord::client {

// An operand and the place of the expression it stands in: an operator can't take that as a
// parameter of its own.
struct Located {
  Located(const Tensor& tensor, std::source_location at = std::source_location::current())
      : operand(tensor), where(at) {}
  template <typename T>
    requires std::is_arithmetic_v<T>
  Located(T number, std::source_location at = std::source_location::current())
      : operand(number), where(at) {}

  Operand operand;
  std::source_location where;
};

Tensor operator+(const Located& a, const Located& b);
Tensor operator-(const Located& a, const Located& b);
Tensor operator*(const Located& a, const Located& b);
Tensor operator/(const Located& a, const Located& b);
Tensor operator<(const Located& a, const Located& b);
Tensor operator<=(const Located& a, const Located& b);
Tensor operator>(const Located& a, const Located& b);
Tensor operator>=(const Located& a, const Located& b);
Tensor operator-(const Located& a);

}  // namespace tensord::client
