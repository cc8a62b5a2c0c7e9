// Layers that normalise: (x - mean) / sqrt(variance + eps) over some axes, then a weight and a bias
// along others. Variances are means of squared deviations, in f32 for halves.
#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/norm_rows.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// What one layer normalises: x viewed so that whole axes are, in the dtype of computation.
struct Layer {
  Expr x;
  Ints axes;       // of the view, normalised
  Ints affine;     // of the node's input, along which weight and bias lie
  int weight = 1;  // its input's position; bias follows
  bool centred = true;
};

struct Moments {
  Expr mean, deviation, inverse;  // inverse: 1 / sqrt(variance + eps)
  Expr variance;

  Moments(const Layer& layer, double eps)
      : mean(layer.centred ? MeanKept(layer.x, layer.axes) : layer.x.Number(0)),
        deviation(layer.centred ? layer.x - mean : layer.x),
        inverse(mean),
        variance(MeanKept(Square(deviation), layer.axes)) {
    inverse = 1.0 / Sqrt(variance + eps);
  }
  Expr normalized() const { return deviation * inverse; }
};

double EpsOf(Ref node) { return node->attr<double>("eps"); }

// Input i along the affine axes, or nothing when it is not given.
std::optional<Expr> Affine(Graph& graph, Ref node, const Layer& layer, int i) {
  if (static_cast<int>(node->inputs().size()) <= i) return std::nullopt;
  const Expr value = In(graph, node, i).To(layer.x.dtype());
  return Expr(graph, PlaceAxes(graph, value, layer.affine, node->input(0)->rank()));
}

Expr WithAffine(Graph& graph, Ref node, const Layer& layer, const Expr& normalized) {
  Expr y(graph, Reshape(graph, normalized, node->input(0)->dims()));
  if (const auto weight = Affine(graph, node, layer, layer.weight)) y = y * *weight;
  if (const auto bias = Affine(graph, node, layer, layer.weight + 1)) y = y + *bias;
  return y.To(node->input(0)->dtype());
}

// x's gradient in its view, from that of the normalised view.
Expr ViewGradient(const Layer& layer, const Moments& moments, const Expr& d) {
  const Expr normalized = moments.normalized();
  const Expr rest = d - normalized * MeanKept(d * normalized, layer.axes);
  return moments.inverse * (layer.centred ? rest - MeanKept(d, layer.axes) : rest);
}

// The gradients of x (in its view, as wide), weight and bias from that of the first result.
struct Gradients {
  Expr view;
  Refs inputs;  // that of x is still missing
};

Gradients GradientOf(const GradientArgs& a, const Layer& layer, const Moments& moments) {
  Graph& graph = a.graph;
  const Expr dy(graph, Cast(graph, a.output_gradients[0], layer.x.dtype()));
  const auto weight = Affine(graph, a.node, layer, layer.weight);
  const Expr d(graph, Reshape(graph, weight ? dy * *weight : dy, layer.x.dims()));
  Gradients gradients{ViewGradient(layer, moments, d), Refs(a.node->inputs().size(), nullptr)};
  const Ints others = OtherAxes(a.node->input(0), layer.affine);
  const auto along = [&](int i, const Expr& g) {
    gradients.inputs[i] = Cast(graph, Reduce(graph, g, "sum", others), a.node->input(i)->dtype());
  };
  if (weight) {
    along(layer.weight, dy * Expr(graph, Reshape(graph, moments.normalized(), dy.dims())));
  }
  if (Affine(graph, a.node, layer, layer.weight + 1)) along(layer.weight + 1, dy);
  return gradients;
}

// x's gradient from its view's.
Ref Unview(const GradientArgs& a, const Expr& view) {
  Ref x = a.node->input(0);
  return Cast(a.graph, Reshape(a.graph, view, x->dims()), x->dtype());
}

template <Layer (*layer_of)(Graph&, Ref)>
Refs ExpandLayer(Graph& graph, Ref node) {
  const Layer layer = layer_of(graph, node);
  return {WithAffine(graph, node, layer, Moments(layer, EpsOf(node)).normalized())};
}

