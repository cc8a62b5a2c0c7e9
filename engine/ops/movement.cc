// Core movement: never a copy, always an index expression with a mask.
#include <algorithm>

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

// A windowed axis of dy under repair: dy has the counts of windows at `axis` and the elements of
// each window on its last axis. Element k of window n belongs at n * stride + k * dilation of
// `extent`.
struct Windowed {
  Expr dy;
  int axis;
  Sym extent;
  int64_t size, stride, dilation;

  Graph& graph() const { return dy.graph(); }
  int last() const { return dy.node()->rank() - 1; }
  Ref Dilated(Ref x, int along, int64_t factor) const {
    Ints factors(x->rank(), 1);
    factors[along] = factor;
    return Build(graph(), "dilate", {x}, {{"factors", factors}});
  }
  Ref Padded(Ref x, int along, const Sym& low, const Sym& high) const {
    Dims before(x->rank(), Sym(0)), after = before;
    before[along] = low;
    after[along] = high;
    return Pad(graph(), x, before, after);
  }
};

// Windows that do not overlap: each is filled up to the stride, and they stand side by side.
Expr SideBySide(const Windowed& w) {
  Graph& g = w.graph();
  Ints order;
  for (int i = 0; i < w.last(); ++i) {
    order.push_back(i);
    if (i == w.axis) order.push_back(w.last());
  }
  const int64_t span = (w.size - 1) * w.dilation + 1;
  Ref x = w.Dilated(Permute(g, w.dy, order), w.axis + 1, w.dilation);
  x = w.Padded(x, w.axis + 1, 0, w.stride - span);
  Dims merged = x->dims();
  merged[w.axis] *= w.stride;
  merged.erase(merged.begin() + w.axis + 1);
  x = w.Padded(Reshape(g, x, merged), w.axis, 0, w.stride);  // the end may have no window
  return {g, Slice(g, x, w.axis, 0, w.extent)};
}

// The first elements of all windows, then the second ones, and so on: a sum of `size` terms.
Expr SumOfShifts(const Windowed& w) {
  Graph& g = w.graph();
  Ref sum = nullptr;
  for (int64_t k = 0; k < w.size; ++k) {
    const Ref own = Squeeze(g, Slice(g, w.dy, w.last(), k, 1), w.last());
    const Ref spread = w.Dilated(own, w.axis, w.stride);
    const Sym low = k * w.dilation;
    const Ref term = w.Padded(spread, w.axis, low, w.extent - low - spread->dims()[w.axis]);
    sum = sum == nullptr ? term : Add(g, sum, term);
  }
  return {g, sum};
}

// For large windows, the same sum as one reduction: row k moves right by k * dilation, because rows
// of pitch extent + dilation are read at pitch extent.
Expr SumOfRows(const Windowed& w) {
  Graph& g = w.graph();
  Ints order;
  for (int i = 0; i < w.last(); ++i) {
    if (i == w.axis) order.push_back(w.last());
    order.push_back(i);
  }
  const Sym pitch = w.extent + w.dilation;
  Ref x = w.Dilated(Permute(g, w.dy, order), w.axis + 1, w.stride);
  x = w.Padded(x, w.axis + 1, 0, pitch - x->dims()[w.axis + 1]);
  Dims merged = x->dims();
  merged.erase(merged.begin() + w.axis);
  merged[w.axis] = pitch * w.size;
  x = Slice(g, Reshape(g, x, merged), w.axis, 0, w.extent * w.size);
  Dims rows = x->dims();
  rows[w.axis] = w.extent;
  rows.insert(rows.begin() + w.axis, Sym(w.size));
  const int64_t over = w.axis;
  return {g, Reduce(g, Reshape(g, x, rows), "sum", absl::MakeConstSpan(&over, 1))};
}

Expr Unwindow(Windowed w) {
  constexpr int64_t kMostTerms = 16;
  const int64_t span = (w.size - 1) * w.dilation + 1;
  if (w.dy.dims()[w.axis] == Sym(1)) w.stride = std::max(w.stride, span);
  if (w.stride >= span) return SideBySide(w);
  return w.size <= kMostTerms ? SumOfShifts(w) : SumOfRows(w);
}

Refs WindowGradient(const GradientArgs& a) {
  const Ints& axes = a.node->attr<Ints>("axes");
  const int n = static_cast<int>(axes.size());
  const Ints strides = IntsOr(a.node, "strides", n, 1),
             dilations = IntsOr(a.node, "dilations", n, 1);
  const bool half = types::IsHalf(Dy(a).dtype());
  Expr dy = half ? Dy(a).To(DType::kF32) : Dy(a);
  for (int i = n; i-- > 0;) {
    const int axis = static_cast<int>(axes[i]);
    if (dy.dims()[axis] == Sym(0)) return {ZerosLike(a.graph, X(a))};  // no window fits
    const int64_t size = a.node->attr<Ints>("sizes")[i];
    dy = Unwindow({dy, axis, X(a).dims()[axis], size, strides[i], dilations[i]});
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
