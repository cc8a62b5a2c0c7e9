#include "engine/ops/build.h"

#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/build_attrs.h"
#include "engine/ops/canonical.h"
#include "engine/ops/registry.h"
#include "engine/ops/type_rules.h"

namespace tensord::ops {
namespace {

using ir::AttrValue;
using ir::DTypeRule;
using ir::OpRow;
using types::DType;
using types::Placement;
using types::Scalar;
using types::Type;

using Refs = absl::InlinedVector<Ref, 4>;
using Types = absl::InlinedVector<Type, 4>;

// User input, or an expansion of a checked node: sizes within it may pass the limits of the wire.
enum class Trust : uint8_t { kChecked, kTrusted };

absl::Status CheckInputs(const OpRow& row, absl::Span<const Ref> inputs) {
  const int given = static_cast<int>(inputs.size()), most = static_cast<int>(row.inputs.size());
  const bool variadic = (row.traits & ir::kVariadicInputs) != 0;
  int least = most;
  while (least > 0 && row.inputs[least - 1].optional) --least;
  if (given < least || (given > most && !variadic)) {
    return InvalidArgument(row.name, ": ", given, " inputs given, expected ",
                           least == most && !variadic ? "" : "at least ", least);
  }
  for (int i = 0; i < given; ++i) {
    if (inputs[i]->results() != 1 && row.name != "get") {
      return InvalidArgument(row.name, ": input ", i, " has ", inputs[i]->results(),
                             " results; select one with get");
    }
  }
  return absl::OkStatus();
}

// Where the op runs: where its inputs live. A client's scalar goes along.
absl::StatusOr<Placement> PlaceOf(const OpRow& row, absl::Span<const Ref> inputs,
                                  Placement otherwise) {
  Ref first = nullptr;
  for (Ref input : inputs) {
    if (types::IsWeak(input->dtype())) continue;
    if (first == nullptr) first = input;
    if (input->type().placement != first->type().placement) {
      return InvalidArgument(row.name, ": inputs live on devices ", first->type().placement.device,
                             " and ", input->type().placement.device, "; copy one of them first");
    }
  }
  if (first != nullptr) return first->type().placement;
  return inputs.empty() ? otherwise : inputs[0]->type().placement;
}

bool Fits(const Scalar& value, DType dtype) {
  if (value.dtype != DType::kWeakInt || !types::IsInteger(dtype)) return true;
  if (dtype == DType::kU64) return value.i >= 0;
  return Scalar::Int(dtype, value.i).AsInt64() == value.i;
}

// A client's scalar in the dtype and place of its consumer.
absl::StatusOr<Ref> Strengthen(Graph& graph, const OpRow& row, Ref weak, DType dtype,
                               Placement placement, Trust trust) {
  const Scalar& value = std::get<Scalar>(weak->attr(0));
  if (trust == Trust::kChecked && row.dtype_rule != DTypeRule::kAttr && !Fits(value, dtype)) {
    return InvalidArgument(row.name, ": ", value.ToString(), " does not fit ", types::Name(dtype),
                           "; cast the other input to a wider dtype first");
  }
  return Constant(graph, value.Cast(dtype), placement);
}

absl::Status CastInputs(Graph& graph, const OpRow& row, absl::Span<const DType> dtypes,
                        Placement placement, Trust trust, Refs& inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i]->results() != 1 || inputs[i]->dtype() == dtypes[i]) continue;
    if (types::IsWeak(inputs[i]->dtype())) {
      ASSIGN_OR_RETURN(inputs[i], Strengthen(graph, row, inputs[i], dtypes[i], placement, trust));
    } else {
      inputs[i] = Cast(graph, inputs[i], dtypes[i]);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<DTypes> DTypesOf(const OpRow& row, absl::Span<const Ref> inputs,
                                absl::Span<const AttrValue> attrs) {
  absl::InlinedVector<DType, 4> dtypes;
  for (Ref input : inputs) dtypes.push_back(input->dtype());
  return ApplyDTypeRule(row, dtypes, attrs);
}

Types TypesOf(absl::Span<const Ref> inputs) {
  Types all;
  for (Ref input : inputs) {
    for (int i = 0; i < input->results(); ++i) all.push_back(input->type(i));
  }
  return all;
}

absl::StatusOr<ir::TypeList> InferTypes(const OpRow& row, absl::Span<const Ref> inputs,
                                        absl::Span<const AttrValue> attrs, DType dtype,
                                        Placement placement) {
  const Types in = TypesOf(inputs);
  const ir::RuleInput rule{row, in, attrs};
  ir::TypeList out;
  if (row.infer != nullptr) {
    ASSIGN_OR_RETURN(out, row.infer(rule));
    if (row.name == "copy") return out;
    for (Type& type : out) type.placement = placement;
    return out;
  }
  ASSIGN_OR_RETURN(types::Dims dims, ApplyShapeRule(rule));
  out.assign(row.results, Type{dtype, placement, std::move(dims)});
  return out;
}

absl::Status CheckResults(const OpRow& row, absl::Span<const Type> types) {
  for (const Type& type : types) {
    if (absl::Status s = types::CheckDims(type.dims); !s.ok())
      return Annotate(s, StrCat(row.name, ": "));
  }
  return absl::OkStatus();
}

// The row that computes `row` in `dtype` (add of bools is bitor), or why there is none.
absl::StatusOr<const OpRow*> FormFor(const OpRow& row, DType dtype) {
  if (!row.scalar.has_value() || types::IsFloat(dtype)) return CheckFloatForm(row, dtype);
  return IntegerForm(row, dtype);
}

absl::StatusOr<Ref> MakeNode(Graph& graph, const OpRow& row, Refs inputs, AttrList attrs,
                             Placement placement, Trust trust) {
  RETURN_IF_ERROR(CheckInputs(row, inputs));
  ASSIGN_OR_RETURN(placement, PlaceOf(row, inputs, placement));
  ASSIGN_OR_RETURN(const DTypes dtypes, DTypesOf(row, inputs, attrs));
  if (!inputs.empty()) {
    const OpRow* form = nullptr;
    ASSIGN_OR_RETURN(form, FormFor(row, dtypes.inputs.back()));
    RETURN_IF_ERROR(CastInputs(graph, row, dtypes.inputs, placement, trust, inputs));
    if (form == nullptr) return inputs[0];
    if (form != &row) return MakeNode(graph, *form, std::move(inputs), {}, placement, trust);
  }
  ASSIGN_OR_RETURN(const ir::TypeList types,
                   InferTypes(row, inputs, attrs, dtypes.result, placement));
  if (trust == Trust::kChecked) RETURN_IF_ERROR(CheckResults(row, types));
  if ((row.traits & ir::kElementwise) != 0) {
    for (Ref& input : inputs) input = Expand(graph, input, types[0].dims);
  }
  if (row.level == ir::Level::kCore) {
    if (IsIdentity(row, inputs, attrs, types[0])) return inputs[0];
    const bool array = !inputs.empty() && inputs[0]->results() == 1;
    CanonicalizeAxes(row, array ? inputs[0]->rank() : types[0].rank(), absl::MakeSpan(attrs));
  }
  return graph.Intern(row, inputs, attrs, types);
}

// The common case, add of two equal float types, without the detours.
Ref TryFast(Graph& graph, const OpRow& row, absl::Span<const Ref> inputs) {
  if (inputs.size() != 2 || row.inputs.size() != 2 || !row.scalar.has_value()) return nullptr;
  const Type& type = inputs[0]->type();
  if (!types::IsFloat(type.dtype) || types::IsWeak(type.dtype) || inputs[0]->results() != 1 ||
      inputs[1]->results() != 1 || inputs[1]->type() != type) {
    return nullptr;
  }
  if ((ir::Row(*row.scalar).traits & ir::kIntOrBoolOnly) != 0) return nullptr;
  if (row.dtype_rule != DTypeRule::kBool) return graph.Intern(row, inputs, {}, type);
  return graph.Intern(row, inputs, {}, Type{DType::kBool, type.placement, type.dims});
}

absl::StatusOr<Ref> MakeWith(Graph& graph, const OpRow& row, absl::Span<const Ref> inputs,
                             absl::Span<const AttrValue> attrs, Placement placement, Trust trust) {
  if (attrs.empty()) {
    if (Ref fast = TryFast(graph, row, inputs)) return fast;
  }
  ASSIGN_OR_RETURN(AttrList resolved, ResolveAttrs(row, attrs, trust == Trust::kTrusted));
  return MakeNode(graph, row, Refs(inputs.begin(), inputs.end()), std::move(resolved), placement,
                  trust);
}

}  // namespace

absl::StatusOr<Ref> Make(Graph& graph, const OpRow& row, absl::Span<const Ref> inputs,
                         absl::Span<const NamedAttr> attrs, Placement placement) {
  if (attrs.empty()) return MakeWith(graph, row, inputs, {}, placement, Trust::kChecked);
  ASSIGN_OR_RETURN(const AttrList ordered, OrderAttrs(row, attrs));
  return MakeWith(graph, row, inputs, ordered, placement, Trust::kChecked);
}

absl::StatusOr<Ref> MakePositional(Graph& graph, const OpRow& row, absl::Span<const Ref> inputs,
                                   absl::Span<const AttrValue> attrs, Placement placement) {
  return MakeWith(graph, row, inputs, attrs, placement, Trust::kChecked);
}

Ref Build(Graph& graph, const OpRow& row, absl::Span<const Ref> inputs,
          absl::Span<const NamedAttr> attrs, Placement placement) {
  const absl::StatusOr<AttrList> ordered = OrderAttrs(row, attrs);
  TENSORD_CHECK(ordered.ok(), ordered.status().ToString());
  const absl::StatusOr<Ref> node =
      MakeWith(graph, row, inputs, attrs.empty() ? absl::Span<const AttrValue>() : *ordered,
               placement, Trust::kTrusted);
  TENSORD_CHECK(node.ok(), node.status().ToString());
  return *node;
}

Ref Build(Graph& graph, std::string_view op, absl::Span<const Ref> inputs,
          absl::Span<const NamedAttr> attrs, Placement placement) {
  return Build(graph, Op(op), inputs, attrs, placement);
}

Ref Build(Graph& graph, std::string_view op, std::initializer_list<Ref> inputs,
          std::initializer_list<NamedAttr> attrs, Placement placement) {
  return Build(graph, Op(op), absl::MakeConstSpan(inputs.begin(), inputs.size()),
               absl::MakeConstSpan(attrs.begin(), attrs.size()), placement);
}

}  // namespace tensord::ops
