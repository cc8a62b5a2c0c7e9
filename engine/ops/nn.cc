// Layers: linear, embedding, dropout. Convolutions, pools and attention have files of their own.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/index.h"
#include "engine/ops/nn_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

absl::StatusOr<TypeList> InferLinear(const RuleInput& in) {
  const types::Type &x = in.inputs[0], &weight = in.inputs[1];
  if (x.rank() < 1 || x.rank() >= types::kMaxRank || weight.rank() != 2 ||
      x.dims.back() != weight.dims[1]) {
    return InvalidArgument("linear: x ", x.ToString(), " and weight ", weight.ToString(),
                           " must be [..., in] and [out, in]; transpose the weight or reshape x");
  }
  if (in.inputs.size() > 2 && in.inputs[2].dims != Dims{weight.dims[0]}) {
    return InvalidArgument("linear: bias ", in.inputs[2].ToString(), " must be [",
                           weight.dims[0].ToString(), "], one number per row of weight ",
                           weight.ToString());
  }
  types::Type out = x;
  out.dims.back() = weight.dims[0];
  return TypeList{out};
}

Refs ExpandLinear(Graph& graph, Ref node) {
  Ref x = node->input(0);
  Expr y(graph, Contract(graph, Unsqueeze(graph, x, x->rank() - 1), node->input(1), {-1}));
  if (node->inputs().size() > 2) y = y + In(graph, node, 2).To(y.dtype());
  return {y.To(node->dtype())};
}

Refs ExpandEmbedding(Graph& graph, Ref node) {
  return {TakeRows(graph, node->input(0), node->input(1))};
}

absl::StatusOr<TypeList> InferDropout(const RuleInput& in) {
  const types::Type &x = in.inputs[0], &key = in.inputs[1], &counter = in.inputs[2];
  if (!types::IsFloat(x.dtype)) {
    return InvalidArgument("dropout: x ", x.ToString(), " must be a float; cast it");
  }
  if (key.dtype != DType::kU32 || key.dims != Dims{2} || !types::IsInteger(counter.dtype) ||
      counter.rank() != 0) {
    return InvalidArgument("dropout: key ", key.ToString(), " and counter ", counter.ToString(),
                           " must be u32[2] and a u64 number");
  }
  const double p = *in.get<double>("p");
  if (!(p >= 0 && p <= 1)) return InvalidArgument("dropout: p = ", p, " must be from 0 to 1");
  return TypeList{x};
}

Refs ExpandDropout(Graph& graph, Ref node) {
  const double p = node->attr<double>("p");
  const Expr x = Widen(graph, node->input(0));
  const Expr drawn(graph, Build(graph, "uniform", {node->input(1), node->input(2)},
                                {{"dims", node->dims()}, {"dtype", DType::kF32}}));
  const Expr scaled = x * (p < 1 ? 1 / (1 - p) : 0.0);
  return {Select(drawn >= p, scaled, x.Number(0)).To(node->dtype())};
}

absl::StatusOr<TypeList> InferPrelu(const RuleInput& in) {
  const types::Type &x = in.inputs[0], &weight = in.inputs[1];
  const bool one = weight.rank() == 0 || weight.dims == Dims{1};
  if (!types::IsFloat(x.dtype)) {
    return InvalidArgument("prelu: x ", x.ToString(), " must be a float; cast it");
  }
  if (one || (x.rank() >= 2 && weight.dims == Dims{x.dims[1]})) return TypeList{x};
  return InvalidArgument("prelu: weight ", weight.ToString(), " for x ", x.ToString(),
                         " must be one number, or one per channel (axis 1 of x)");
}

Refs ExpandPrelu(Graph& graph, Ref node) {
  const Expr x = In(graph, node, 0);
  Ref slope = node->input(1);
  if (slope->rank() == 1) {
    Dims dims(x.node()->rank(), 1);
    if (slope->dims()[0] != 1) dims[1] = slope->dims()[0];
    slope = Reshape(graph, slope, dims);
  }
  return {Select(x > 0.0, x, x * Expr(graph, slope))};
}

