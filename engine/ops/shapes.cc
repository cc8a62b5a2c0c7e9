// Other spellings of reshape, permute and expand.
#include "engine/base/status.h"
#include "engine/ops/movement_rows.h"

namespace tensord::ops {
namespace {

absl::StatusOr<ir::TypeList> WithDims(const RuleInput& in, Dims dims) {
  return ir::TypeList{types::Type{in.inputs[0].dtype, {}, std::move(dims)}};
}

absl::StatusOr<ir::TypeList> InferBroadcastTo(const RuleInput& in) {
  const Dims &to = *in.get<Dims>("dims"), &x = in.inputs[0].dims;
  absl::StatusOr<Dims> both = BroadcastDims(in.row.name, x, to);
  if (!both.ok() || *both != to) {
    return InvalidArgument(in.row.name, ": ", types::DimsToString(x), " does not broadcast to ",
                           types::DimsToString(to),
                           "; dims must be equal or 1, aligned at the end");
  }
  return WithDims(in, to);
}

absl::StatusOr<ir::TypeList> InferTranspose(const RuleInput& in) {
  const int rank = in.inputs[0].rank();
  ASSIGN_OR_RETURN(const int a, NormalizeAxis(in.row.name, *in.get<int64_t>("axis0"), rank));
  ASSIGN_OR_RETURN(const int b, NormalizeAxis(in.row.name, *in.get<int64_t>("axis1"), rank));
  Dims dims = in.inputs[0].dims;
  std::swap(dims[a], dims[b]);
  return WithDims(in, std::move(dims));
}

Refs ExpandTranspose(Graph& g, Ref node) {
  const Ref x = node->input(0);
  Ints order(x->rank());
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::swap(order[*NormalizeAxis("transpose", node->attr<int64_t>("axis0"), x->rank())],
            order[*NormalizeAxis("transpose", node->attr<int64_t>("axis1"), x->rank())]);
  return {Permute(g, x, order)};
}

// Axes of 1 taken away; all of them when none are named.
absl::StatusOr<ir::TypeList> InferSqueeze(const RuleInput& in) {
  const Dims& x = in.inputs[0].dims;
  const Ints* axes = in.get<Ints>("axes");
  Ints named;
  if (axes != nullptr) {
    ASSIGN_OR_RETURN(named, NormalizeAxes(in.row.name, *axes, in.inputs[0].rank()));
  }
  Dims out;
  for (size_t i = 0; i < x.size(); ++i) {
    const bool listed =
        std::find(named.begin(), named.end(), static_cast<int64_t>(i)) != named.end();
    if (listed && x[i] != Sym(1)) {
      return InvalidArgument(in.row.name, ": axis ", i, " of ", types::DimsToString(x),
                             " is not 1");
    }
    if (!(axes == nullptr ? x[i] == Sym(1) : listed)) out.push_back(x[i]);
  }
  return WithDims(in, std::move(out));
}

absl::StatusOr<ir::TypeList> InferUnsqueeze(const RuleInput& in) {
  const Ints& axes = *in.get<Ints>("axes");
  const int rank = in.inputs[0].rank() + static_cast<int>(axes.size());
  ASSIGN_OR_RETURN(const Ints sorted, NormalizeAxes(in.row.name, axes, rank));
  Dims out = in.inputs[0].dims;
  for (int64_t axis : sorted) out.insert(out.begin() + axis, Sym(1));
  return WithDims(in, std::move(out));
}

absl::StatusOr<ir::TypeList> InferFlatten(const RuleInput& in) {
  const Dims& x = in.inputs[0].dims;
  if (x.empty()) return WithDims(in, {Sym(1)});
  const int rank = in.inputs[0].rank();
  ASSIGN_OR_RETURN(const int first, NormalizeAxis(in.row.name, *in.get<int64_t>("start"), rank));
  ASSIGN_OR_RETURN(const int last, NormalizeAxis(in.row.name, *in.get<int64_t>("end"), rank));
  if (first > last) {
    return InvalidArgument(in.row.name, ": start ", first, " is after end ", last);
  }
  Dims out(x.begin(), x.begin() + first);
  out.push_back(types::NumElements(absl::MakeConstSpan(x).subspan(first, last - first + 1)));
  out.insert(out.end(), x.begin() + last + 1, x.end());
  return WithDims(in, std::move(out));
}

Refs ExpandReshape(Graph& g, Ref node) { return {Reshape(g, node->input(0), node->dims())}; }

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "broadcast_to",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"dims", AttrKind::kDims, "", "of the result"}},
     .shape_rule = ShapeRule::kDimsAttr,
     .infer = InferBroadcastTo,
     .expand = [](Graph& g, Ref node) -> Refs { return {Expand(g, node->input(0), node->dims())}; },
     .doc = "x repeated to dims, by numpy's rules.",
     .examples = {{{"f32[2] {1, 2}"}, "dims=[2,2]", {"f32[2,2] {1, 2, 1, 2}"}}}},
    {.name = "transpose",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"axis0", AttrKind::kInt, "-2", "swapped with axis1"},
               {"axis1", AttrKind::kInt, "-1", ""}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferTranspose,
     .expand = ExpandTranspose,
     .doc = "Two axes swapped, the last two by default.",
     .examples = {{{"f32[2,3] {1, 2, 3, 4, 5, 6}"}, "", {"f32[3,2] {1, 4, 2, 5, 3, 6}"}}}},
    {.name = "squeeze",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"axes", AttrKind::kInts, "none", "of dim 1; all such when absent"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferSqueeze,
     .expand = ExpandReshape,
     .doc = "Axes of 1 taken away.",
     .examples = {{{"f32[1,2,1] {1, 2}"}, "", {"f32[2] {1, 2}"}},
                  {{"f32[1,2,1] {1, 2}"}, "axes=[-1]", {"f32[1,2] {1, 2}"}}}},
    {.name = "unsqueeze",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"axes", AttrKind::kInts, "", "of dim 1, counted in the result"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferUnsqueeze,
     .expand = ExpandReshape,
     .doc = "Axes of 1 inserted.",
     .examples = {{{"f32[2] {1, 2}"}, "axes=[0,-1]", {"f32[1,2,1] {1, 2}"}}}},
    {.name = "flatten",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"start", AttrKind::kInt, "0", "first axis merged"},
               {"end", AttrKind::kInt, "-1", "last axis merged"}},
     .shape_rule = ShapeRule::kCustom,
     .infer = InferFlatten,
     .expand = ExpandReshape,
     .doc = "Neighbouring axes merged into one; a number becomes one element.",
     .examples = {{{"f32[1,2,2] {1, 2, 3, 4}"}, "start=1", {"f32[1,4] {1, 2, 3, 4}"}}}},
};

}  // namespace

const std::vector<OpRow>& ShapeRows() { return kRows; }

}  // namespace tensord::ops
