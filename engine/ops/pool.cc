// Pooling over the last axes: a fold over the window axes of a movement view.
#include <algorithm>

#include "engine/ops/compose.h"
#include "engine/ops/nn_rows.h"
#include "engine/ops/rows.h"
#include "engine/ops/window.h"

namespace tensord::ops {
namespace {

bool Any(const Ints& values) {
  return std::any_of(values.begin(), values.end(), [](int64_t v) { return v != 0; });
}

struct Pool {
  WindowSpec window;
  Ints high;  // padding that gives every window its place, those of ceil_mode too
  int first;  // the first pooled axis of x
  bool padded;

  explicit Pool(Ref node)
      : window(WindowOf(node, node->attr<Ints>("kernel"))),
        high(window.high),
        first(node->rank() - window.axes()) {
    for (int i = 0; i < window.axes(); ++i) high[i] += window.ceil_mode ? window.strides[i] - 1 : 0;
    padded = Any(window.low) || Any(high);
  }
  // Windows that neither overlap nor have holes are a reshape, whose gradient is one too.
  bool disjoint() const {
    return window.strides == window.sizes &&
           std::all_of(window.dilations.begin(), window.dilations.end(),
                       [](int64_t d) { return d == 1; });
  }
  Ints window_axes() const { return Range(first + window.axes(), first + 2 * window.axes()); }
};

Ref PadPooled(Graph& graph, Ref x, const Pool& pool) {
  Dims low(pool.first, Sym(0)), high = low;
  low.insert(low.end(), pool.window.low.begin(), pool.window.low.end());
  high.insert(high.end(), pool.high.begin(), pool.high.end());
  return Pad(graph, x, low, high);
}

// [..., *r * *k] -> [..., *r, *k].
Ref SplitWindows(Graph& graph, Ref x, const Pool& pool, absl::Span<const Sym> counts) {
  Dims dims(x->dims().begin(), x->dims().begin() + pool.first);
  Ints order = Range(0, pool.first), within;
  for (int i = 0; i < pool.window.axes(); ++i) {
    x = FitAxis(graph, x, pool.first + i, 0, counts[i] * pool.window.sizes[i]);
    order.push_back(static_cast<int64_t>(dims.size()));
    dims.push_back(counts[i]);
    within.push_back(static_cast<int64_t>(dims.size()));
    dims.push_back(pool.window.sizes[i]);
  }
  order.insert(order.end(), within.begin(), within.end());
  return Permute(graph, Reshape(graph, x, dims), order);
}

// The windows of the padded x: [..., *r, *k], with r = `counts`.
Ref PoolWindows(Graph& graph, Ref padded, const Pool& pool, absl::Span<const Sym> counts) {
  if (pool.disjoint()) return SplitWindows(graph, padded, pool, counts);
  const int axes = pool.window.axes();
  Ref all = Build(graph, "window", {padded},
                  {{"axes", Range(pool.first, pool.first + axes)},
                   {"sizes", pool.window.sizes},
                   {"strides", pool.window.strides},
                   {"dilations", pool.window.dilations}});
  for (int i = 0; i < axes; ++i) all = FitAxis(graph, all, pool.first + i, 0, counts[i]);
  return all;
}

absl::Span<const Sym> Counts(Ref node, const Pool& pool) {
  return absl::MakeConstSpan(node->dims()).subspan(pool.first);
}

Refs ExpandMaxPool(Graph& graph, Ref node) {
  const Pool pool(node);
  const DType dtype = node->dtype();
  const auto place = node->type().placement;
  Ref x = node->input(0), padded = PadPooled(graph, x, pool);
  if (pool.padded) {
    Ref one = Constant(graph, types::Scalar::Int(DType::kBool, 1), place);
    Ref inside = PadPooled(graph, Expand(graph, one, x->dims()), pool);
    padded = Where(graph, inside, padded, Lowest(graph, dtype, place));
  }
  Ref windows = PoolWindows(graph, padded, pool, Counts(node, pool));
  return {Reduce(graph, windows, types::IsBool(dtype) ? "or" : "max", pool.window_axes())};
}

// How many elements of axis i the windows j = 0 .. r-1 hold within [from, to), as i64 [r].
Expr CountWithin(const Expr& j, const Pool& pool, int i, const Expr& from, const Expr& to) {
  const WindowSpec& w = pool.window;
  const Expr start = j * static_cast<double>(w.strides[i]) - static_cast<double>(w.low[i]);
  const Expr none = j.Number(0), all = j.Number(static_cast<double>(w.sizes[i]));
  // The first tap at or beyond `bound`, in 0 .. k.
  const auto taps_before = [&](const Expr& bound) {
    Expr taps = bound - start;
    if (w.dilations[i] > 1) {
      const double d = static_cast<double>(w.dilations[i]);
      taps = Apply(ScalarOp::kFloorDiv, taps + (d - 1), j.Number(d));
    }
    return Min(Max(taps, none), all);
  };
  return taps_before(to) - taps_before(from);
}

// Elements per window, broadcasting to the result; padding counts if `include_pad`, what ceil_mode
// adds does not.
Expr WindowElements(Graph& graph, Ref node, const Pool& pool, bool include_pad, DType dtype) {
  const WindowSpec& w = pool.window;
  const auto place = node->type().placement;
  double full = 1;
  for (int64_t size : w.sizes) full *= static_cast<double>(size);
  if (!pool.padded || (include_pad && !w.ceil_mode)) {
    return {graph, Constant(graph, types::Scalar::Float(dtype, full), place)};
  }
  Expr product(graph, Constant(graph, types::Scalar::Int(DType::kI64, 1), place));
  for (int i = 0; i < w.axes(); ++i) {
    const int axis = pool.first + i;
    const Sym& extent = node->input(0)->dims()[axis];
    const Sym from = include_pad ? -w.low[i] : 0, to = include_pad ? extent + w.high[i] : extent;
    const auto value = [&](const Sym& s) {
      return Expr(graph, SymValue(graph, s, DType::kI64, place));
    };
    const Expr j(graph, Iota(graph, {node->dims()[axis]}, 0, DType::kI64, place));
    const Expr count = CountWithin(j, pool, i, value(from), value(to));
    product = product * Expr(graph, PlaceAxes(graph, count, {axis}, node->rank()));
  }
  return Max(product, product.Number(1)).To(dtype);  // a dilated window may miss a short axis
}

Refs ExpandAvgPool(Graph& graph, Ref node) {
  const Pool pool(node);
  Ref padded = PadPooled(graph, Widen(graph, node->input(0)), pool);
  Ref windows = PoolWindows(graph, padded, pool, Counts(node, pool));
  const Expr sum(graph, Reduce(graph, windows, "sum", pool.window_axes()));
  const Expr count =
      WindowElements(graph, node, pool, node->attr<bool>("count_include_pad"), sum.dtype());
  return {(sum / count).To(node->dtype())};
}

// The attributes of every pool, and `more`.
std::vector<ir::AttrSpec> PoolAttrs(std::initializer_list<ir::AttrSpec> more = {}) {
  std::vector<ir::AttrSpec> attrs = {
      {"kernel", AttrKind::kInts, "", "sizes of the windows, one for each of the last axes"},
      {"stride", AttrKind::kInts, "[]", "one for all, or one each; []: the kernel"},
      {"padding", AttrKind::kInts, "[0]",
       "one for all, one each, or low and high of each axis in turn"},
      {"dilation", AttrKind::kInts, "[1]", "one for all, or one each"},
      {"ceil_mode", AttrKind::kBool, "false", "windows that hang over the high end count too"}};
  attrs.insert(attrs.end(), more);
  return attrs;
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "max_pool",
     .family = Family::kNn,
     .inputs = {{"x", "[..., *d]"}},
     .attrs = PoolAttrs(),
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kPool,
     .expand = ExpandMaxPool,
     .doc =
         "The largest element of each window over the last axes: [..., *d] gives [..., *r] with r "
         "as "
         "of conv. Padding is never the largest. The gradient goes to the largest, shared equally "
         "among equals. As torch.nn.functional.max_pool1d, 2d, 3d.",
     .examples = {{.inputs = {"f32[1,4] {1, 3, 2, 5}"},
                   .attrs = "kernel=[2]",
                   .results = {"f32[1,2] {3, 5}"}},
                  {.inputs = {"f32[1,1,2,3] {-1, -2, -3, -4, -5, -6}"},
                   .attrs = "kernel=[2,2], stride=[1], padding=[0,0,1,0]",
                   .results = {"f32[1,1,1,3] {-1, -1, -2}"}}}},
    {.name = "avg_pool",
     .family = Family::kNn,
     .inputs = {{"x", "[..., *d]"}},
     .attrs = PoolAttrs(
         {{"count_include_pad", AttrKind::kBool, "true", "whether padding counts in the mean"}}),
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kPool,
     .expand = ExpandAvgPool,
     .doc =
         "The mean of each window over the last axes: [..., *d] gives [..., *r] with r as of conv. "
         "Padding counts as zeros, or with count_include_pad = false not at all; what ceil_mode "
         "adds "
         "never counts. As torch.nn.functional.avg_pool1d, 2d, 3d.",
     .examples = {{.inputs = {"f32[1,4] {1, 3, 2, 5}"},
                   .attrs = "kernel=[2]",
                   .results = {"f32[1,2] {2, 3.5}"}},
                  {.inputs = {"f32[1,3] {2, 4, 6}"},
                   .attrs = "kernel=[2], padding=[1], count_include_pad=false",
                   .results = {"f32[1,2] {2, 5}"}}}},
};

}  // namespace

const std::vector<OpRow>& PoolRows() { return kRows; }

}  // namespace tensord::ops
