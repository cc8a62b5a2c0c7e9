#include "engine/types/type.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "engine/base/status.h"

namespace tensord::types {
namespace {

constexpr int64_t kMost = int64_t{1} << 62;

// a * b for non-negative numbers, at most 2^62.
int64_t SaturatingProduct(int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return kMost;
  return std::min(product, kMost);
}

}  // namespace

bool Type::is_static() const {
  return std::all_of(dims.begin(), dims.end(), [](const Sym& d) { return d.is_constant(); });
}

int64_t Type::max_bytes() const {
  int64_t bytes = Bytes(dtype);
  for (const Sym& d : dims) bytes = SaturatingProduct(bytes, std::max<int64_t>(d.max(), 0));
  return bytes;
}

std::string Type::ToString() const {
  std::string text = absl::StrCat(std::string(Name(dtype)), DimsToString(dims));
  if (placement.device != 0) absl::StrAppend(&text, "@", placement.device);
  return text;
}

absl::Status CheckDims(absl::Span<const Sym> dims) {
  if (dims.size() > kMaxRank) {
    return InvalidArgument("rank ", dims.size(), " is over the limit of ", kMaxRank);
  }
  int64_t elements = 1;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (!dims[i].IsNonNegative()) {
      return InvalidArgument("dim ", i, " of ", DimsToString(dims),
                             " may be negative: ", dims[i].ToString(), " >= ", dims[i].min());
    }
    if (dims[i].max() > kMaxElements) {
      return InvalidArgument("dim ", i, " of ", DimsToString(dims), " may be ", dims[i].max(),
                             ", over the limit of ", kMaxElements);
    }
    elements = SaturatingProduct(elements, std::max<int64_t>(dims[i].max(), 1));
  }
  if (elements > kMaxElements) {
    return InvalidArgument("shape ", DimsToString(dims), " may have ", elements,
                           " elements, over the limit of ", kMaxElements);
  }
  return absl::OkStatus();
}

Dims RowMajorStrides(absl::Span<const Sym> dims) {
  Dims strides(dims.size());
  Sym stride = 1;
  for (size_t i = dims.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= dims[i];
  }
  return strides;
}

std::string DimsToString(absl::Span<const Sym> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", dims[i].ToString());
  }
  return text + "]";
}

Sym NumElements(absl::Span<const Sym> dims) {
  Sym product = 1;
  for (const Sym& d : dims) product *= d;
  return product;
}

}  // namespace tensord::types
