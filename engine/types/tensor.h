// A dense row-major array in host memory, and scalars of any dtype.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "engine/types/dtype.h"

namespace tensord::types {

// One element. Floats of any width are kept as double, signed and bool as int64, unsigned as
// uint64.
struct Scalar {
  DType dtype = DType::kInvalid;
  union {
    int64_t i;   // bool, signed, weak int
    uint64_t u;  // unsigned
    double f;    // float, weak float
  };
  Scalar() : i(0) {}
  static Scalar Int(DType dtype, int64_t value);   // saturates nothing: wraps to the dtype
  static Scalar Float(DType dtype, double value);  // rounds to the dtype
  static Scalar FromBytes(DType dtype, const std::byte* at);
  void ToBytes(std::byte* at) const;  // Bytes(dtype) bytes, little-endian
  double AsDouble() const;
  int64_t AsInt64() const;       // floats: truncated, saturated, NaN is 0
  Scalar Cast(DType to) const;   // the engine's total cast
  std::string ToString() const;  // "1.5", "-3", "true", "nan", "inf"; round-trips
  // Bitwise: NaN equals itself, -0.0 differs from 0.0.
  friend bool operator==(const Scalar& a, const Scalar& b) {
    return a.dtype == b.dtype && a.u == b.u;
  }
  template <typename H>
  friend H AbslHashValue(H h, const Scalar& s) {
    return H::combine(std::move(h), s.dtype, s.u);
  }
};

class HostTensor {
 public:
  HostTensor() = default;
  HostTensor(DType dtype, std::vector<int64_t> shape);  // zeros
  static HostTensor FromScalars(DType dtype, std::vector<int64_t> shape,
                                absl::Span<const Scalar> values);
  static HostTensor FromDoubles(DType dtype, std::vector<int64_t> shape,
                                absl::Span<const double> values);

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t elements() const;
  absl::Span<std::byte> bytes() { return absl::MakeSpan(data_); }
  absl::Span<const std::byte> bytes() const { return data_; }
  template <typename T>
  absl::Span<T> as() {
    return {reinterpret_cast<T*>(data_.data()), data_.size() / sizeof(T)};
  }
  template <typename T>
  absl::Span<const T> as() const {
    return {reinterpret_cast<const T*>(data_.data()), data_.size() / sizeof(T)};
  }
  Scalar At(int64_t element) const {
    return Scalar::FromBytes(dtype_, &data_[element * Bytes(dtype_)]);
  }
  void Set(int64_t element, const Scalar& value) {
    value.Cast(dtype_).ToBytes(&data_[element * Bytes(dtype_)]);
  }
  std::string ToString() const;  // "f32[2,2] {1, 2, 3, 4}", long ones elided

 private:
  DType dtype_ = DType::kInvalid;
  std::vector<int64_t> shape_;
  std::vector<std::byte> data_;
};

// Conversions of the 16-bit floats: round to nearest even, denormals kept, NaN stays NaN.
uint16_t F32ToF16(float value);
float F16ToF32(uint16_t bits);
uint16_t F32ToBF16(float value);
float BF16ToF32(uint16_t bits);
// From double in one rounding.
uint16_t F64ToF16(double value);
uint16_t F64ToBF16(double value);

}  // namespace tensord::types
