// Attributes of nodes: typed values in the order of their op row's specs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/types/span.h"
#include "engine/types/dtype.h"
#include "engine/types/sym.h"
#include "engine/types/tensor.h"

namespace tensord::ir {

class Function;
using FunctionRef = std::shared_ptr<const Function>;
using Ints = std::vector<int64_t>;

enum class AttrKind : uint8_t {
  kInt,
  kFloat,
  kBool,
  kString,
  kInts,
  kDims,
  kDType,
  kScalar,
  kFunction,  // on the wire
  kSym,
  kMask,  // loop nodes only
};
std::string_view Name(AttrKind kind);  // "int", "float", "bool", "string", "ints", "dims", ...

// monostate: an optional attribute that was not given and has no default.
using AttrValue =
    std::variant<std::monostate, int64_t, double, bool, std::string, Ints, types::Dims,
                 types::DType, types::Scalar, FunctionRef, types::Sym, types::Mask>;

// Whether `value` is of `kind` (monostate is of every kind).
bool HasKind(const AttrValue& value, AttrKind kind);

struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  // "" : required. "none": absent unless given. Otherwise the default in the text form, e.g. "1",
  // "0.5", "true", "[0,1]", "f32", "mean".
  std::string_view default_text = "";
  std::string_view doc = "";
};

size_t Hash(const AttrValue& value);
// Functions compare by content digest.
bool Equal(const AttrValue& a, const AttrValue& b);
// Text form, unambiguous given the kind: 3, 0.5, true, "mean", [1,2], f32, f32:0.5, {n*4,
// [0,63]}...
std::string ToString(const AttrValue& value);

}  // namespace tensord::ir
