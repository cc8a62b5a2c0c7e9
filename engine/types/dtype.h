// Element types: one row per dtype, and the promotion lattice.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/types/span.h"

namespace tensord::types {

// The numbers are the wire's (proto/tensord/v1/types.proto) and never change.
enum class DType : uint8_t {
  kInvalid = 0,
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
  // Types of client scalars: they adapt to the other operand and never own storage.
  kWeakInt = 30,
  kWeakFloat = 31,
};

enum class DTypeKind : uint8_t { kBool, kSigned, kUnsigned, kFloat };

struct DTypeRow {
  DType dtype;
  std::string_view name;   // "f32": text forms, ops.json, error messages
  std::string_view numpy;  // "float32"
  int bytes;               // of one stored element; 0 for weak types
  int bits;                // 1 for bool
  DTypeKind kind;
  DType sum;  // dtype in which a sum over it accumulates (and returns, for ints)
};

// Every dtype that can own storage, in wire order (weak types excluded).
absl::Span<const DTypeRow> AllDTypes();

// The row of `dtype`; kInvalid and unknown numbers give a row named "invalid" of 0 bytes.
const DTypeRow& Row(DType dtype);

inline std::string_view Name(DType dtype) { return Row(dtype).name; }
inline int Bytes(DType dtype) { return Row(dtype).bytes; }
inline bool IsFloat(DType dtype) { return Row(dtype).kind == DTypeKind::kFloat; }
inline bool IsInteger(DType dtype) {
  return Row(dtype).kind == DTypeKind::kSigned || Row(dtype).kind == DTypeKind::kUnsigned;
}
inline bool IsSigned(DType dtype) { return Row(dtype).kind == DTypeKind::kSigned; }
inline bool IsUnsigned(DType dtype) { return Row(dtype).kind == DTypeKind::kUnsigned; }
inline bool IsBool(DType dtype) { return dtype == DType::kBool; }
inline bool IsWeak(DType dtype) { return dtype == DType::kWeakInt || dtype == DType::kWeakFloat; }
inline bool IsHalf(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

// The dtype with this name ("f32", or numpy's "float32"), or nothing.
std::optional<DType> DTypeFromName(std::string_view name);
// The dtype with this wire number, or nothing.
std::optional<DType> DTypeFromNumber(int number);

// Least upper bound in the JAX lattice (JEP 9407): bool < weak int < {i8 < i16 < i32 < i64,
// u8 < u16 < u32 < u64} < weak float < {f16, bf16} < f32 < f64. i64 with u64 gives weak float,
// f16 with bf16 gives f32. Weak types stay weak only among themselves and bool.
DType Promote(DType a, DType b);

// What a weak type becomes when nothing else decides: i32 and f32. Others are unchanged.
DType Strong(DType dtype);

// The float dtype in which a unary float function of `dtype` computes and returns:
// floats stay, everything else gives f32.
DType FloatOf(DType dtype);

}  // namespace tensord::types