template <Layer (*layer_of)(Graph&, Ref)>
Refs LayerGradient(const GradientArgs& a) {
  const Layer layer = layer_of(a.graph, a.node);
  Gradients gradients = GradientOf(a, layer, Moments(layer, EpsOf(a.node)));
  gradients.inputs[0] = Unview(a, gradients.view);
  return gradients.inputs;
}

Layer LayerNorm(Graph& graph, Ref node) {
  const Ints axes = *NormalizeAxes("layer_norm", node->attr<Ints>("axes"), node->rank());
  return {Widen(graph, node->input(0)), axes, axes};
}

Layer RmsNorm(Graph& graph, Ref node) {
  Layer layer = LayerNorm(graph, node);
  layer.centred = false;
  return layer;
}

Layer GroupNorm(Graph& graph, Ref node) {
  Dims dims = node->dims();
  const int64_t groups = node->attr<int64_t>("groups");
  dims[1] = types::FloorDiv(dims[1], groups);
  dims.insert(dims.begin() + 1, Sym(groups));
  const Expr x(graph, Reshape(graph, Widen(graph, node->input(0)), dims));
  return {x, Range(2, static_cast<int>(dims.size())), {1}};
}

Layer InstanceNorm(Graph& graph, Ref node) {
  return {Widen(graph, node->input(0)), Range(2, node->rank()), {1}};
}

Layer BatchNorm(Graph& graph, Ref node) {
  Ref x = node->input(0);
  const Ints channels = {*NormalizeAxis(node->op().name, node->attr<int64_t>("axis"), x->rank())};
  return {Widen(graph, x), OtherAxes(x, channels), channels};
}

Refs ExpandBatchNormTraining(Graph& graph, Ref node) {
  const Layer layer = BatchNorm(graph, node);
  const Moments moments(layer, EpsOf(node));
  return {WithAffine(graph, node, layer, moments.normalized()),
          Reshape(graph, moments.mean, node->type(1).dims),
          Reshape(graph, moments.variance, node->type(2).dims)};
}

Refs BatchNormTrainingGradient(const GradientArgs& a) {
  Graph& graph = a.graph;
  const Layer layer = BatchNorm(graph, a.node);
  const Moments moments(layer, EpsOf(a.node));
  Ref zeros = Expand(graph, layer.x.Number(0), layer.x.dims());
  const Ref dy[] = {a.output_gradients[0] != nullptr ? a.output_gradients[0] : zeros};
  Gradients gradients = GradientOf({graph, a.node, dy}, layer, moments);
  Expr dx = gradients.view;
  const Expr count = CountOver(layer.x, layer.axes);
  const auto kept = [&](int i) {
    return Expr(graph,
                PlaceAxes(graph, a.output_gradients[i], layer.affine, layer.x.node()->rank()));
  };
  if (a.output_gradients[1] != nullptr) dx = dx + kept(1) / count;
  if (a.output_gradients[2] != nullptr) dx = dx + moments.deviation * (kept(2) * 2.0 / count);
  gradients.inputs[0] = Unview(a, dx);
  return gradients.inputs;
}

Refs ExpandBatchNorm(Graph& graph, Ref node) {
  Layer layer = BatchNorm(graph, node);
  layer.weight = 3;
  const Expr mean = *Affine(graph, node, layer, 1), variance = *Affine(graph, node, layer, 2);
  const Expr normalized = (layer.x - mean) * (1.0 / Sqrt(variance + EpsOf(node)));
  return {WithAffine(graph, node, layer, normalized)};
}

// ---- types ----

absl::Status CheckFloats(const RuleInput& in) {
  for (const types::Type& type : in.inputs) {
    if (types::IsFloat(type.dtype)) continue;
    return InvalidArgument(in.row.name, ": needs floats, got ", type.ToString(), "; cast it first");
  }
  return absl::OkStatus();
}

