#include "engine/ops/join.h"

#include <algorithm>

#include "engine/base/status.h"
#include "engine/ops/movement_rows.h"

namespace tensord::ops {
namespace {

// a, then b: each padded to the whole, chosen by the coordinate. (A sum would lose -0 and NaN
// bits.)
Ref ConcatTwo(Graph& g, Ref a, Ref b, int axis) {
  const Sym split = a->dims()[axis];
  Dims none(a->dims().size(), Sym(0)), after = none, before = none;
  after[axis] = b->dims()[axis];
  before[axis] = split;
  const Ref left = Pad(g, a, none, after), right = Pad(g, b, before, none);
  const Ref at = Coordinates(g, left->dims(), axis, a->type().placement);
  return Where(g, Binary(g, ScalarOp::kLt, at, Coordinate(g, at, split)), left, right);
}

// The node's axis, counted from the front.
int AxisOf(Ref node, int rank) {
  return *NormalizeAxis(node->op().name, node->attr<int64_t>("axis"), rank);
}

Refs ExpandCat(Graph& g, Ref node) {
  return {Concat(g, node->inputs(), AxisOf(node, node->rank()))};
}

Refs CatGradient(const GradientArgs& a) {
  const int axis = AxisOf(a.node, a.node->rank());
  Refs parts;
  Sym at = 0;
  for (Ref input : a.node->inputs()) {
    parts.push_back(Slice(a.graph, Dy(a), axis, at, input->dims()[axis]));
    at += input->dims()[axis];
  }
  return parts;
}

Refs ExpandStack(Graph& g, Ref node) {
  const int axis = AxisOf(node, node->rank());
  Refs parts;
  for (Ref input : node->inputs()) parts.push_back(Unsqueeze(g, input, axis));
  return {Concat(g, parts, axis)};
}

Refs ExpandPadValue(Graph& g, Ref node) {
  const Dims &low = node->attr<Dims>("low"), &high = node->attr<Dims>("high");
  const Expr x = In(g, node);
  const Expr fill(
      g, Constant(g, node->attr<types::Scalar>("value").Cast(x.dtype()), node->type().placement));
  const types::Scalar yes = types::Scalar::Int(DType::kBool, 1);
  const Ref inside = Expand(g, Constant(g, yes, node->type().placement), x.dims());
  return {Select({g, Pad(g, inside, low, high)}, {g, Pad(g, x, low, high)}, fill)};
}

absl::StatusOr<ir::TypeList> InferPadMode(const RuleInput& in) {
  const std::string& mode = *in.get<std::string>("mode");
  if (mode != "reflect" && mode != "replicate" && mode != "circular") {
    return InvalidArgument(in.row.name, ": mode \"", mode,
                           "\" is none of reflect, replicate, circular");
  }
  ASSIGN_OR_RETURN(ir::TypeList out, InferByRules(in));
  const Dims &x = in.inputs[0].dims, &low = *in.get<Dims>("low"), &high = *in.get<Dims>("high");
  for (size_t i = 0; i < x.size(); ++i) {
    const Sym most = types::Max(low[i], high[i]);
    const Sym there = mode == "reflect" ? x[i] - 1 : x[i];
    const bool fits =
        mode == "replicate" ? (x[i] - 1).IsNonNegative() : (there - most).IsNonNegative();
    if (most != Sym(0) && !fits) {
      return InvalidArgument(in.row.name, ": axis ", i, " of ", types::DimsToString(x),
                             " is too short for padding ", low[i].ToString(), ", ",
                             high[i].ToString(), " by ", mode);
    }
  }
  return out;
}

// What stands before (`low`) or after an axis.
Ref Beyond(Graph& g, Ref x, int axis, const std::string& mode, const Sym& count, bool low) {
  const Sym extent = x->dims()[axis];
  if (mode == "circular") return Slice(g, x, axis, low ? extent - count : Sym(0), count);
  if (mode == "replicate") {
    Dims dims = x->dims();
    dims[axis] = count;
    return Expand(g, Slice(g, x, axis, low ? Sym(0) : extent - 1, 1), dims);
  }
  const int64_t turned = axis;
  const Ref part = Slice(g, x, axis, low ? Sym(1) : extent - 1 - count, count);
  return Flip(g, part, absl::MakeConstSpan(&turned, 1));
}

Refs ExpandPadMode(Graph& g, Ref node) {
  const Dims &low = node->attr<Dims>("low"), &high = node->attr<Dims>("high");
  const std::string& mode = node->attr<std::string>("mode");
  Ref x = node->input(0);
  for (int axis = 0; axis < x->rank(); ++axis) {
    Refs parts;
    if (low[axis] != Sym(0)) parts.push_back(Beyond(g, x, axis, mode, low[axis], true));
    parts.push_back(x);
    if (high[axis] != Sym(0)) parts.push_back(Beyond(g, x, axis, mode, high[axis], false));
    x = Concat(g, parts, axis);
  }
  return {x};
}

absl::StatusOr<ir::TypeList> InferRoll(const RuleInput& in) {
  const Ints &shifts = *in.get<Ints>("shifts"), &axes = *in.get<Ints>("axes");
  RETURN_IF_ERROR(NormalizeAxes(in.row.name, axes, in.inputs[0].rank()).status());
  if (shifts.size() != axes.size()) {
    return InvalidArgument(in.row.name, ": ", shifts.size(), " shifts for ", axes.size(), " axes");
  }
  return InferByRules(in);
}

Refs ExpandRoll(Graph& g, Ref node) {
  const Ints &shifts = node->attr<Ints>("shifts"), &axes = node->attr<Ints>("axes");
  Ref x = node->input(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int axis = *NormalizeAxis("roll", axes[i], x->rank());
    const Sym extent = x->dims()[axis], shift = types::Mod(shifts[i], extent);
    if (shift == Sym(0)) continue;
    const Ref parts[] = {Slice(g, x, axis, extent - shift, shift),
                         Slice(g, x, axis, 0, extent - shift)};
    x = Concat(g, parts, axis);
  }
  return {x};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "cat",
     .family = Family::kMovement,
     .traits = kVariadicInputs,
     .inputs = {{"tensors"}},
     .attrs = {{"axis", AttrKind::kInt, "0", "along which they follow each other"}},
     .shape_rule = ShapeRule::kConcat,
     .expand = ExpandCat,
     .gradient = CatGradient,
     .doc = "Tensors one after the other along an axis.",
     .examples = {{{"f32[1,2] {1, 2}", "f32[2,2] {3, 4, -0.0, nan}"},
                   "axis=0",
                   {"f32[3,2] {1, 2, 3, 4, -0.0, nan}"}}}},
    {.name = "stack",
     .family = Family::kMovement,
     .traits = kVariadicInputs,
     .inputs = {{"tensors", "of equal dims"}},
     .attrs = {{"axis", AttrKind::kInt, "0", "new, counted in the result"}},
     .shape_rule = ShapeRule::kStack,
     .expand = ExpandStack,
     .doc = "Tensors side by side along a new axis.",
     .examples = {{{"f32[2] {1, 2}", "f32[2] {3, 4}"}, "axis=-1", {"f32[2,2] {1, 3, 2, 4}"}}}},
    {.name = "pad_value",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"low", AttrKind::kDims, "", "elements before, per axis"},
               {"high", AttrKind::kDims, "", "elements after, per axis"},
               {"value", AttrKind::kScalar, "", "cast to the dtype of x"}},
     .shape_rule = ShapeRule::kPad,
     .expand = ExpandPadValue,
     .doc = "x between copies of a value.",
     .examples = {{{"f32[2] {1, 2}"},
                   "low=[1], high=[1], value=-inf",
                   {"f32[4] {-inf, 1, 2, -inf}"}}}},
    {.name = "pad_mode",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"low", AttrKind::kDims, "", "elements before, per axis"},
               {"high", AttrKind::kDims, "", "elements after, per axis"},
               {"mode", AttrKind::kString, "", "reflect (the edge once), replicate, circular"}},
     .shape_rule = ShapeRule::kPad,
     .infer = InferPadMode,
     .expand = ExpandPadMode,
     .doc = "x continued beyond its edges by its own elements.",
     .examples =
         {{{"i32[3] {1, 2, 3}"}, "low=[2], high=[1], mode=reflect", {"i32[6] {3, 2, 1, 2, 3, 2}"}},
          {{"i32[3] {1, 2, 3}"}, "low=[2], high=[1], mode=circular", {"i32[6] {2, 3, 1, 2, 3, 1}"}},
          {{"i32[2] {1, 2}"}, "low=[2], high=[1], mode=replicate", {"i32[5] {1, 1, 1, 2, 2}"}}}},
    {.name = "roll",
     .family = Family::kMovement,
     .inputs = {{"x"}},
     .attrs = {{"shifts", AttrKind::kInts, "", "per axis named, toward higher positions"},
               {"axes", AttrKind::kInts, "", "rolled"}},
     .shape_rule = ShapeRule::kSame,
     .infer = InferRoll,
     .expand = ExpandRoll,
     .doc = "x shifted around: what leaves at one end enters at the other.",
     .examples = {{{"i32[4] {1, 2, 3, 4}"}, "shifts=[1], axes=[0]", {"i32[4] {4, 1, 2, 3}"}},
                  {{"i32[4] {1, 2, 3, 4}"}, "shifts=[-5], axes=[0]", {"i32[4] {2, 3, 4, 1}"}}}},
};

}  // namespace

