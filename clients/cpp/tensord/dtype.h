// Element types: their names, their sizes, and which C++ type holds one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tensord::client {

// The numbers are the wire's (proto/tensord/v1/types.proto).
enum class DType : uint8_t {
  kUnspecified = 0,
  kBool = 1,
  kI8 = 2,
  kI16 = 3,
  kI32 = 4,
  kI64 = 5,
  kU8 = 6,
  kU16 = 7,
  kU32 = 8,
  kU64 = 9,
  kF16 = 10,
  kBF16 = 11,
  kF32 = 12,
  kF64 = 13,
  kWeakInt = 30,    // of values computed from literals alone
  kWeakFloat = 31,  // likewise
};

// "f32", "weak_int"; "unspecified" for a number that is none of these.
std::string_view Name(DType dtype);
// Nothing for a name that is none.
std::optional<DType> DTypeOfName(std::string_view name);
// Bytes of one element as it travels; 0 for kUnspecified. A weak int travels as i32, a weak float
// as f32.
int64_t SizeOf(DType dtype);

// The 16-bit floats by their bits: C++20 has no arithmetic for them.
struct Float16 {
  uint16_t bits = 0;
  friend bool operator==(Float16, Float16) = default;
};
struct BFloat16 {
  uint16_t bits = 0;
  friend bool operator==(BFloat16, BFloat16) = default;
};

// The dtype whose elements a T holds; kUnspecified for any other type.
template <typename T>
inline constexpr DType kDTypeOf = DType::kUnspecified;
template <>
inline constexpr DType kDTypeOf<bool> = DType::kBool;
template <>
inline constexpr DType kDTypeOf<int8_t> = DType::kI8;
template <>
inline constexpr DType kDTypeOf<int16_t> = DType::kI16;
template <>
inline constexpr DType kDTypeOf<int32_t> = DType::kI32;
template <>
inline constexpr DType kDTypeOf<int64_t> = DType::kI64;
template <>
inline constexpr DType kDTypeOf<uint8_t> = DType::kU8;
template <>
inline constexpr DType kDTypeOf<uint16_t> = DType::kU16;
template <>
inline constexpr DType kDTypeOf<uint32_t> = DType::kU32;
template <>
inline constexpr DType kDTypeOf<uint64_t> = DType::kU64;
template <>
inline constexpr DType kDTypeOf<Float16> = DType::kF16;
template <>
inline constexpr DType kDTypeOf<BFloat16> = DType::kBF16;
template <>
inline constexpr DType kDTypeOf<float> = DType::kF32;
template <>
inline constexpr DType kDTypeOf<double> = DType::kF64;

template <typename T>
concept Element = kDTypeOf<T> != DType::kUnspecified;

}  // namespace tensord::client
