#include "engine/schedule/expression.h"

#include <algorithm>

#include "engine/base/strings.h"
#include "engine/ops/registry.h"

namespace tensord::schedule {
namespace {

using ir::AttrValue;
using ir::ScalarOp;
using types::Dims;
using types::DType;
using types::Scalar;
using types::Type;

// One more than the highest number of a fold range in `sym`, 0 without one. An opaque value that
// changes inside a fold counts as the first.
int RangesIn(const Sym& sym) {
  int ranges = 0;
  for (const Sym::VariableInfo& variable : sym.Variables()) {
    if (IsFoldName(variable.name)) ranges = std::max({ranges, 1, FoldRangeOf(variable.name) + 1});
  }
  return ranges;
}

// How many fold ranges are open around an access; 0 outside of folds.
int RangesAround(const Access& access) {
  int ranges = 0;
  for (const Sym& coord : access.coords) ranges = std::max(ranges, RangesIn(coord));
  for (const types::Bound& bound : access.mask.bounds()) {
    ranges = std::max(ranges, RangesIn(bound.expr));
  }
  return ranges;
}

// The reduced axes as ranges: one per axis for a contraction, whose order is plain ascending; else
// adjacent axes are one range, so that lanes run over as many elements as possible.
std::vector<std::vector<int>> FoldGroups(const Dims& dims, const ir::Ints& axes, bool merge) {
  std::vector<std::vector<int>> groups;
  for (int64_t axis : axes) {
    const bool adjacent = merge && !groups.empty() && groups.back().back() + 1 == axis &&
                          dims[axis].is_constant() && dims[groups.back().back()].is_constant();
    if (adjacent) {
      groups.back().push_back(static_cast<int>(axis));
    } else {
      groups.push_back({static_cast<int>(axis)});
    }
  }
  return groups;
}

Sym GroupExtent(const Dims& dims, const std::vector<int>& group) {
  Sym extent = 1;
  for (int axis : group) extent *= dims[axis];
  return extent;
}

}  // namespace

int FoldLanes(const Sym& extent) {
  constexpr int kMaxLanes = 16;
  int lanes = 1;
  while (lanes < kMaxLanes && lanes * 2 <= extent.max()) lanes *= 2;
  return lanes;
}

Ref ExpressionBuilder::Make(const ir::OpRow& op, absl::Span<const Ref> inputs,
                            absl::Span<const AttrValue> attrs, DType dtype) {
  Type type;
  type.dtype = dtype;
  return graph_.Intern(op, inputs, attrs, type);
}

Ref ExpressionBuilder::Conflict(Ref node, std::string reason) {
  if (conflict_ == nullptr) {
    conflict_ = node;
    conflict_reason_ = std::move(reason);
  }
  return nullptr;
}

Ref ExpressionBuilder::Origin(Ref expression) const {
  auto it = origin_.find(expression);
  return it == origin_.end() ? nullptr : it->second;
}

bool ExpressionBuilder::DependsOnFold(Ref expression) const {
  const Ref roots[] = {expression};
  absl::flat_hash_set<Ref>
      folds;  // a fold is built only where it depends on no outer fold's ranges
  for (Ref node : ir::TopologicalOrder(roots)) {
    if (IsFold(node)) folds.insert(node);
  }
  for (Ref node : ir::TopologicalOrder(roots, &folds)) {
    for (const AttrValue& attr : node->attrs()) {
      const auto* sym = std::get_if<Sym>(&attr);
      const auto* mask = std::get_if<Mask>(&attr);
      if (sym != nullptr && RangesAround({{*sym}, {}}) > 0) return true;
      if (mask != nullptr && RangesAround({{}, *mask}) > 0) return true;
    }
  }
  return false;
}

Ref ExpressionBuilder::Root(Ref node) { return Build(node, Access{point_, {}}); }

Ref ExpressionBuilder::Value(Ref node, const Access& access) {
  if (conflict_ != nullptr) return nullptr;
  while (node->is("detach") && !value_of_(node).has_value()) node = node->input(0);
  Key key{node, access.coords, access.mask};
  if (auto it = memo_.find(key); it != memo_.end()) return it->second;
  Ref result = nullptr;
  const bool here = members_.contains(node) && access.mask.always() && access.coords == point_;
  if (std::optional<int> value = value_of_(node); value.has_value() && !here) {
    result = Load(node, *value, access);
  } else {
    result = Build(node, access);
  }
  if (result != nullptr) memo_.emplace(std::move(key), result);
  return result;
}

Ref ExpressionBuilder::Build(Ref node, const Access& access) {
  if (node->is("const")) {
    return Make(node->op(), {}, node->attrs(), node->dtype());
  }
  if (node->is("iota")) return Index(access.coords[node->attr<int64_t>("axis")], node->dtype());
  if (node->is("dim_value")) return Index(node->attr<Dims>("value")[0], node->dtype());
  if (node->is("pad") || node->is("dilate")) return Masked(node, access);
  if (IsMovement(node)) return Value(node->input(0), Through(node, access));
  if (node->is("contiguous") || node->is("detach")) return Value(node->input(0), access);
  if (node->is("reduce")) return Fold(node, access);
  if (node->is("gather")) return Gather(node, access);
  if (node->op().scalar.has_value()) return Elementwise(node, access);
  return Conflict(node, "not inlinable");
}

Ref ExpressionBuilder::Index(const Sym& value, DType dtype) {
  const AttrValue attrs[] = {value, dtype};
  return Make(IndexOp(), OpaqueInputs(attrs), attrs, dtype);
}

Ref ExpressionBuilder::Elementwise(Ref node, const Access& access) {
  absl::InlinedVector<Ref, 3> inputs;
  for (Ref input : node->inputs()) {
    Ref value = Value(input, access);
    if (value == nullptr) return nullptr;
    inputs.push_back(value);
  }
  Ref result = Make(node->op(), inputs, node->attrs(), node->dtype());
  if (ir::Row(*node->op().scalar).traits & ir::kTranscendental) origin_[result] = node;
  return result;
}

Ref ExpressionBuilder::Masked(Ref node, const Access& access) {
  const Access inner = Through(node, access);
  Scalar zero;
  zero.dtype = node->dtype();
  const AttrValue zero_attr[] = {zero};
  Ref nothing = Make(ops::Op("const"), {}, zero_attr, node->dtype());
  if (inner.mask.never()) return nothing;
  Ref value = Value(node->input(0), inner);
  if (value == nullptr || inner.mask.always() || &value->op() == &LoadOp()) return value;
  const AttrValue mask_attr[] = {inner.mask};
  Ref valid = Make(ValidOp(), OpaqueInputs(mask_attr), mask_attr, DType::kBool);
  const Ref operands[] = {valid, value, nothing};
  return Make(ops::Op(ScalarOp::kWhere), operands, {}, node->dtype());
}

Ref ExpressionBuilder::Load(Ref node, int value, const Access& access) {
  auto it = std::find(reads_.begin(), reads_.end(), value);
  const int64_t param = it - reads_.begin();
  if (it == reads_.end()) reads_.push_back(value);
  const Sym index = types::SimplifyUnder(Flatten(access.coords, node->dims()), access.mask);
  const AttrValue attrs[] = {param, index, access.mask};
  return Make(LoadOp(), OpaqueInputs(attrs), attrs, node->dtype());
}

Ref ExpressionBuilder::Fold(Ref node, const Access& access) {
  const int first = RangesAround(access);
  if (first > 0 && !is_nested_(node)) return Conflict(node, "fold inside a fold");
  const Dims& dims = node->input(0)->dims();
  const ir::Ints& axes = node->attr<ir::Ints>("axes");
  const bool contraction = is_contraction_(node);
  Access inner{std::vector<Sym>(dims.size()), access.mask};
  std::vector<bool> reduced(dims.size(), false);
  Dims extents;
  for (const std::vector<int>& group : FoldGroups(dims, axes, !contraction)) {
    Range range{FoldName(first + static_cast<int>(extents.size())), GroupExtent(dims, group)};
    extents.push_back(range.extent);
    Sym position = range.variable();
    for (size_t i = group.size(); i-- > 0;) {
      reduced[group[i]] = true;
      inner.coords[group[i]] = i == 0 ? position : types::Mod(position, dims[group[i]]);
      position = types::FloorDiv(position, dims[group[i]]);
    }
  }
  for (size_t i = 0, kept = 0; i < dims.size(); ++i) {
    if (!reduced[i]) inner.coords[i] = access.coords[kept++];
  }
  Ref body = Value(node->input(0), inner);
  if (body == nullptr) return nullptr;
  const int64_t lanes = contraction || extents.empty() ? 1 : FoldLanes(extents.back());
  const AttrValue attrs[] = {node->attr<std::string>("monoid"), extents, lanes, int64_t{first}};
  Ref result = Make(FoldOp(), {&body, 1}, attrs, node->dtype());
  origin_[result] = node;
  return result;
}

Sym ExpressionBuilder::Opaque(Ref value, const Sym& extent) {
  const std::string name = OpaqueName(value, DependsOnFold(value));
  opaque_.emplace(name, value);
  return Sym::Variable(name, 0, std::max<int64_t>(extent.max() - 1, 0));
}

std::vector<Ref> ExpressionBuilder::OpaqueInputs(absl::Span<const AttrValue> attrs) const {
  std::vector<Ref> inputs;
  for (const std::string& name : OpaqueNames(attrs)) inputs.push_back(opaque_.at(name));
  return inputs;
}

Ref ExpressionBuilder::Gather(Ref node, const Access& access) {
  const int64_t axis = node->attr<int64_t>("axis");
  Ref x = node->input(0);
  Ref position = Value(node->input(1), access);
  if (position == nullptr) return nullptr;
  const auto scalar_op = [&](ScalarOp op, std::initializer_list<Ref> inputs, DType dtype) {
    return Make(ops::Op(op), absl::MakeConstSpan(inputs.begin(), inputs.size()), {}, dtype);
  };
  const AttrValue to_i64[] = {DType::kI64};
  if (position->dtype() != DType::kI64)
    position = Make(ops::Op(ScalarOp::kCast), {&position, 1}, to_i64, DType::kI64);
  Ref last = Index(x->dims()[axis] - 1, DType::kI64);
  Ref zero = Index(0, DType::kI64);
  Ref clamped = scalar_op(ScalarOp::kMin, {position, last}, DType::kI64);
  clamped = scalar_op(ScalarOp::kMax, {clamped, zero}, DType::kI64);
  Access inner = access;
  inner.coords[axis] = Opaque(clamped, x->dims()[axis]);
  Ref value = Value(x, inner);
  if (value == nullptr) return nullptr;
  Ref inside = scalar_op(ScalarOp::kEq, {position, clamped}, DType::kBool);
  Scalar nothing;
  nothing.dtype = node->dtype();
  const AttrValue zero_attr[] = {nothing};
  Ref outside = Make(ops::Op("const"), {}, zero_attr, node->dtype());
  return scalar_op(ScalarOp::kWhere, {inside, value, outside}, node->dtype());
}

}  // namespace tensord::schedule
