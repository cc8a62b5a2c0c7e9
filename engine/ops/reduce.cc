// The core reduction and the plain ones over it; statistics.cc has means, variances and positions.
#include "engine/base/status.h"
#include "engine/ops/evaluate_rows.h"
#include "engine/ops/reduce_rows.h"

namespace tensord::ops {
namespace {

absl::StatusOr<ir::TypeList> InferReduce(const RuleInput& in) {
  const std::string& monoid = *in.get<std::string>("monoid");
  const DType dtype = in.inputs[0].dtype;
  const bool sums = monoid == "sum" || monoid == "prod", bits = monoid == "and" || monoid == "or";
  if (!sums && !bits && monoid != "max" && monoid != "min") {
    return InvalidArgument(in.row.name, ": monoid \"", monoid,
                           "\" is none of sum, prod, max, min, and, or");
  }
  if ((sums && types::IsBool(dtype)) || (bits && types::IsFloat(dtype))) {
    return InvalidArgument(in.row.name, ": ", monoid, " has no meaning for ", types::Name(dtype),
                           "; cast first");
  }
  return InferByRules(in);
}

// The gradient of a product: of the others, safe where factors are 0.
Expr ProductShare(const Expr& x, const Expr& y, absl::Span<const int64_t> axes) {
  Graph& g = x.graph();
  const auto kept = [&](Ref r) { return Expr(g, Unreduce(g, r, axes)); };
  const Expr zero = x == 0.0, one = x.Number(1), none = x.Number(0);
  const Expr zeros = kept(Reduce(g, zero.To(DType::kI32), "sum", axes));
  const Expr filled = Select(zero, one, x);
  const Expr others = kept(Reduce(g, filled, "prod", axes));
  const Expr at_zero = Select(zeros == 1.0, others, none);
  return Select(zero, at_zero, Select(zeros == 0.0, y / filled, none));
}

Refs ReduceGradient(const GradientArgs& a) {
  Graph& g = a.graph;
  const std::string& monoid = a.node->attr<std::string>("monoid");
  const Ints& axes = a.node->attr<Ints>("axes");
  const Expr x = X(a), dy(g, Unreduce(g, Dy(a), axes)), y(g, Unreduce(g, a.node, axes));
  if (monoid == "sum") return {Expand(g, dy, x.dims())};
  if (monoid == "prod") return {dy * ProductShare(x, y, axes)};
  const Expr wins = x == y;
  const DType counts = types::IsHalf(x.dtype()) ? DType::kF32 : x.dtype();
  const Expr count(g, Unreduce(g, Reduce(g, wins.To(counts), "sum", axes), axes));
  return {Select(wins, (dy.To(counts) / count).To(x.dtype()), x.Number(0))};
}

// x reduced by a core monoid as the node's axes and keepdims say.
Expr ReduceAs(Graph& g, Ref node, const Expr& x, std::string_view monoid) {
  const Expr reduced(g, Reduce(g, x, monoid, ReducedAxes(node)));
  return {g, Reshape(g, reduced, node->dims())};
}

Refs ExpandSum(Graph& g, Ref node) {
  const DType out = node->dtype();
  const DType wide = types::IsBool(out) ? DType::kI32 : types::Row(out).sum;
  const Expr x = In(g, node);
  // Float inputs of an integer sum add up before they are cut.
  const DType adds =
      types::IsFloat(x.dtype()) && !types::IsFloat(out) ? types::Row(x.dtype()).sum : wide;
  return {ReduceAs(g, node, x.To(adds), "sum").To(out)};
}

Refs ExpandProd(Graph& g, Ref node) {
  const DType out = node->dtype();
  if (types::IsBool(out)) return {ReduceAs(g, node, In(g, node).To(out), "and")};
  const DType wide = types::IsHalf(out) ? DType::kF32 : out;
  return {ReduceAs(g, node, In(g, node).To(wide), "prod").To(out)};
}

template <char first>
Refs ExpandExtreme(Graph& g, Ref node) {
  return {ReduceAs(g, node, In(g, node), first == 'a' ? "max" : "min")};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "reduce",
     .family = Family::kReduce,
     .level = Level::kCore,
     .inputs = {{"x"}},
     .attrs = {{"monoid", AttrKind::kString, "", "sum, prod, max, min, and, or"},
               {"axes", AttrKind::kInts, "", "they vanish"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kReduce,
     .infer = InferReduce,
     .gradient = ReduceGradient,
     .evaluate = EvaluateReduce,
     .doc = "x folded over axes in its own dtype. max and min propagate NaN, and their gradient is "
            "shared by ties. Nothing folded is 0, 1, the lowest, the highest, all bits, no bit.",
     .examples = {{{"f32[2,3] {1, 2, 3, 4, 5, 6}"}, "monoid=sum, axes=[1]", {"f32[2] {6, 15}"}},
                  {{"i32[2,2] {1, 7, 5, 3}"}, "monoid=max, axes=[0]", {"i32[2] {5, 7}"}}}},
    {.name = "sum",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, {"dtype", AttrKind::kDType, "none", "of the result"}},
     .dtype_rule = DTypeRule::kSum,
     .shape_rule = ShapeRule::kReduce,
     .expand = ExpandSum,
     .doc = "The sum over axes. bool and small integers add up in i32 or u32, halves in f32.",
     .examples = {{{"f32[2,2] {1, 2, 3, 4}"}, "", {"f32[] {10}"}},
                  {{"u8[2,2] {200, 100, 1, 2}"}, "axes=[1], keepdims=true", {"u32[2,1] {300, 3}"}},
                  {{"bool[3] {true, true, false}"}, "", {"i32[] {2}"}}}},
    {.name = "prod",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims, {"dtype", AttrKind::kDType, "none", "of the result"}},
     .dtype_rule = DTypeRule::kAttr,
     .shape_rule = ShapeRule::kReduce,
     .expand = ExpandProd,
     .doc = "The product over axes, in the dtype of x; on bool, whether all are true.",
     .examples = {{{"f32[2,2] {1, 2, 3, 4}"}, "axes=[0]", {"f32[2] {3, 8}"}}}},
    {.name = "max",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kReduce,
     .expand = ExpandExtreme<'a'>,
     .doc = "The largest over axes; NaN if one is there.",
     .examples = {{{"f32[2,2] {1, 4, nan, 2}"}, "axes=[1]", {"f32[2] {4, nan}"}}}},
    {.name = "min",
     .family = Family::kReduce,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kReduce,
     .expand = ExpandExtreme<'i'>,
     .doc = "The smallest over axes; NaN if one is there.",
     .examples = {{{"i32[2,2] {1, 4, 3, 2}"}, "axes=[-1]", {"i32[2] {1, 2}"}}}},
    {.name = "any",
     .family = Family::kReduce,
     .traits = kNoGradient,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kLogical,
     .shape_rule = ShapeRule::kReduce,
     .expand = [](Graph& g, Ref node) -> Refs { return {ReduceAs(g, node, In(g, node), "or")}; },
     .doc = "Whether one along axes differs from 0.",
     .examples = {{{"i32[2,2] {0, 3, 0, 0}"}, "axes=[1]", {"bool[2] {true, false}"}}}},
    {.name = "all",
     .family = Family::kReduce,
     .traits = kNoGradient,
     .inputs = {{"x"}},
     .attrs = {kAxes, kKeepDims},
     .dtype_rule = DTypeRule::kLogical,
     .shape_rule = ShapeRule::kReduce,
     .expand = [](Graph& g, Ref node) -> Refs { return {ReduceAs(g, node, In(g, node), "and")}; },
     .doc = "Whether all along axes differ from 0.",
     .examples = {{{"i32[2,2] {0, 3, 1, 2}"}, "axes=[1]", {"bool[2] {false, true}"}}}},
};

}  // namespace

const std::vector<OpRow>& FoldRows() { return kRows; }

const std::vector<OpRow>& ReduceRows() {
  static const std::vector<OpRow>& rows = JoinTables({&FoldRows(), &StatisticsRows()});
  return rows;
}

}  // namespace tensord::ops
