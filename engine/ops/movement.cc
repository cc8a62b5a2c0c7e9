// Core movement: never a copy, always an index expression with a mask.
#include "engine/ops/evaluate_rows.h"
#include "engine/ops/movement_rows.h"

namespace tensord::ops {
namespace {

Refs PermuteGradient(const GradientArgs& a) {
  const Ints& order = a.node->attr<Ints>("order");
  Ints inverse(order.size());
  for (size_t i = 0; i < order.size(); ++i) inverse[order[i]] = static_cast<int64_t>(i);
  return {Permute(a.graph, Dy(a), inverse)};
}

Refs PadGradient(const GradientArgs& a) {
  return {Shrink(a.graph, Dy(a), a.node->attr<Dims>("low"), X(a).dims())};
}

Refs ShrinkGradient(const GradientArgs& a) {
  const Dims& low = a.node->attr<Dims>("low");
  Dims high = X(a).dims();
  for (size_t i = 0; i < high.size(); ++i) high[i] = high[i] - low[i] - a.node->dims()[i];
  return {Pad(a.graph, Dy(a), low, high)};
}

// dy between zeros, and zeros after the last step.
Refs StrideGradient(const GradientArgs& a) {
  const Ref spread = Build(a.graph, "dilate", {Dy(a)}, {{"factors", a.node->attr<Ints>("steps")}});
  Dims none(X(a).dims().size(), Sym(0)), high = X(a).dims();
  for (size_t i = 0; i < high.size(); ++i) high[i] = high[i] - spread->dims()[i];
  return {Pad(a.graph, spread, none, high)};
}

Refs DilateGradient(const GradientArgs& a) {
  return {Build(a.graph, "stride", {Dy(a)}, {{"steps", a.node->attr<Ints>("factors")}})};
}

// One windowed axis of dy undone: dy has the counts of windows at `axis` and the `size` elements of
// each on its last axis. Element k of window n belongs at n * stride + k * dilation, so row k of
// the dilated dy moves right by k * dilation: rows of pitch extent + dilation read at pitch extent.
Expr Unwindow(const Expr& dy, int axis, const Sym& extent, int64_t stride, int64_t dilation) {
  Graph& g = dy.graph();
  const int last = dy.node()->rank() - 1;
  const Sym size = dy.dims()[last];
  Ints order, factors(last + 1, 1);
  for (int i = 0; i < last; ++i) {
    if (i == axis) order.push_back(last);
    order.push_back(i);
  }
  factors[axis + 1] = stride;
  Ref x = Build(g, "dilate", {Permute(g, dy, order)}, {{"factors", factors}});
  Dims low(last + 1, Sym(0)), high = low;
  high[axis + 1] = extent + dilation - x->dims()[axis + 1];
  x = Pad(g, x, low, high);
  Dims merged = x->dims();
  merged.erase(merged.begin() + axis);
  merged[axis] = size * (extent + dilation);
  x = Slice(g, Reshape(g, x, merged), axis, 0, size * extent);
  Dims rows = x->dims();
  rows[axis] = extent;
  rows.insert(rows.begin() + axis, size);
  const int64_t over = axis;
  return {g, Reduce(g, Reshape(g, x, rows), "sum", absl::MakeConstSpan(&over, 1))};
}

Refs WindowGradient(const GradientArgs& a) {
  const Ints& axes = a.node->attr<Ints>("axes");
  const int n = static_cast<int>(axes.size());
  const Ints strides = IntsOr(a.node, "strides", n, 1),
             dilations = IntsOr(a.node, "dilations", n, 1);
  const bool half = types::IsHalf(Dy(a).dtype());
  Expr dy = half ? Dy(a).To(DType::kF32) : Dy(a);
  for (int i = n; i-- > 0;) {
    const Sym& extent = X(a).dims()[axes[i]];
    if (dy.dims()[axes[i]] == Sym(0)) return {ZerosLike(a.graph, X(a))};  // no window fits
    dy = Unwindow(dy, static_cast<int>(axes[i]), extent, strides[i], dilations[i]);
  }
  return {dy};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "reshape",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"dims", AttrKind::kDims, "", "as many elements as x"}},
     .shape_rule = ShapeRule::kReshape,
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Reshape(a.graph, Dy(a), X(a).dims())};
     },
     .evaluate = EvaluateReshape,
     .doc = "The elements of x in row-major order under other dims.",
     .examples = {{{"f32[2,3] {1, 2, 3, 4, 5, 6}"},
                   "dims=[3,2]",
                   {"f32[3,2] {1, 2, 3, 4, 5, 6}"}}}},
    {.name = "permute",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"order", AttrKind::kInts, "", "axis i of the result is axis order[i] of x"}},
     .shape_rule = ShapeRule::kPermute,
     .gradient = PermuteGradient,
     .evaluate = EvaluatePermute,
     .doc = "x with its axes in another order.",
     .examples = {{{"f32[2,3] {1, 2, 3, 4, 5, 6}"},
                   "order=[1,0]",
                   {"f32[3,2] {1, 4, 2, 5, 3, 6}"}}}},
    {.name = "expand",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"dims", AttrKind::kDims, "", "of the rank of x; dims of 1 grow"}},
     .shape_rule = ShapeRule::kExpand,
     .gradient = [](const GradientArgs& a) -> Refs { return {SumTo(a.graph, Dy(a), X(a).dims())}; },
     .evaluate = EvaluateExpand,
     .doc = "x repeated along axes of 1. See broadcast_to for a higher rank.",
     .examples = {{{"f32[2,1] {1, 2}"}, "dims=[2,3]", {"f32[2,3] {1, 1, 1, 2, 2, 2}"}}}},
    {.name = "pad",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"low", AttrKind::kDims, "", "zeros before, per axis"},
               {"high", AttrKind::kDims, "", "zeros after, per axis"}},
     .shape_rule = ShapeRule::kPad,
     .gradient = PadGradient,
     .evaluate = EvaluatePad,
     .doc = "x between zeros (false for bool). See pad_value and pad_mode for other fillings.",
     .examples = {{{"f32[2] {1, 2}"}, "low=[1], high=[2]", {"f32[5] {0, 1, 2, 0, 0}"}}}},
    {.name = "shrink",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"low", AttrKind::kDims, "", "where the part starts, per axis"},
               {"dims", AttrKind::kDims, "", "of the part"}},
     .shape_rule = ShapeRule::kShrink,
     .gradient = ShrinkGradient,
     .evaluate = EvaluateShrink,
     .doc = "A contiguous part of x.",
     .examples = {{{"f32[2,3] {1, 2, 3, 4, 5, 6}"},
                   "low=[0,1], dims=[2,2]",
                   {"f32[2,2] {2, 3, 5, 6}"}}}},
    {.name = "flip",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"axes", AttrKind::kInts, "", "turned around"}},
     .shape_rule = ShapeRule::kFlip,
     .gradient = [](const GradientArgs& a) -> Refs {
       return {Flip(a.graph, Dy(a), a.node->attr<Ints>("axes"))};
     },
     .evaluate = EvaluateFlip,
     .doc = "x with axes in reverse order.",
     .examples = {{{"f32[2,2] {1, 2, 3, 4}"}, "axes=[1]", {"f32[2,2] {2, 1, 4, 3}"}}}},
    {.name = "stride",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"steps", AttrKind::kInts, "", ">= 1, per axis"}},
     .shape_rule = ShapeRule::kStride,
     .gradient = StrideGradient,
     .evaluate = EvaluateStride,
     .doc = "Every steps[i]-th element of axis i, the first included.",
     .examples = {{{"f32[5] {1, 2, 3, 4, 5}"}, "steps=[2]", {"f32[3] {1, 3, 5}"}}}},
    {.name = "window",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"axes", AttrKind::kInts, "", "windowed"},
               {"sizes", AttrKind::kInts, "", "elements of a window, per windowed axis"},
               {"strides", AttrKind::kInts, "[]", "from window to window; 1 when empty"},
               {"dilations", AttrKind::kInts, "[]", "from element to element; 1 when empty"}},
     .shape_rule = ShapeRule::kWindow,
     .gradient = WindowGradient,
     .evaluate = EvaluateWindow,
     .doc = "Sliding windows of x: a windowed axis becomes the count of windows, and the elements "
            "of a "
            "window are axes at the end, in order.",
     .examples = {{{"f32[4] {1, 2, 3, 4}"}, "axes=[0], sizes=[2]", {"f32[3,2] {1, 2, 2, 3, 3, 4}"}},
                  {{"f32[6] {1, 2, 3, 4, 5, 6}"},
                   "axes=[0], sizes=[2], strides=[2], dilations=[3]",
                   {"f32[2,2] {1, 4, 3, 6}"}}}},
    {.name = "dilate",
     .family = Family::kMovement,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"factors", AttrKind::kInts, "", ">= 1, per axis"}},
     .shape_rule = ShapeRule::kDilate,
     .gradient = DilateGradient,
     .evaluate = EvaluateDilate,
     .doc = "x with factor - 1 zeros between neighbours.",
     .examples = {{{"f32[3] {1, 2, 3}"}, "factors=[2]", {"f32[5] {1, 0, 2, 0, 3}"}}}},
};

}  // namespace

const std::vector<OpRow>& CoreMovementRows() { return kRows; }

const std::vector<OpRow>& MovementRows() {
  static const std::vector<OpRow>& rows =
      JoinTables({&CoreMovementRows(), &ShapeRows(), &JoinRows(), &RepeatRows(), &DiagonalRows()});
  return rows;
}

}  // namespace tensord::ops
