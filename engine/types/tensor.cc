#include "engine/types/tensor.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "engine/base/check.h"

namespace tensord::types {
namespace {

// `value` reduced to the width of an integer or bool dtype.
Scalar WrapInteger(DType dtype, uint64_t value) {
  Scalar s;
  s.dtype = dtype;
  const int bits = Row(dtype).bits;
  if (IsBool(dtype)) {
    s.i = value != 0 ? 1 : 0;
  } else if (bits >= 64) {
    s.u = value;
  } else if (IsUnsigned(dtype)) {
    s.u = value & ((uint64_t{1} << bits) - 1);
  } else {
    s.i = static_cast<int64_t>(value << (64 - bits)) >> (64 - bits);
  }
  return s;
}

double RoundTo(DType dtype, double value) {
  switch (dtype) {
    case DType::kF16:
      return F16ToF32(F64ToF16(value));
    case DType::kBF16:
      return BF16ToF32(F64ToBF16(value));
    case DType::kF32:
      return static_cast<float>(value);
    default:
      return value;
  }
}

int64_t SaturateSigned(double value, int bits) {
  if (std::isnan(value)) return 0;
  const double limit = std::ldexp(1.0, bits - 1);
  if (value >= limit) return std::numeric_limits<int64_t>::max() >> (64 - bits);
  if (value < -limit) return std::numeric_limits<int64_t>::min() >> (64 - bits);
  return static_cast<int64_t>(value);
}

uint64_t SaturateUnsigned(double value, int bits) {
  if (std::isnan(value) || value <= 0) return 0;
  if (value >= std::ldexp(1.0, bits)) return ~uint64_t{0} >> (64 - bits);
  return static_cast<uint64_t>(value);
}

// An integer as a value of a float dtype. 16-bit floats go through f32, as on every device.
double FloatFromInteger(const Scalar& s, DType to) {
  if (to == DType::kF64 || to == DType::kWeakFloat) {
    return IsUnsigned(s.dtype) ? static_cast<double>(s.u) : static_cast<double>(s.i);
  }
  return IsUnsigned(s.dtype) ? static_cast<float>(s.u) : static_cast<float>(s.i);
}

template <typename T>
T Load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <typename T>
void Store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof value);
}

template <typename T>
std::string Shortest(T value) {
  char buffer[64];
  const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end.ptr);
}

// The bits of a float of `exponent` and `mantissa` bits nearest to `value`, ties to even.
uint16_t RoundToHalf(double value, int exponent, int mantissa) {
  const uint64_t bits = std::bit_cast<uint64_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 63) << 15);
  const uint16_t infinity = static_cast<uint16_t>(((1 << exponent) - 1) << mantissa);
  if (std::isnan(value)) {
    const uint16_t payload = static_cast<uint16_t>((bits << 12) >> (64 - mantissa));
    return sign | infinity | payload | static_cast<uint16_t>(1 << (mantissa - 1));
  }
  if (std::isinf(value)) return sign | infinity;
  if (value == 0) return sign;
  const int bias = (1 << (exponent - 1)) - 1;
  int power;
  std::frexp(std::fabs(value), &power);  // |value| = f * 2^power, f in [0.5, 1)
  const int lowest = 1 - bias;           // exponent of the smallest normal number
  const int e = std::max(power - 1, lowest);
  // In units of the last place the nearest integer is exact; nearbyint ties to even.
  const double units = std::nearbyint(std::ldexp(std::fabs(value), mantissa - e));
  const int64_t magnitude =
      (static_cast<int64_t>(e - lowest) << mantissa) + static_cast<int64_t>(units);
  return sign | static_cast<uint16_t>(std::min<int64_t>(magnitude, infinity));
}

}  // namespace

Scalar Scalar::Int(DType dtype, int64_t value) {
  if (!IsFloat(dtype)) return WrapInteger(dtype, static_cast<uint64_t>(value));
  Scalar wide = WrapInteger(DType::kI64, static_cast<uint64_t>(value));
  return wide.Cast(dtype);
}

Scalar Scalar::Float(DType dtype, double value) {
  Scalar s;
  if (!IsFloat(dtype)) {
    s.dtype = DType::kF64;
    s.f = value;
    return s.Cast(dtype);
  }
  s.dtype = dtype;
  s.f = RoundTo(dtype, value);
  return s;
}

Scalar Scalar::FromBytes(DType dtype, const std::byte* at) {
  Scalar s;
  s.dtype = dtype;
  switch (dtype) {
    case DType::kBool:
      s.i = Load<uint8_t>(at) != 0 ? 1 : 0;
      break;
    case DType::kI8:
      s.i = Load<int8_t>(at);
      break;
    case DType::kI16:
      s.i = Load<int16_t>(at);
      break;
    case DType::kI32:
      s.i = Load<int32_t>(at);
      break;
    case DType::kI64:
      s.i = Load<int64_t>(at);
      break;
    case DType::kU8:
      s.u = Load<uint8_t>(at);
      break;
    case DType::kU16:
      s.u = Load<uint16_t>(at);
      break;
    case DType::kU32:
      s.u = Load<uint32_t>(at);
      break;
    case DType::kU64:
      s.u = Load<uint64_t>(at);
      break;
    case DType::kF16:
      s.f = F16ToF32(Load<uint16_t>(at));
      break;
    case DType::kBF16:
      s.f = BF16ToF32(Load<uint16_t>(at));
      break;
    case DType::kF32:
      s.f = Load<float>(at);
      break;
    case DType::kF64:
      s.f = Load<double>(at);
      break;
    default:
      break;  // weak and invalid dtypes own no bytes
  }
  return s;
}

