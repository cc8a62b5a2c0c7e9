#include "engine/ir/attr.h"

#include <cmath>

#include "absl/strings/escaping.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "engine/base/hash.h"
#include "engine/base/strings.h"
#include "engine/ir/function.h"

namespace tensord::ir {
namespace {

constexpr std::string_view kKindNames[] = {"int",   "float",  "bool",     "string", "ints", "dims",
                                           "dtype", "scalar", "function", "sym",    "mask"};

std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  for (int digits : {6, 15, 17}) {
    std::string text = absl::StrFormat("%.*g", digits, value);
    double back;
    if (absl::SimpleAtod(text, &back) && back == value) return text;
  }
  return absl::StrFormat("%.17g", value);
}

struct Hasher {
  uint64_t operator()(std::monostate) const { return 0; }
  uint64_t operator()(int64_t v) const { return base::HashValue(v); }
  uint64_t operator()(double v) const { return base::HashValue(v); }
  uint64_t operator()(bool v) const { return base::HashValue(v); }
  uint64_t operator()(const std::string& v) const { return base::HashValue(std::string_view(v)); }
  uint64_t operator()(const Ints& v) const { return base::HashBytes(v.data(), v.size() * 8); }
  uint64_t operator()(const types::Dims& v) const {
    uint64_t h = v.size();
    for (const types::Sym& s : v) h = base::HashCombine(h, s.hash());
    return h;
  }
  uint64_t operator()(types::DType v) const { return base::HashValue(v); }
  uint64_t operator()(const types::Scalar& v) const { return base::HashOf(v.dtype, v.u); }
  uint64_t operator()(const FunctionRef& v) const {
    const auto digest = v->Digest();
    return base::HashBytes(digest.data(), digest.size());
  }
  uint64_t operator()(const types::Sym& v) const { return v.hash(); }
  uint64_t operator()(const types::Mask& v) const { return v.hash(); }
};

struct Printer {
  std::string operator()(std::monostate) const { return "none"; }
  std::string operator()(int64_t v) const { return StrCat(v); }
  std::string operator()(double v) const { return FloatText(v); }
  std::string operator()(bool v) const { return v ? "true" : "false"; }
  std::string operator()(const std::string& v) const {
    return StrCat("\"", absl::CHexEscape(v), "\"");
  }
  std::string operator()(const Ints& v) const { return StrCat("[", absl::StrJoin(v, ","), "]"); }
  std::string operator()(const types::Dims& v) const { return types::DimsToString(v); }
  std::string operator()(types::DType v) const { return std::string(types::Name(v)); }
  std::string operator()(const types::Scalar& v) const {
    return StrCat(types::Name(v.dtype), ":", v.ToString());
  }
  std::string operator()(const FunctionRef& v) const { return v->Print(); }
  std::string operator()(const types::Sym& v) const { return v.ToString(); }
  std::string operator()(const types::Mask& v) const { return v.ToString(); }
};

}  // namespace

std::string_view Name(AttrKind kind) { return kKindNames[static_cast<int>(kind)]; }

bool HasKind(const AttrValue& value, AttrKind kind) {
  return value.index() == 0 || value.index() == static_cast<size_t>(kind) + 1;
}

size_t Hash(const AttrValue& value) {
  return base::HashCombine(value.index(), std::visit(Hasher(), value));
}

bool Equal(const AttrValue& a, const AttrValue& b) {
  if (a.index() != b.index()) return false;
  if (const auto* x = std::get_if<double>(&a)) {
    return base::HashValue(*x) == base::HashValue(std::get<double>(b));  // by bits
  }
  if (const auto* f = std::get_if<FunctionRef>(&a)) {
    const auto& g = std::get<FunctionRef>(b);
    return *f == g || (*f)->Digest() == g->Digest();
  }
  return a == b;
}

std::string ToString(const AttrValue& value) { return std::visit(Printer(), value); }

}  // namespace tensord::ir