absl::StatusOr<TypeList> InferGlu(const RuleInput& in) {
  types::Type x = in.inputs[0];
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis("glu", *in.get<int64_t>("axis"), x.rank()));
  const Sym& extent = x.dims[axis];
  if (!types::IsFloat(x.dtype)) {
    return InvalidArgument("glu: x ", x.ToString(), " must be a float; cast it");
  }
  if (!extent.is_constant() || extent.constant() % 2 != 0) {
    return InvalidArgument("glu: axis ", axis, " of x ", x.ToString(),
                           " must have a fixed, even number of elements: values, then gates");
  }
  x.dims[axis] = extent.constant() / 2;
  return TypeList{x};
}

Refs ExpandGlu(Graph& graph, Ref node) {
  const Ref x = node->input(0);
  const int64_t given = node->attr<int64_t>("axis");
  const int axis = static_cast<int>(given < 0 ? given + x->rank() : given);
  const Sym half = node->dims()[axis];
  const Expr value = Widen(graph, Slice(graph, x, axis, 0, half));
  const Expr gate = Widen(graph, Slice(graph, x, axis, half, half));
  return {(value * Logistic(gate)).To(node->dtype())};
}

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "linear",
     .family = Family::kNn,
     .inputs = {{"x", "[..., in]"},
                {"weight", "[out, in]"},
                {.name = "bias", .doc = "[out]", .optional = true}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLinear,
     .expand = ExpandLinear,
     .doc = "x @ weight.T + bias: [..., in] gives [..., out]. Halves accumulate in f32, the bias "
            "included. As torch.nn.functional.linear.",
     .examples = {{.inputs = {"f32[2] {1, 2}", "f32[3,2] {1, 0, 0, 1, 1, 1}",
                              "f32[3] {10, 20, 30}"},
                   .results = {"f32[3] {11, 22, 33}"}}}},
    {.name = "prelu",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, *]"}, {"weight", "one number, or [C]"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferPrelu,
     .expand = ExpandPrelu,
     .doc = "x where positive, else x * weight, one slope for all or one per channel. As "
            "torch.nn.functional.prelu.",
     .examples = {{.inputs = {"f32[1,2,2] {1, -2, 3, -4}", "f32[2] {0.5, 0.25}"},
                   .results = {"f32[1,2,2] {1, -1, 3, -1}"}}}},
    {.name = "glu",
     .family = Family::kNn,
     .inputs = {{"x"}},
     .attrs = {{"axis", AttrKind::kInt, "-1", "which is halved: values, then gates"}},
     .dtype_rule = DTypeRule::kSame,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferGlu,
     .expand = ExpandGlu,
     .doc = "The first half of an axis times the sigmoid of the second. As "
            "torch.nn.functional.glu.",
     .examples = {{.inputs = {"f32[4] {2, -6, 0, 0}"}, .results = {"f32[2] {1, -3}"}}}},
    {.name = "embedding",
     .family = Family::kNn,
     .inputs = {{"weight", "[V, D]"}, {"index", "integers, [*i]"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kEmbedding,
     .expand = ExpandEmbedding,
     .doc = "Rows of a table: weight [V, D] and index [*i] give [*i, D]. An index outside 0 .. V-1 "
            "reads "
            "zeros. As torch.nn.functional.embedding.",
     .examples = {{.inputs = {"f32[3,2] {1, 2, 3, 4, 5, 6}", "i32[3] {2, 0, 3}"},
                   .results = {"f32[3,2] {5, 6, 1, 2, 0, 0}"}}}},
    {.name = "dropout",
     .family = Family::kNn,
     .inputs = {{"x"}, {"key", "u32[2]"}, {"counter", "u64, of the first element"}},
     .attrs = {{"p", AttrKind::kFloat, "0.5", "probability that an element becomes 0"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferDropout,
     .expand = ExpandDropout,
     .doc =
         "x / (1 - p) where uniform(key, counter) of x's dims is at least p, else 0. Draws as many "
         "numbers as x has elements. As torch.nn.functional.dropout while training.",
     .examples = {{.inputs = {"f32[1] {2}", "u32[2] {0, 0}", "u64[] {0}"},
                   .attrs = "p=0.75",
                   .results = {"f32[1] {8}"}},
                  {.inputs = {"f32[2] {1, 2}", "u32[2] {0, 0}", "u64[] {0}"},
                   .attrs = "p=1",
                   .results = {"f32[2] {0, 0}"}}}},
};

}  // namespace

const std::vector<OpRow>& NnRows() {
  static const std::vector<OpRow>& all =
      JoinTables({&kRows, &ConvRows(), &PoolRows(), &AttentionRows()});
  return all;
}

}  // namespace tensord::ops
