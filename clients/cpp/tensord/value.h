// Elements of a value on this side: bytes and their type, and vectors of C++ numbers.
#pragma once

#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cpp/tensord/type.h"

namespace tensord::client {

struct Value {
  Type type;
  std::string bytes;  // little-endian, row-major, dense
};

// INVALID_ARGUMENT: the value is of another dtype than asked for.
absl::Status CheckDType(const Value& value, DType wanted);

template <Element T>
std::string BytesOf(const std::vector<T>& values) {
  if constexpr (std::is_same_v<T, bool>) {
    return std::string(values.begin(), values.end());
  } else {
    return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  }
}

template <Element T>
absl::StatusOr<std::vector<T>> ElementsOf(const absl::StatusOr<Value>& value) {
  if (!value.ok()) return value.status();
  if (absl::Status status = CheckDType(*value, kDTypeOf<T>); !status.ok()) return status;
  if constexpr (std::is_same_v<T, bool>) {
    return std::vector<bool>(value->bytes.begin(), value->bytes.end());
  } else {
    std::vector<T> elements(value->bytes.size() / sizeof(T));
    if (!elements.empty()) {
      std::memcpy(elements.data(), value->bytes.data(), elements.size() * sizeof(T));
    }
    return elements;
  }
}

}  // namespace tensord::client
