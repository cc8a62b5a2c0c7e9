#include "engine/types/dtype.h"

#include <array>

namespace tensord::types {
namespace {

using D = DType;
using K = DTypeKind;

constexpr DTypeRow kRows[] = {
    {D::kBool, "bool", "bool", 1, 1, K::kBool, D::kI32},
    {D::kI8, "i8", "int8", 1, 8, K::kSigned, D::kI32},
    {D::kI16, "i16", "int16", 2, 16, K::kSigned, D::kI32},
    {D::kI32, "i32", "int32", 4, 32, K::kSigned, D::kI32},
    {D::kI64, "i64", "int64", 8, 64, K::kSigned, D::kI64},
    {D::kU8, "u8", "uint8", 1, 8, K::kUnsigned, D::kU32},
    {D::kU16, "u16", "uint16", 2, 16, K::kUnsigned, D::kU32},
    {D::kU32, "u32", "uint32", 4, 32, K::kUnsigned, D::kU32},
    {D::kU64, "u64", "uint64", 8, 64, K::kUnsigned, D::kU64},
    {D::kF16, "f16", "float16", 2, 16, K::kFloat, D::kF32},
    {D::kBF16, "bf16", "bfloat16", 2, 16, K::kFloat, D::kF32},
    {D::kF32, "f32", "float32", 4, 32, K::kFloat, D::kF32},
    {D::kF64, "f64", "float64", 8, 64, K::kFloat, D::kF64},
};
constexpr DTypeRow kWeakIntRow = {D::kWeakInt, "weak_int", "weak_int", 0, 64, K::kSigned, D::kI32};
constexpr DTypeRow kWeakFloatRow = {D::kWeakFloat, "weak_float", "weak_float", 0, 64,
                                    K::kFloat,     D::kF32};
constexpr DTypeRow kInvalidRow = {D::kInvalid, "invalid", "invalid", 0, 0, K::kBool, D::kInvalid};

constexpr int kNumbers = 32;  // one past the largest wire number

// The edges of the promotion lattice, each from a dtype to the next wider ones.
struct Edge {
  DType from, to;
};
constexpr Edge kEdges[] = {
    {D::kBool, D::kWeakInt},   {D::kWeakInt, D::kU8},    {D::kWeakInt, D::kI8},
    {D::kU8, D::kI16},         {D::kU8, D::kU16},        {D::kI8, D::kI16},
    {D::kU16, D::kI32},        {D::kU16, D::kU32},       {D::kI16, D::kI32},
    {D::kU32, D::kI64},        {D::kU32, D::kU64},       {D::kI32, D::kI64},
    {D::kU64, D::kWeakFloat},  {D::kI64, D::kWeakFloat}, {D::kWeakFloat, D::kF16},
    {D::kWeakFloat, D::kBF16}, {D::kF16, D::kF32},       {D::kBF16, D::kF32},
    {D::kF32, D::kF64},
};

using Lattice = std::array<std::array<DType, kNumbers>, kNumbers>;

// above[d]: bit set of the dtypes reachable from d, itself included.
constexpr std::array<uint32_t, kNumbers> ReachableFrom() {
  std::array<uint32_t, kNumbers> above{};
  for (int d = 1; d < kNumbers; ++d) above[d] = 1u << d;
  for (int round = 0; round < kNumbers; ++round) {
    for (const Edge& e : kEdges) above[static_cast<int>(e.from)] |= above[static_cast<int>(e.to)];
  }
  return above;
}

constexpr Lattice MakeLattice() {
  Lattice join{};
  const std::array<uint32_t, kNumbers> above = ReachableFrom();
  for (int a = 1; a < kNumbers; ++a) {
    for (int b = 1; b < kNumbers; ++b) {
      const uint32_t both = above[a] & above[b];
      // The least one reaches every other common bound.
      for (int c = 1; c < kNumbers; ++c) {
        if (((both >> c) & 1u) != 0 && (above[c] & both) == both) join[a][b] = static_cast<D>(c);
      }
    }
  }
  return join;
}

constexpr Lattice kJoin = MakeLattice();
static_assert(kJoin[1][1] == D::kBool);

}  // namespace

absl::Span<const DTypeRow> AllDTypes() { return kRows; }

const DTypeRow& Row(DType dtype) {
  const int number = static_cast<int>(dtype);
  if (number >= 1 && number <= static_cast<int>(std::size(kRows))) return kRows[number - 1];
  if (dtype == D::kWeakInt) return kWeakIntRow;
  if (dtype == D::kWeakFloat) return kWeakFloatRow;
  return kInvalidRow;
}

std::optional<DType> DTypeFromName(std::string_view name) {
  for (const DTypeRow& row : kRows) {
    if (row.name == name || row.numpy == name) return row.dtype;
  }
  if (name == kWeakIntRow.name) return D::kWeakInt;
  if (name == kWeakFloatRow.name) return D::kWeakFloat;
  return std::nullopt;
}

std::optional<DType> DTypeFromNumber(int number) {
  if (number < 0 || number >= kNumbers) return std::nullopt;
  const DType dtype = Row(static_cast<DType>(number)).dtype;
  if (dtype == D::kInvalid) return std::nullopt;
  return dtype;
}

DType Promote(DType a, DType b) {
  const int i = static_cast<int>(a), j = static_cast<int>(b);
  if (i >= kNumbers || j >= kNumbers) return D::kInvalid;
  return kJoin[i][j];
}

DType Strong(DType dtype) {
  if (dtype == D::kWeakInt) return D::kI32;
  if (dtype == D::kWeakFloat) return D::kF32;
  return dtype;
}

DType FloatOf(DType dtype) { return IsFloat(dtype) ? Strong(dtype) : D::kF32; }

}  // namespace tensord::types
