// Means, variances, positions of extremes, and logsumexp.
#include <cmath>

#include "engine/ops/reduce_rows.h"

namespace tensord::ops {
namespace {

// What these reductions share: x and the axes, with results that broadcast against x.
struct Over {
  Expr x;
  Ints axes;

  Graph& graph() const { return x.graph(); }
  Expr Kept(const Expr& value, std::string_view monoid) const {
    return {graph(), Unreduce(graph(), Reduce(graph(), value, monoid, axes), axes)};
  }
  // The number of elements that one result stands for.
  Sym Count() const {
    Sym n = 1;
    for (int64_t axis : axes) n *= x.dims()[axis];
    return n;
  }
  Expr CountAs(double correction) const {
    if (Count().is_constant()) {
      return x.Number(std::max(0.0, static_cast<double>(Count().constant()) - correction));
    }
    const Expr n(graph(), DimValue(graph(), Count(), x.node()->type().placement));
    return Max(n.To(x.dtype()) - correction, x.Number(0));
  }
  Expr Mean() const { return Kept(x, "sum") / CountAs(0); }
  Expr Variance(double correction) const {
    const Expr d = x - Mean();
    return Kept(d * d, "sum") / CountAs(correction);
  }
};

// The same of a gradient rule's node, in f32 for halves: the caller of a rule casts its answer.
Over OverOf(const GradientArgs& a) {
  const DType dtype = types::FloatOf(X(a).dtype());
  return {X(a).To(types::IsHalf(dtype) ? DType::kF32 : dtype), ReducedAxes(a.node)};
}

Over OverOf(Graph& g, Ref node) { return {In(g, node), ReducedAxes(node)}; }

Expr Shaped(Ref node, const Expr& kept) {
  return {kept.graph(), Reshape(kept.graph(), kept, node->dims())};
}

Refs ExpandMean(Graph& g, Ref node) { return {Shaped(node, OverOf(g, node).Mean())}; }

Refs ExpandVar(Graph& g, Ref node) {
  return {Shaped(node, OverOf(g, node).Variance(node->attr<double>("correction")))};
}

Refs ExpandStd(Graph& g, Ref node) {
  return {Shaped(node, Sqrt(OverOf(g, node).Variance(node->attr<double>("correction"))))};
}

// The rows themselves, which bring their gradients.
Refs ExpandWithMean(Graph& g, Ref node, std::string_view row) {
  const NamedAttr axes = {"axes", node->attr(0)}, keepdims = {"keepdims", node->attr(1)};
  const NamedAttr correction = {"correction", node->attr(2)};
  return {Build(g, row, {node->input(0)}, {axes, keepdims, correction}),
          Build(g, "mean", {node->input(0)}, {axes, keepdims})};
}

Refs ExpandVarMean(Graph& g, Ref node) { return ExpandWithMean(g, node, "var"); }

Refs ExpandStdMean(Graph& g, Ref node) { return ExpandWithMean(g, node, "std"); }

// A value of the node's dims so that it broadcasts against the input.
Expr Spread(const Over& over, const Expr& value) {
  Dims kept = over.x.dims();
  for (int64_t axis : over.axes) kept[axis] = 1;
  return {over.graph(), Reshape(over.graph(), value, kept)};
}

// The mean's own dependence on x cancels in the sum of deviations.
Refs VarGradient(const GradientArgs& a) {
  const Over over = OverOf(a);
  const Expr scaled = Spread(over, Dy(a)) * 2.0 / over.CountAs(a.node->attr<double>("correction"));
  return {scaled * (over.x - over.Mean())};
}

Refs StdGradient(const GradientArgs& a) {
  const Over over = OverOf(a);
  const Expr y = Spread(over, Y(a)), n = over.CountAs(a.node->attr<double>("correction"));
  const Expr scaled = Select(y == 0.0, y.Number(0), Spread(over, Dy(a)) / (y * n));
  return {scaled * (over.x - over.Mean())};
}

// The position of every element among those that one result stands for, in row-major order.
Expr Positions(const Over& over) {
  const bool wide = over.Count().max() > 0x7fffffff;
  const DType dtype = wide ? DType::kI64 : DType::kI32;
  const types::Placement placement = over.x.node()->type().placement;
  Dims kept = over.x.dims();
  for (size_t i = 0; i < kept.size(); ++i) kept[i] = 1;
  Expr position(over.graph(), Constant(over.graph(), types::Scalar::Int(dtype, 0), placement));
  for (int64_t axis : over.axes) {
    Dims line = kept;
    line[axis] = over.x.dims()[axis];
    const Expr along(over.graph(),
                     Iota(over.graph(), line, static_cast<int>(axis), dtype, placement));
    const Expr extent(over.graph(), DimValue(over.graph(), line[axis], placement));
    position = position * extent.To(dtype) + along;
  }
  return position;
}

// The first NaN, else the first element that equals the extreme.
Refs ExpandArg(Graph& g, Ref node, std::string_view monoid) {
  const Over over = OverOf(g, node);
  const Expr x = over.x, position = Positions(over);
  Expr hit = x == over.Kept(x, monoid);
  if (types::IsFloat(x.dtype())) hit = hit | (x != x);
  const double beyond = position.dtype() == DType::kI64 ? 0x1p62 : 0x7fffffff;
  const Expr where = Select(hit, position, position.Number(beyond));
  return {Shaped(node, over.Kept(where, "min")).To(DType::kI32)};
}

Refs ExpandLogSumExp(Graph& g, Ref node) {
  const Over over = OverOf(g, node);
  const Expr top = over.Kept(over.x, "max");
  // An infinite maximum can't be taken off.
  const Expr shift = Select(Abs(top) == INFINITY, top.Number(0), top);
  return {Shaped(node, Log(over.Kept(Exp(over.x - shift), "sum")) + shift)};
}

Refs LogSumExpGradient(const GradientArgs& a) {
  const Over over = OverOf(a);
  const Expr y = Spread(over, Y(a));
  const Expr share = Select(y == -INFINITY, y.Number(0), Exp(over.x - y));
  return {Spread(over, Dy(a)) * share};
}

constexpr ir::AttrSpec kCorrection = {"correction", AttrKind::kFloat, "1",
                                      "taken off the count: 1 for a sample, 0 for all there is"};

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "mean",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandMean>,
     .doc = "The arithmetic mean over axes; NaN of nothing.",
     .examples = {{{"f32[2,2] {1, 2, 3, 6}"}, "axes=[1]", {"f32[2] {1.5, 4.5}"}},
                  {{"i32[3] {1, 2, 6}"}, "", {"f32[] {3}"}}}},
    {.name = "var",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, kCorrection},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandVar>,
     .gradient = VarGradient,
     .doc =
         "The variance over axes: squared deviations from the mean, by the count less correction.",
     .examples = {{{"f32[4] {1, 2, 3, 6}"}, "", {"f32[] {4.6666665}"}},
                  {{"f32[4] {1, 2, 3, 6}"}, "correction=0", {"f32[] {3.5}"}}}},
    {.name = "std",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, kCorrection},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandStd>,
     .gradient = StdGradient,
     .doc = "The square root of var; its gradient where it is 0 is 0.",
     .examples = {{{"f32[4] {1, 2, 3, 6}"}, "", {"f32[] {2.1602468}"}}}},
    {.name = "var_mean",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, kCorrection},
     .results = 2,
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandVarMean>,
     .doc = "var and mean over the same axes.",
     .examples = {{{"f32[2,2] {1, 2, 3, 6}"},
                   "axes=[1]",
                   {"f32[2] {0.5, 4.5}", "f32[2] {1.5, 4.5}"}}}},
    {.name = "std_mean",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, kCorrection},
     .results = 2,
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandStdMean>,
     .doc = "std and mean over the same axes.",
     .examples = {{{"f32[2] {1, 3}"}, "", {"f32[] {1.4142135}", "f32[] {2}"}}}},
    {.name = "argmax",
     .family = Family::kReduce,
     .traits = kNoGradient,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kIndex,
     .shape_rule = ShapeRule::kReduce,
     .expand = [](Graph& g, Ref node) -> Refs { return ExpandArg(g, node, "max"); },
     .doc =
         "The position of the first NaN, else of the first maximum, in row-major order over axes.",
     .examples = {{{"f32[2,3] {1, 3, 3, 5, nan, 9}"}, "axes=[1]", {"i32[2] {1, 1}"}},
                  {{"i32[2,2] {1, 2, 8, 4}"}, "", {"i32[] {2}"}}}},
    {.name = "argmin",
     .family = Family::kReduce,
     .traits = kNoGradient,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kIndex,
     .shape_rule = ShapeRule::kReduce,
     .expand = [](Graph& g, Ref node) -> Refs { return ExpandArg(g, node, "min"); },
     .doc =
         "The position of the first NaN, else of the first minimum, in row-major order over axes.",
     .examples = {{{"f32[2,3] {3, 1, 1, 5, nan, 9}"}, "axes=[1]", {"i32[2] {1, 1}"}}}},
    {.name = "logsumexp",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kReduce,
     .expand = Wide<ExpandLogSumExp>,
     .gradient = LogSumExpGradient,
     .doc = "log(sum(exp(x))) over axes, without overflow; -inf of nothing.",
     .examples = {{{"f32[2,2] {0, 0, 1000, 1000}"},
                   "axes=[1]",
                   {"f32[2] {0.6931472, 1000.6931}"}}}},
};

}  // namespace

const std::vector<OpRow>& StatisticsRows() { return kRows; }

}  // namespace tensord::ops
