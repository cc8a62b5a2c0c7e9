#include "engine/ops/build_attrs.h"

#include "absl/container/flat_hash_map.h"
#include "engine/base/status.h"
#include "engine/ops/literals.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::AttrKind;
using ir::AttrSpec;
using ir::AttrValue;
using ir::OpRow;

RowFacts MakeFacts(const OpRow& row) {
  RowFacts facts;
  for (const AttrSpec& spec : row.attrs) {
    const bool required = spec.default_text.empty();
    facts.required.push_back(required);
    const auto value = ParseAttrValue(spec.kind, required ? "none" : spec.default_text);
    TENSORD_CHECK(value.ok(), row.name, " ", spec.name, ": ", value.status().ToString());
    facts.defaults.push_back(*value);
  }
  return facts;
}

using FactsTable = absl::flat_hash_map<const OpRow*, RowFacts>;

const FactsTable& AllFacts() {
  static const FactsTable& table = *[] {
    auto* all = new FactsTable;
    for (const OpRow* row : AllOps()) all->emplace(row, MakeFacts(*row));
    return all;
  }();
  return table;
}

// Numbers stand for their wider kinds: 1 where a float is due, [1,2] where dims are.
AttrValue Coerced(const AttrValue& value, AttrKind kind) {
  const auto* i = std::get_if<int64_t>(&value);
  if (kind == AttrKind::kFloat && i != nullptr) return static_cast<double>(*i);
  if (kind == AttrKind::kDims) {
    if (const auto* ints = std::get_if<ir::Ints>(&value))
      return types::Dims(ints->begin(), ints->end());
  }
  if (kind == AttrKind::kScalar) {
    if (i != nullptr) return types::Scalar::Int(types::DType::kWeakInt, *i);
    if (const auto* f = std::get_if<double>(&value)) {
      return types::Scalar::Float(types::DType::kWeakFloat, *f);
    }
    if (const auto* b = std::get_if<bool>(&value)) {
      return types::Scalar::Int(types::DType::kBool, *b ? 1 : 0);
    }
  }
  return value;
}

bool InRange(const AttrValue& value) {
  constexpr int64_t kMost = types::kMaxElements;
  if (const auto* dims = std::get_if<types::Dims>(&value)) {
    for (const types::Sym& d : *dims) {
      if (d.min() < -kMost || d.max() > kMost) return false;
    }
  }
  if (const auto* ints = std::get_if<ir::Ints>(&value)) {
    for (int64_t v : *ints) {
      if (v < -kMost || v > kMost) return false;
    }
  }
  return true;
}

absl::Status CheckAttr(const OpRow& row, const AttrSpec& spec, const AttrValue& value,
                       bool required, bool trusted) {
  if (required && value.index() == 0) {
    return InvalidArgument(row.name, ": attribute ", spec.name, " (", ir::Name(spec.kind),
                           ") is missing");
  }
  if (!ir::HasKind(value, spec.kind)) {
    return InvalidArgument(row.name, ": attribute ", spec.name, " is ", ir::ToString(value),
                           ", expected ", ir::Name(spec.kind));
  }
  if (!trusted && !InRange(value)) {
    return InvalidArgument(row.name, ": attribute ", spec.name, " ", ir::ToString(value),
                           " is beyond the limit of ", types::kMaxElements);
  }
  return absl::OkStatus();
}

}  // namespace

const RowFacts& FactsOf(const OpRow& row) {
  const auto it = AllFacts().find(&row);
  TENSORD_CHECK(it != AllFacts().end(), "op ", row.name, " is not in the registry");
  return it->second;
}

absl::StatusOr<AttrList> ResolveAttrs(const OpRow& row, absl::Span<const AttrValue> given,
                                      bool trusted) {
  AttrList out;
  if (given.size() > row.attrs.size()) {
    return InvalidArgument(row.name, ": ", given.size(), " attributes given, it has ",
                           row.attrs.size());
  }
  if (row.attrs.empty()) return out;
  const RowFacts& facts = FactsOf(row);
  for (size_t i = 0; i < row.attrs.size(); ++i) {
    const bool absent = i >= given.size() || given[i].index() == 0;
    out.push_back(absent ? facts.defaults[i] : Coerced(given[i], row.attrs[i].kind));
    RETURN_IF_ERROR(CheckAttr(row, row.attrs[i], out.back(), facts.required[i], trusted));
  }
  return out;
}

absl::StatusOr<AttrList> OrderAttrs(const OpRow& row, absl::Span<const NamedAttr> named) {
  AttrList out(row.attrs.size());
  for (const NamedAttr& attr : named) {
    size_t at = 0;
    while (at < row.attrs.size() && row.attrs[at].name != attr.name) ++at;
    if (at == row.attrs.size()) {
      return InvalidArgument(row.name, ": no attribute named \"", attr.name, "\"");
    }
    if (out[at].index() != 0) {
      return InvalidArgument(row.name, ": attribute ", attr.name, " is given twice");
    }
    out[at] = attr.value;
  }
  return out;
}

}  // namespace tensord::ops
