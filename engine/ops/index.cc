// Selecting and replacing elements by computed positions.
#include "engine/ops/index.h"

#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/index_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// The dims of x in three parts: before `axis`, the `count` axes from there, and after.
struct Split {
  Dims before, indexed, after;

  Split(const Dims& dims, int axis, int count)
      : before(dims.begin(), dims.begin() + axis),
        indexed(dims.begin() + axis, dims.begin() + axis + count),
        after(dims.begin() + axis + count, dims.end()) {}
  // [before, m, after] as three dims.
  Dims Flat(const Sym& m) const {
    return {types::NumElements(before), m, types::NumElements(after)};
  }
  Dims With(const Dims& middle) const {
    Dims dims = before;
    dims.insert(dims.end(), middle.begin(), middle.end());
    dims.insert(dims.end(), after.begin(), after.end());
    return dims;
  }
};

int AxisOf(Ref node) {
  return *NormalizeAxis(node->op().name, node->attr<int64_t>("axis"), node->input(0)->rank());
}

// `positions` (any dims) as an index along the middle of [before, m, after].
Ref MiddleIndex(Graph& graph, Ref positions, const Split& split) {
  const Sym m = types::NumElements(positions->dims());
  return Expand(graph, Reshape(graph, positions, {Sym(1), m, Sym(1)}), split.Flat(m));
}

Ref TakeMiddle(Graph& graph, Ref x, Ref positions, const Split& split) {
  Ref flat = Reshape(graph, x, split.Flat(types::NumElements(split.indexed)));
  Ref taken =
      Build(graph, "gather", {flat, MiddleIndex(graph, positions, split)}, {{"axis", int64_t{1}}});
  return Reshape(graph, taken, split.With(positions->dims()));
}

// ---- take, one_hot ----

Refs ExpandTake(Graph& graph, Ref node) {
  const Split split(node->input(0)->dims(), AxisOf(node), 1);
  return {
      TakeMiddle(graph, node->input(0), WrapIndex(graph, node->input(1), split.indexed[0]), split)};
}

Refs ExpandOneHot(Graph& graph, Ref node) {
  const int last = node->rank() - 1;
  const Expr index = WideIndex(graph, node->input(0), node->dims()[last]);
  const Expr classes(graph, Iota(graph, node->dims(), last, index.dtype(), node->type().placement));
  return {(classes == Expr(graph, Unsqueeze(graph, index, last))).To(node->attr<DType>("dtype"))};
}

// ---- index, index_put: several positions at once ----

// The dims that the index inputs from `first` on broadcast to, and checks of their dtypes and
// number.
absl::StatusOr<Dims> IndexDims(const RuleInput& in, size_t first) {
  const int count = static_cast<int>(in.inputs.size() - first);
  ASSIGN_OR_RETURN(const int axis,
                   NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), in.inputs[0].rank()));
  if (axis + count > in.inputs[0].rank()) {
    return InvalidArgument(in.row.name, ": ", count, " indices from axis ", axis,
                           " on are too many for ", in.inputs[0].ToString());
  }
  Dims dims;
  for (const types::Type& type : in.inputs.subspan(first)) {
    if (!types::IsInteger(type.dtype)) {
      return InvalidArgument(in.row.name, ": index ", type.ToString(),
                             " must hold integers; cast it, and use where for bool masks");
    }
    ASSIGN_OR_RETURN(dims, BroadcastDims(in.row.name, dims, type.dims));
  }
  return Split(in.inputs[0].dims, axis, count).With(dims);
}

absl::StatusOr<TypeList> InferIndex(const RuleInput& in) {
  types::Type out = in.inputs[0];
  ASSIGN_OR_RETURN(out.dims, IndexDims(in, 1));
  return TypeList{out};
}

