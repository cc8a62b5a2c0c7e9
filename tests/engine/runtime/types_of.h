// Types with constant dims, for tests.
#pragma once

#include <initializer_list>

#include "engine/types/type.h"

namespace tensord::runtime {

inline types::Type TypeOf(types::DType dtype, std::initializer_list<int64_t> dims) {
  types::Type type;
  type.dtype = dtype;
  for (int64_t dim : dims) type.dims.push_back(dim);
  return type;
}
inline types::Type F32(std::initializer_list<int64_t> dims) {
  return TypeOf(types::DType::kF32, dims);
}

}  // namespace tensord::runtime
