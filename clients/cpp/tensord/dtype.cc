#include "clients/cpp/tensord/dtype.h"

namespace tensord::client {
namespace {

struct Row {
  DType dtype;
  std::string_view name;
  int64_t size;
};

constexpr Row kRows[] = {
    {DType::kBool, "bool", 1},
    {DType::kI8, "i8", 1},
    {DType::kI16, "i16", 2},
    {DType::kI32, "i32", 4},
    {DType::kI64, "i64", 8},
    {DType::kU8, "u8", 1},
    {DType::kU16, "u16", 2},
    {DType::kU32, "u32", 4},
    {DType::kU64, "u64", 8},
    {DType::kF16, "f16", 2},
    {DType::kBF16, "bf16", 2},
    {DType::kF32, "f32", 4},
    {DType::kF64, "f64", 8},
    {DType::kWeakInt, "weak_int", 4},
    {DType::kWeakFloat, "weak_float", 4},
};

}  // namespace

std::string_view Name(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.name;
  }
  return "unspecified";
}

std::optional<DType> DTypeOfName(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.dtype;
  }
  return std::nullopt;
}

int64_t SizeOf(DType dtype) {
  for (const Row& row : kRows) {
    if (row.dtype == dtype) return row.size;
  }
  return 0;
}

}  // namespace tensord::client