absl::StatusOr<TypeList> InferIndexPut(const RuleInput& in) {
  const types::Type &x = in.inputs[0], &values = in.inputs[1];
  ASSIGN_OR_RETURN(const Dims dims, IndexDims(in, 2));
  const auto full = BroadcastDims(in.row.name, dims, values.dims);
  if (!full.ok() || *full != dims) {
    return InvalidArgument("index_put: values ", values.ToString(), " do not broadcast to ",
                           types::DimsToString(dims), ", the elements that the indices select");
  }
  if (values.dtype != x.dtype) {
    return InvalidArgument("index_put: values are ", types::Name(values.dtype), ", x is ",
                           types::Name(x.dtype), "; cast one of them");
  }
  const std::string& mode = *in.get<std::string>("mode");
  if (mode != "set" && mode != "add" && mode != "max" && mode != "min") {
    return InvalidArgument("index_put: mode \"", mode, "\" must be set, add, max or min");
  }
  if (mode == "add" && types::IsBool(x.dtype)) {
    return InvalidArgument(
        "index_put: mode add has no meaning for bool; use max (or) or min (and)");
  }
  return TypeList{x};
}

// Row-major positions within `extents`, one index for each; -1 where any of them is outside.
Expr JointIndex(Graph& graph, absl::Span<const Ref> indices, const Dims& extents) {
  const Sym n = types::NumElements(extents);
  if (indices.size() == 1) return WrapIndex(graph, indices[0], n);
  const DType dtype = n.max() > INT32_MAX ? DType::kI64 : DType::kI32;
  const auto place = indices[0]->type().placement;
  std::optional<Expr> joint, inside;
  for (size_t i = 0; i < indices.size(); ++i) {
    const Expr index = WrapIndex(graph, indices[i], extents[i]);
    const Expr extent(graph, SymValue(graph, extents[i], index.dtype(), place));
    const Expr valid = (index >= 0.0) & (index < extent), at = index.To(dtype);
    joint = joint ? *joint * extent.To(dtype) + at : at;
    inside = inside ? *inside & valid : valid;
  }
  return Select(*inside, *joint, joint->Number(-1));
}

Refs ExpandIndex(Graph& graph, Ref node) {
  const auto indices = node->inputs().subspan(1);
  const Split split(node->input(0)->dims(), AxisOf(node), static_cast<int>(indices.size()));
  Ref taken = TakeMiddle(graph, node->input(0), JointIndex(graph, indices, split.indexed), split);
  return {taken};
}