// Inputs from position 1 on lie along `axes` of x.
absl::Status CheckAffine(const RuleInput& in, const Ints& axes) {
  Dims dims;
  for (int64_t axis : axes) dims.push_back(in.inputs[0].dims[axis]);
  for (size_t i = 1; i < in.inputs.size(); ++i) {
    if (in.inputs[i].dims == dims) continue;
    return InvalidArgument(in.row.name, ": ", in.row.inputs[i].name, " is ",
                           in.inputs[i].ToString(), "; expected dims ", types::DimsToString(dims),
                           " for x ", in.inputs[0].ToString());
  }
  return CheckFloats(in);
}

absl::StatusOr<TypeList> InferLayerNorm(const RuleInput& in) {
  ASSIGN_OR_RETURN(const Ints axes,
                   NormalizeAxes(in.row.name, *in.get<Ints>("axes"), in.inputs[0].rank()));
  RETURN_IF_ERROR(CheckAffine(in, axes));
  return TypeList{in.inputs[0]};
}

absl::StatusOr<TypeList> InferChannelNorm(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  if (x.rank() < 2) {
    return InvalidArgument(in.row.name, ": x ", x.ToString(), " must be [N, C, ...]; reshape it");
  }
  if (const int64_t* groups = in.get<int64_t>("groups")) {
    if (*groups < 1 || types::Mod(x.dims[1], *groups) != Sym(0)) {
      return InvalidArgument(in.row.name, ": groups = ", *groups, " must be >= 1 and divide the ",
                             x.dims[1].ToString(), " channels of ", x.ToString());
    }
    if (x.rank() >= types::kMaxRank) {
      return InvalidArgument(in.row.name, ": x ", x.ToString(), " has too many axes; merge some");
    }
  }
  RETURN_IF_ERROR(CheckAffine(in, {1}));
  return TypeList{x};
}

absl::StatusOr<TypeList> InferBatchNorm(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  ASSIGN_OR_RETURN(const int axis, NormalizeAxis(in.row.name, *in.get<int64_t>("axis"), x.rank()));
  RETURN_IF_ERROR(CheckAffine(in, {axis}));
  TypeList types = {x};
  if (in.row.results == 1) return types;
  types.resize(3, types::Type{ComputeDType(x.dtype), x.placement, {x.dims[axis]}});
  return types;
}