void Scalar::ToBytes(std::byte* at) const {
  switch (dtype) {
    case DType::kBool:
      Store<uint8_t>(at, i != 0 ? 1 : 0);
      break;
    case DType::kI8:
    case DType::kU8:
      Store<uint8_t>(at, static_cast<uint8_t>(u));
      break;
    case DType::kI16:
    case DType::kU16:
      Store<uint16_t>(at, static_cast<uint16_t>(u));
      break;
    case DType::kI32:
    case DType::kU32:
      Store<uint32_t>(at, static_cast<uint32_t>(u));
      break;
    case DType::kI64:
    case DType::kU64:
      Store<uint64_t>(at, u);
      break;
    case DType::kF16:
      Store<uint16_t>(at, F64ToF16(f));
      break;
    case DType::kBF16:
      Store<uint16_t>(at, F64ToBF16(f));
      break;
    case DType::kF32:
      Store<float>(at, static_cast<float>(f));
      break;
    case DType::kF64:
      Store<double>(at, f);
      break;
    default:
      break;
  }
}

double Scalar::AsDouble() const {
  return IsFloat(dtype) ? f : FloatFromInteger(*this, DType::kF64);
}

int64_t Scalar::AsInt64() const {
  if (IsFloat(dtype)) return SaturateSigned(f, 64);
  return i;
}

Scalar Scalar::Cast(DType to) const {
  if (to == dtype) return *this;
  if (IsFloat(to)) return Float(to, IsFloat(dtype) ? f : FloatFromInteger(*this, to));
  if (!IsFloat(dtype)) return WrapInteger(to, u);
  if (IsBool(to)) return WrapInteger(to, f != 0 ? 1 : 0);
  const int bits = Row(to).bits;
  if (bits == 0) return Scalar();
  if (IsUnsigned(to)) return WrapInteger(to, SaturateUnsigned(f, bits));
  return WrapInteger(to, static_cast<uint64_t>(SaturateSigned(f, bits)));
}

std::string Scalar::ToString() const {
  if (IsBool(dtype)) return i != 0 ? "true" : "false";
  if (IsUnsigned(dtype)) return absl::StrCat(u);
  if (!IsFloat(dtype)) return absl::StrCat(i);
  if (std::isnan(f)) return "nan";
  if (std::isinf(f)) return f > 0 ? "inf" : "-inf";
  if (dtype == DType::kF64 || dtype == DType::kWeakFloat) return Shortest(f);
  return Shortest(static_cast<float>(f));
}

HostTensor::HostTensor(DType dtype, std::vector<int64_t> shape)
    : dtype_(dtype), shape_(std::move(shape)) {
  data_.resize(static_cast<size_t>(elements()) * Bytes(dtype));
}

HostTensor HostTensor::FromScalars(DType dtype, std::vector<int64_t> shape,
                                   absl::Span<const Scalar> values) {
  HostTensor t(dtype, std::move(shape));
  TENSORD_CHECK(static_cast<int64_t>(values.size()) == t.elements(), values.size(), " values for ",
                t.elements(), " elements");
  for (size_t i = 0; i < values.size(); ++i) t.Set(static_cast<int64_t>(i), values[i]);
  return t;
}

HostTensor HostTensor::FromDoubles(DType dtype, std::vector<int64_t> shape,
                                   absl::Span<const double> values) {
  HostTensor t(dtype, std::move(shape));
  TENSORD_CHECK(static_cast<int64_t>(values.size()) == t.elements(), values.size(), " values for ",
                t.elements(), " elements");
  for (size_t i = 0; i < values.size(); ++i) {
    t.Set(static_cast<int64_t>(i), Scalar::Float(DType::kF64, values[i]));
  }
  return t;
}

int64_t HostTensor::elements() const {
  int64_t n = 1;
  for (int64_t d : shape_) n *= d;
  return n;
}

std::string HostTensor::ToString() const {
  constexpr int64_t kShown = 32;
  std::string text =
      absl::StrCat(std::string(Name(dtype_)), "[", absl::StrJoin(shape_, ","), "] {");
  if (Bytes(dtype_) == 0) return text + "}";
  const int64_t n = elements();
  for (int64_t i = 0; i < std::min(n, kShown); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", At(i).ToString());
  }
  if (n > kShown) absl::StrAppend(&text, ", ... ", n - kShown, " more");
  return text + "}";
}

uint16_t F64ToF16(double value) { return RoundToHalf(value, 5, 10); }
uint16_t F64ToBF16(double value) { return RoundToHalf(value, 8, 7); }

uint16_t F32ToF16(float value) { return F64ToF16(value); }

uint16_t F32ToBF16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float BF16ToF32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float F16ToF32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 31u, mantissa = bits & 1023u;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  }
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

}  // namespace tensord::types