Refs ExpandIndexPut(Graph& graph, Ref node) {
  const auto indices = node->inputs().subspan(2);
  const Split split(node->dims(), AxisOf(node), static_cast<int>(indices.size()));
  const Expr joint = JointIndex(graph, indices, split.indexed);
  Ref base = Reshape(graph, node->input(0), split.Flat(types::NumElements(split.indexed)));
  Ref values = Reshape(graph, Expand(graph, node->input(1), split.With(joint.dims())),
                       split.Flat(types::NumElements(joint.dims())));
  Ref put = Build(graph, "scatter", {base, MiddleIndex(graph, joint, split), values},
                  {{"axis", int64_t{1}}, {"mode", node->attr<std::string>("mode")}});
  return {Reshape(graph, put, node->dims())};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "take",
     .family = Family::kIndex,
     .inputs = {{"x"}, {"index", "integers"}},
     .attrs = {{"axis", AttrKind::kInt, "0", "the axis that index's dims replace"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kTake,
     .expand = ExpandTake,
     .doc =
         "Slices of x at the positions of an index, which replace one axis: x [A, n, B] and index "
         "[*i] give [A, *i, B]. Negative positions count from the end; those outside x read zero. "
         "As numpy.take.",
     .examples = {{.inputs = {"f32[3] {10, 20, 30}", "i32[2,2] {0, -1, 2, 3}"},
                   .results = {"f32[2,2] {10, 30, 30, 0}"}},
                  {.inputs = {"i32[2,2] {1, 2, 3, 4}", "i64[] {1}"},
                   .attrs = "axis=1",
                   .results = {"i32[2] {2, 4}"}}}},
    {.name = "one_hot",
     .family = Family::kIndex,
     .traits = kNoGradient,
     .inputs = {{"index", "integers"}},
     .attrs = {{"classes", AttrKind::kInt, "", "length of the new last axis"},
               {"dtype", AttrKind::kDType, "i32", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kOneHot,
     .expand = ExpandOneHot,
     .doc =
         "A row of zeros with a one at each index: [*i] gives [*i, classes]. An index outside 0 .. "
         "classes - 1 gives zeros only.",
     .examples = {{.inputs = {"i32[3] {0, 2, 5}"},
                   .attrs = "classes=3, dtype=f32",
                   .results = {"f32[3,3] {1, 0, 0, 0, 0, 1, 0, 0, 0}"}}}},
    {.name = "index",
     .family = Family::kIndex,
     .traits = kVariadicInputs,
     .inputs = {{"x"}, {"indices", "integers, one per axis from `axis` on; they broadcast"}},
     .attrs = {{"axis", AttrKind::kInt, "0", "the first axis that is indexed"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferIndex,
     .expand = ExpandIndex,
     .doc = "Elements of x at several indices together, as x[:, i, j] does for axis 1: adjacent "
            "axes are "
            "replaced by the dims that the indices broadcast to. Negative positions count from the "
            "end; "
            "an element with any position outside x reads zero.",
     .examples = {{.inputs = {"f32[2,3] {1, 2, 3, 4, 5, 6}", "i32[3] {0, 1, 1}",
                              "i32[3] {2, 0, -1}"},
                   .results = {"f32[3] {3, 4, 6}"}}}},
    {.name = "index_put",
     .family = Family::kIndex,
     .traits = kVariadicInputs,
     .inputs = {{"x"},
                {"values", "x's dtype; broadcast to the elements that the indices select"},
                {"indices", "integers, one per axis from `axis` on; they broadcast"}},
     .attrs = {{"axis", AttrKind::kInt, "0", "the first axis that is indexed"},
               {"mode", AttrKind::kString, "set", "set, add, max or min"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferIndexPut,
     .expand = ExpandIndexPut,
     .doc = "x with values put in at several indices together: x[:, i, j] = values for axis 1, or "
            "added, "
            "or the larger or smaller of both. Elements are addressed as by index; those outside x "
            "are "
            "left out, and of several values at one place set keeps the last.",
     .examples = {{.inputs = {"f32[2,2] {1, 2, 3, 4}", "f32[2] {10, 20}", "i32[2] {0, 1}",
                              "i32[2] {1, -1}"},
                   .attrs = "mode=\"add\"",
                   .results = {"f32[2,2] {1, 12, 3, 24}"}}}},
};

}  // namespace

Expr WideIndex(Graph& graph, Ref index, const Sym& n) {
  if (index->dtype() == DType::kU64) return {graph, index};
  const DType enough = n.max() > INT32_MAX ? DType::kI64 : DType::kI32;
  return {graph, Cast(graph, index, types::Promote(index->dtype(), enough))};
}

Expr WrapIndex(Graph& graph, Ref index, const Sym& n) {
  const Expr wide = WideIndex(graph, index, n);
  if (types::IsUnsigned(index->dtype())) return wide;
  const Expr extent(graph, SymValue(graph, n, wide.dtype(), index->type().placement));
  return Select(wide < 0.0, wide + extent, wide);
}

Ref TakeRows(Graph& graph, Ref x, Ref index) {
  return TakeMiddle(graph, x, index, Split(x->dims(), 0, 1));
}

const std::vector<OpRow>& IndexRows() {
  static const std::vector<OpRow>& all = JoinTables({&ScatterRows(), &kRows, &SliceUpdateRows()});
  return all;
}

}  // namespace tensord::ops
