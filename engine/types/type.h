// The type of a tensor value: dtype, dims and where it lives.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "engine/types/dtype.h"
#include "engine/types/sym.h"

namespace tensord::types {

// One device of the engine's table, by index. Meshes will be further kinds of placement.
struct Placement {
  uint16_t device = 0;
  friend bool operator==(Placement, Placement) = default;
};

struct Type {
  DType dtype = DType::kInvalid;
  Placement placement;
  Dims dims;

  int rank() const { return static_cast<int>(dims.size()); }
  bool is_static() const;  // no variable in any dim
  Sym elements() const { return NumElements(dims); }
  // Bytes at the variables' bounds. Saturates at 2^62.
  int64_t max_bytes() const;
  // "f32[2,3]", "f32[n+1,64]@1" (a device other than 0 is written).
  std::string ToString() const;
  friend bool operator==(const Type&, const Type&) = default;
  template <typename H>
  friend H AbslHashValue(H h, const Type& t) {
    h = H::combine(std::move(h), t.dtype, t.placement.device, t.dims.size());
    for (const Sym& d : t.dims) h = H::combine(std::move(h), d);
    return h;
  }
};

inline constexpr int kMaxRank = 16;
inline constexpr int64_t kMaxElements = int64_t{1} << 46;

// Dims as a client may send them: rank <= kMaxRank, no dim negative, the product of all bounds at
// most kMaxElements. Names the offending dim.
absl::Status CheckDims(absl::Span<const Sym> dims);

// Row-major strides in elements.
Dims RowMajorStrides(absl::Span<const Sym> dims);

std::string DimsToString(absl::Span<const Sym> dims);  // "[2,n+1]"

}  // namespace tensord::types