const ir::AttrSpec kEps = {"eps", AttrKind::kFloat, "1e-05", "added to the variance"};
const ir::AttrSpec kAxes = {"axes", AttrKind::kInts, "[-1]", "normalised together"};
const ir::AttrSpec kChannelAxis = {"axis", AttrKind::kInt, "1", "the channels, C"};
const ir::InputSpec kChannelWeight = {.name = "weight", .doc = "[C]", .optional = true};
const ir::InputSpec kChannelBias = {.name = "bias", .doc = "[C]", .optional = true};

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "layer_norm",
     .family = Family::kNn,
     .inputs = {{"x"},
                {.name = "weight", .doc = "the dims of axes", .optional = true},
                {.name = "bias", .doc = "the dims of axes", .optional = true}},
     .attrs = {kAxes, kEps},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLayerNorm,
     .expand = ExpandLayer<LayerNorm>,
     .gradient = LayerGradient<LayerNorm>,
     .doc =
         "(x - mean) / sqrt(variance + eps) over some axes, times weight plus bias along the same "
         "axes. "
         "Computes in f32 for halves; the result has x's dtype. As torch.nn.functional.layer_norm.",
     .examples = {{.inputs = {"f32[2,2] {1, 3, 5, 9}", "f32[2] {1, 2}", "f32[2] {0, 10}"},
                   .attrs = "eps=0",
                   .results = {"f32[2,2] {-1, 12, -1, 12}"}},
                  {.inputs = {"f32[2,2] {1, 3, 5, 5}"},
                   .attrs = "eps=3",
                   .results = {"f32[2,2] {-0.5, 0.5, 0, 0}"}}}},
    {.name = "rms_norm",
     .family = Family::kNn,
     .inputs = {{"x"}, {.name = "weight", .doc = "the dims of axes", .optional = true}},
     .attrs = {kAxes, {"eps", AttrKind::kFloat, "1e-06", "added to the mean square"}},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLayerNorm,
     .expand = ExpandLayer<RmsNorm>,
     .gradient = LayerGradient<RmsNorm>,
     .doc = "x / sqrt(mean(x * x) + eps) over some axes, times weight along the same axes. "
            "Computes in f32 "
            "for halves. As torch.nn.functional.rms_norm.",
     .examples = {{.inputs = {"f32[2] {1, 7}"},
                   .attrs = "eps=0",
                   .results = {"f32[2] {0.2, 1.4}"}}}},
    {.name = "group_norm",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, ...]"}, kChannelWeight, kChannelBias},
     .attrs = {{"groups", AttrKind::kInt, "", "of adjacent channels, normalised together"}, kEps},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferChannelNorm,
     .expand = ExpandLayer<GroupNorm>,
     .gradient = LayerGradient<GroupNorm>,
     .doc = "(x - mean) / sqrt(variance + eps) over each group of channels of each item, times "
            "weight plus "
            "bias along the channels. As torch.nn.functional.group_norm.",
     .examples = {{.inputs = {"f32[1,4] {1, 3, 0, 4}"},
                   .attrs = "groups=2, eps=0",
                   .results = {"f32[1,4] {-1, 1, -1, 1}"}}}},
    {.name = "instance_norm",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, ...]"}, kChannelWeight, kChannelBias},
     .attrs = {kEps},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferChannelNorm,
     .expand = ExpandLayer<InstanceNorm>,
     .gradient = LayerGradient<InstanceNorm>,
     .doc = "(x - mean) / sqrt(variance + eps) over each channel of each item, times weight plus "
            "bias along "
            "the channels. As torch.nn.functional.instance_norm.",
     .examples = {{.inputs = {"f32[1,2,2] {1, 3, 0, 4}"},
                   .attrs = "eps=0",
                   .results = {"f32[1,2,2] {-1, 1, -1, 1}"}}}},
    {.name = "batch_norm_training",
     .family = Family::kNn,
     .inputs = {{"x", "[N, C, ...]"}, kChannelWeight, kChannelBias},
     .attrs = {kChannelAxis, kEps},
     .results = 3,
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferBatchNorm,
     .expand = ExpandBatchNormTraining,
     .gradient = BatchNormTrainingGradient,
     .doc = "Batch normalisation by the batch's own moments: (x - mean) / sqrt(variance + eps) "
            "over all "
            "axes but the channels, times weight plus bias; then the mean and the variance "
            "(divided by the "
            "count), [C], in f32 for halves, for running averages.",
     .examples = {{.inputs = {"f32[2,2] {1, 0, 3, 4}", "f32[2] {1, 2}", "f32[2] {0, 1}"},
                   .attrs = "eps=0",
                   .results = {"f32[2,2] {-1, -1, 1, 3}", "f32[2] {2, 2}", "f32[2] {1, 4}"}}}},
    {.name = "batch_norm",
     .family = Family::kNn,
     .inputs =
         {{"x", "[N, C, ...]"}, {"mean", "[C]"}, {"variance", "[C]"}, kChannelWeight, kChannelBias},
     .attrs = {kChannelAxis, kEps},
     .dtype_rule = DTypeRule::kFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferBatchNorm,
     .expand = ExpandBatchNorm,
     .doc = "Batch normalisation by given moments: (x - mean) / sqrt(variance + eps), times weight "
            "plus bias "
            "along the channels. As torch.nn.functional.batch_norm with training = False.",
     .examples = {{.inputs = {"f32[1,2] {3, 3}", "f32[2] {1, 2}", "f32[2] {4, 1}"},
                   .attrs = "eps=0",
                   .results = {"f32[1,2] {1, 1}"}}}},
};

}  // namespace

const std::vector<OpRow>& NormRows() {
  static const std::vector<OpRow>& all = JoinTables({&SoftmaxRows(), &kRows, &NormalizeRows()});
  return all;
}

}  // namespace tensord::ops
