#include "engine/ops/canonical.h"

#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/registry.h"

namespace tensord::ops {
namespace {

using ir::Ints;
using ir::OpRow;
using ir::ScalarOp;
using types::DType;

// What a scalar op means on bools: another op ("" : the input itself), or nothing.
struct BoolForm {
  ScalarOp op;
  std::string_view instead;
};
constexpr BoolForm kBoolForms[] = {
    {ScalarOp::kAdd, "bitor"}, {ScalarOp::kMul, "bitand"}, {ScalarOp::kMin, "bitand"},
    {ScalarOp::kMax, "bitor"}, {ScalarOp::kAbs, ""},
};

constexpr ScalarOp kNoBool[] = {ScalarOp::kSub,      ScalarOp::kNeg,      ScalarOp::kFloorDiv,
                                ScalarOp::kFloorMod, ScalarOp::kTruncDiv, ScalarOp::kTruncRem,
                                ScalarOp::kShl,      ScalarOp::kShr,      ScalarOp::kPow};
constexpr ScalarOp kIntIdentity[] = {ScalarOp::kFloor, ScalarOp::kCeil, ScalarOp::kTrunc,
                                     ScalarOp::kRound};

template <size_t N>
bool Contains(const ScalarOp (&list)[N], ScalarOp op) {
  return std::find(std::begin(list), std::end(list), op) != std::end(list);
}

absl::StatusOr<const OpRow*> FormOnBool(const OpRow& row) {
  for (const BoolForm& form : kBoolForms) {
    if (form.op == *row.scalar) return form.instead.empty() ? nullptr : &Op(form.instead);
  }
  if (Contains(kNoBool, *row.scalar)) {
    return InvalidArgument(row.name,
                           ": has no meaning for bool; use bitxor or bitand, or cast to an "
                           "integer first");
  }
  return &row;
}

bool AllEqual(const Ints& values, int64_t value) {
  return std::all_of(values.begin(), values.end(), [value](int64_t v) { return v == value; });
}

bool AllZero(const types::Dims& dims) {
  return std::all_of(dims.begin(), dims.end(),
                     [](const types::Sym& d) { return d == types::Sym(0); });
}

bool IsAscending(const Ints& order) {
  for (size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<int64_t>(i)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<const OpRow*> IntegerForm(const OpRow& row, DType dtype) {
  if (Contains(kIntIdentity, *row.scalar)) return nullptr;
  if (types::IsBool(dtype)) return FormOnBool(row);
  if (row.scalar == ScalarOp::kPow) return &Op("int_pow");
  return &row;
}

absl::StatusOr<const OpRow*> CheckFloatForm(const OpRow& row, DType dtype) {
  if (row.scalar.has_value() && types::IsFloat(dtype) &&
      (ir::Row(*row.scalar).traits & ir::kIntOrBoolOnly) != 0) {
    return InvalidArgument(row.name, ": needs integers or bools, got ", types::Name(dtype),
                           "; cast or bitcast first");
  }
  return &row;
}

bool IsIdentity(const OpRow& row, absl::Span<const ir::Ref> inputs,
                absl::Span<const ir::AttrValue> attrs, const types::Type& result) {
  if (inputs.size() != 1 || attrs.empty()) return false;
  if (inputs[0]->results() != 1 || inputs[0]->type() != result) return false;
  const std::string_view name = row.name;
  if (name == "cast" || name == "bitcast" || name == "reshape" || name == "expand" ||
      name == "copy" || name == "shrink") {
    return true;
  }
  if (name == "pad")
    return AllZero(std::get<types::Dims>(attrs[0])) && AllZero(std::get<types::Dims>(attrs[1]));
  if (name == "permute") return IsAscending(std::get<Ints>(attrs[0]));
  if (name == "flip") return std::get<Ints>(attrs[0]).empty();
  if (name == "stride" || name == "dilate") return AllEqual(std::get<Ints>(attrs[0]), 1);
  if (name == "window") return std::get<Ints>(attrs[0]).empty();
  if (name == "reduce") return std::get<Ints>(attrs[1]).empty();
  return false;
}

void CanonicalizeAxes(const OpRow& row, int rank, absl::Span<ir::AttrValue> attrs) {
  for (size_t i = 0; i < attrs.size(); ++i) {
    if (row.attrs[i].name == "axis") {
      auto& axis = std::get<int64_t>(attrs[i]);
      if (axis < 0) axis += rank;
    } else if (row.attrs[i].name == "axes") {
      auto& axes = std::get<Ints>(attrs[i]);
      for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
      if (row.name != "window") std::sort(axes.begin(), axes.end());
    } else if (row.name == "window" && i > 1) {
      auto& given = std::get<Ints>(attrs[i]);
      if (given.empty()) given.assign(std::get<Ints>(attrs[0]).size(), 1);
    }
  }
}

}  // namespace tensord::ops
