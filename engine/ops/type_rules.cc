#include "engine/ops/type_rules.h"

#include "engine/base/check.h"
#include "engine/base/status.h"

namespace tensord::ops {
namespace {

using ir::DTypeRule;
using types::DType;

DType PromoteAll(absl::Span<const DType> dtypes) {
  DType all = dtypes.empty() ? DType::kInvalid : dtypes[0];
  for (DType dtype : dtypes) all = types::Promote(all, dtype);
  return all;
}

// Every input in one dtype.
DTypes Uniform(size_t inputs, DType input, DType result) {
  DTypes d;
  d.inputs.assign(inputs, input);
  d.result = result;
  return d;
}

// Inputs as they are, weak ones made strong.
DTypes Own(absl::Span<const DType> inputs, DType result) {
  DTypes d;
  for (DType dtype : inputs) d.inputs.push_back(types::Strong(dtype));
  d.result = types::Strong(result);
  return d;
}

// A weak float beside a float `first` takes its dtype, so that 0.1 keeps first's precision.
DTypes FirstRule(absl::Span<const DType> inputs) {
  DTypes d = Own(inputs, inputs[0]);
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (inputs[i] == DType::kWeakFloat && types::IsFloat(d.result)) d.inputs[i] = d.result;
  }
  return d;
}

DTypes FloatFirst(absl::Span<const DType> inputs) {
  DTypes d = Own(inputs, types::FloatOf(inputs[0]));
  d.inputs[0] = d.result;
  for (size_t i = 1; i < inputs.size(); ++i) {
    if (types::IsFloat(inputs[i])) d.inputs[i] = d.result;
  }
  return d;
}

DTypes SelectRule(absl::Span<const DType> inputs) {
  const DType rest = types::Strong(PromoteAll(inputs.subspan(1)));
  DTypes d = Uniform(inputs.size(), rest, rest);
  d.inputs[0] = DType::kBool;
  return d;
}

// The attribute `dtype`, kInvalid when the row has none or it was not given.
DType DTypeAttr(const ir::OpRow& row, absl::Span<const ir::AttrValue> attrs) {
  for (size_t i = 0; i < row.attrs.size() && i < attrs.size(); ++i) {
    if (row.attrs[i].name != "dtype") continue;
    if (const auto* dtype = std::get_if<DType>(&attrs[i])) return *dtype;
  }
  return DType::kInvalid;
}

// `cast` of a client's scalar takes the scalar as it is.
absl::StatusOr<DTypes> AttrRule(const ir::OpRow& row, absl::Span<const DType> inputs, DType dtype) {
  if (dtype == DType::kInvalid) {
    if (inputs.empty()) return InvalidArgument(row.name, ": attribute dtype is missing");
    dtype = inputs[0];
  }
  DTypes d = Own(inputs, dtype);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (types::IsWeak(inputs[i]) && row.scalar == ir::ScalarOp::kCast) d.inputs[i] = d.result;
  }
  return d;
}

DTypes SumRule(absl::Span<const DType> inputs, DType dtype) {
  if (dtype != DType::kInvalid) return Own(inputs, dtype);
  const DType x = types::Strong(inputs[0]);
  return Own(inputs, types::IsFloat(x) ? x : types::Row(x).sum);
}

}  // namespace

absl::StatusOr<DTypes> ApplyDTypeRule(const ir::OpRow& row, absl::Span<const DType> inputs,
                                      absl::Span<const ir::AttrValue> attrs) {
  const DType attr = DTypeAttr(row, attrs);
  if (types::IsWeak(attr)) {
    return InvalidArgument(row.name, ": dtype ", types::Name(attr),
                           " is for client scalars only; give a storage dtype such as ",
                           types::Name(types::Strong(attr)));
  }
  if (row.dtype_rule == DTypeRule::kAttr) return AttrRule(row, inputs, attr);
  if (inputs.empty()) return Own(inputs, DType::kInvalid);
  const size_t n = inputs.size();
  const DType all = types::Strong(PromoteAll(inputs));
  switch (row.dtype_rule) {
    case DTypeRule::kSame:
      return Uniform(n, all, all);
    case DTypeRule::kFloat:
      return Uniform(n, types::FloatOf(all), types::FloatOf(all));
    case DTypeRule::kBool:
      return Uniform(n, all, DType::kBool);
    case DTypeRule::kLogical:
      return Uniform(n, DType::kBool, DType::kBool);
    case DTypeRule::kFirst:
      return FirstRule(inputs);
    case DTypeRule::kFloatFirst:
      return FloatFirst(inputs);
    case DTypeRule::kSelect:
      return SelectRule(inputs);
    case DTypeRule::kSum:
      return SumRule(inputs, attr);
    case DTypeRule::kIndex:
      return Own(inputs, DType::kI32);
    default:
      return Own(inputs, inputs[0]);
  }
}

absl::StatusOr<ir::TypeList> InferByRules(const ir::RuleInput& input) {
  absl::InlinedVector<DType, 4> dtypes;
  for (const types::Type& type : input.inputs) dtypes.push_back(type.dtype);
  ASSIGN_OR_RETURN(const DTypes chosen, ApplyDTypeRule(input.row, dtypes, input.attrs));
  ASSIGN_OR_RETURN(types::Dims dims, ApplyShapeRule(input));
  return ir::TypeList(input.row.results, types::Type{chosen.result, {}, std::move(dims)});
}

absl::StatusOr<ir::TypeList> InferIntegers(const ir::RuleInput& input) {
  for (const types::Type& type : input.inputs) {
    if (types::IsInteger(type.dtype)) continue;
    return InvalidArgument(input.row.name, ": needs integers, got ", types::Name(type.dtype),
                           "; cast first");
  }
  return InferByRules(input);
}

absl::StatusOr<ir::TypeList> InferNumbers(const ir::RuleInput& input) {
  for (const types::Type& type : input.inputs) {
    if (!types::IsBool(type.dtype)) continue;
    return InvalidArgument(input.row.name, ": has no meaning for bool; cast to an integer first");
  }
  return InferByRules(input);
}

}  // namespace tensord::ops