Ref Coordinates(Graph& graph, absl::Span<const Sym> dims, int axis, types::Placement placement) {
  Dims line(dims.size(), Sym(1));
  line[axis] = dims[axis];
  const DType dtype = dims[axis].max() > 0x7fffffff ? DType::kI64 : DType::kI32;
  return Iota(graph, line, axis, dtype, placement);
}

Ref Coordinate(Graph& graph, Ref coordinates, const Sym& value) {
  const types::Placement placement = coordinates->type().placement;
  if (value.is_constant()) {
    return Constant(graph, types::Scalar::Int(coordinates->dtype(), value.constant()), placement);
  }
  return Cast(graph, DimValue(graph, value, placement), coordinates->dtype());
}

Ref Concat(Graph& graph, absl::Span<const Ref> parts, int axis) {
  Refs level(parts.begin(), parts.end());
  while (level.size() > 1) {  // pairs, so that no element passes more than log2 choices
    Refs next;
    for (size_t i = 0; i + 1 < level.size(); i += 2) {
      next.push_back(ConcatTwo(graph, level[i], level[i + 1], axis));
    }
    if (level.size() % 2 == 1) next.push_back(level.back());
    level = std::move(next);
  }
  return level[0];
}

const std::vector<OpRow>& JoinRows() { return kRows; }

}  // namespace tensord::ops
