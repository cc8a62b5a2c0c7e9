// Losses over classes, which lie along axis 1 (axis 0 of a single item). The class of an item is
// found by comparing it with the position along that axis, inside the same loops as the softmax.
#include "engine/base/status.h"
#include "engine/ops/index.h"
#include "engine/ops/loss_rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

int ClassAxis(int rank) { return rank > 1 ? 1 : 0; }

Dims WithoutClasses(const Dims& dims) {
  Dims rest = dims;
  rest.erase(rest.begin() + ClassAxis(static_cast<int>(dims.size())));
  return rest;
}

// The inputs of either loss, in the dtype of computation, broadcasting to x.
struct Classes {
  Graph& graph;
  Ref node;
  Expr x;
  int axis;
  double smoothing = 0;
  std::optional<Expr> weight;

  Classes(Graph& g, Ref loss)
      : graph(g), node(loss), x(Widen(g, loss->input(0))), axis(ClassAxis(x.node()->rank())) {
    const int rank = x.node()->rank();
    if (node->is("cross_entropy")) smoothing = node->attr<double>("label_smoothing");
    if (node->inputs().size() < 3) return;
    weight = Expr(g, PlaceAxes(g, Cast(g, node->input(2), x.dtype()), {axis}, rank));
  }

  bool sparse() const { return !types::IsFloat(node->input(1)->dtype()); }
  const Sym& count() const { return x.dims()[axis]; }
  // A value of the losses' dims, or a scalar, so that it broadcasts against x.
  Expr Spread(const Expr& value) const {
    if (value.node()->rank() == 0) return value;
    return {graph, Unsqueeze(graph, value, axis)};
  }
  Ref Full(const Expr& value) const { return Expand(graph, value, x.dims()); }
  Expr SumOverClasses(const Expr& terms) const {
    return {graph, Reduce(graph, Full(terms), "sum", {axis})};
  }
  Expr Weighted(const Expr& value) const { return weight ? value * *weight : value; }

  // Whether a class is an item's: never for ignored items and classes that don't exist.
  Expr Hit() const {
    const Expr target = WideIndex(graph, node->input(1), count());
    Ref positions = Iota(graph, {count()}, 0, target.dtype(), node->type().placement);
    const Expr classes(graph, PlaceAxes(graph, positions, {axis}, x.node()->rank()));
    const Expr spread = Expr(graph, Unsqueeze(graph, target, axis));
    const Expr hit = classes == spread;
    const int64_t ignored = node->attr<int64_t>("ignore_index");
    if (ignored < 0 || ignored >= count().max()) return hit;
    return hit & (spread != spread.Number(static_cast<double>(ignored)));
  }
  // The distribution that the loss compares with, zeros for ignored items.
  Expr Distribution() const {
    const Expr even =
        smoothing / Expr(graph, SymValue(graph, count(), x.dtype(), node->type().placement));
    if (!sparse()) {
      const Expr target(graph, Cast(graph, node->input(1), x.dtype()));
      return smoothing == 0 ? target : target * (1 - smoothing) + even;
    }
    const Expr hit = Hit().To(x.dtype());
    if (smoothing == 0) return hit;
    return hit * (1 - smoothing) + even * Spread(SumOverClasses(hit));
  }
  // By what a mean divides: the weights of the items that count. Nothing: by the number of items.
  std::optional<Expr> Total() const {
    if (!sparse() || node->attr<std::string>("reduction") != "mean") return std::nullopt;
    Ref hits = Full(Weighted(Hit().To(x.dtype())));
    return Expr(graph, Reduce(graph, hits, "sum", Range(0, x.node()->rank())));
  }
  Expr LogProbabilities() const {
    return {graph, Build(graph, "log_softmax", {x}, {{"axis", int64_t{axis}}})};
  }
  Expr Dy(const GradientArgs& a) const {
    return Spread(LossDy(a, WithoutClasses(x.dims()), Total()));
  }
};

// The sum over classes of where(hit, -weight * log p, 0): no 0 * inf where a probability is 0.
Expr Picked(const Classes& c, const Expr& log_p) {
  return c.SumOverClasses(Select(c.Hit(), c.Weighted(-log_p), log_p.Number(0)));
}

Refs ExpandNll(Graph& graph, Ref node) {
  const Classes c(graph, node);
  return {ReduceLoss(node, Picked(c, c.x), c.Total())};
}

Refs NllGradient(const GradientArgs& a) {
  const Classes c(a.graph, a.node);
  Refs gradients(a.node->inputs().size(), nullptr);
  const Expr dx = Select(c.Hit(), c.Weighted(-c.Dy(a)), c.x.Number(0));
  gradients[0] = Cast(a.graph, c.Full(dx), a.node->input(0)->dtype());
  return gradients;
}

Refs ExpandCrossEntropy(Graph& graph, Ref node) {
  const Classes c(graph, node);
  const Expr log_p = c.LogProbabilities();
  const Expr losses = c.sparse() && c.smoothing == 0
                          ? Picked(c, log_p)
                          : c.SumOverClasses(c.Weighted(-log_p) * c.Distribution());
  return {ReduceLoss(node, losses, c.Total())};
}

// softmax(x) * sum(w * q) - w * q, of the distribution q.
Refs CrossEntropyGradient(const GradientArgs& a) {
  const Classes c(a.graph, a.node);
  const Expr dy = c.Dy(a), log_p = c.LogProbabilities(), q = c.Weighted(c.Distribution());
  Refs gradients(a.node->inputs().size(), nullptr);
  const Expr dx = dy * (Exp(log_p) * c.Spread(c.SumOverClasses(q)) - q);
  gradients[0] = Cast(a.graph, dx, a.node->input(0)->dtype());
  if (!c.sparse()) {
    const Expr dt = dy * c.Weighted(-log_p) * (1 - c.smoothing);
    gradients[1] = Cast(a.graph, dt, a.node->input(1)->dtype());
  }
  return gradients;
}

// ---- types ----

absl::Status CheckClasses(const RuleInput& in) {
  const types::Type& x = in.inputs[0];
  if (x.rank() < 1) {
    return InvalidArgument(in.row.name, ": x ", x.ToString(),
                           " must be [N, C, ...] or [C]; reshape it");
  }
  const Sym& count = x.dims[ClassAxis(x.rank())];
  if (in.inputs.size() > 2 &&
      (in.inputs[2].dims != Dims{count} || !types::IsFloat(in.inputs[2].dtype))) {
    return InvalidArgument(in.row.name, ": weight ", in.inputs[2].ToString(), " must be floats [",
                           count.ToString(), "], one for each class");
  }
  return absl::OkStatus();
}

bool IsClassIndex(const RuleInput& in) {
  const types::Type& target = in.inputs[1];
  return types::IsInteger(target.dtype) && target.dims == WithoutClasses(in.inputs[0].dims);
}

absl::StatusOr<TypeList> InferNll(const RuleInput& in) {
  RETURN_IF_ERROR(CheckClasses(in));
  const Dims dims = WithoutClasses(in.inputs[0].dims);
  if (!IsClassIndex(in)) {
    return InvalidArgument("nll_loss: target ", in.inputs[1].ToString(), " must be integers ",
                           types::DimsToString(dims), " for x ", in.inputs[0].ToString());
  }
  return ReducedLossType(in, dims);
}

absl::StatusOr<TypeList> InferCrossEntropy(const RuleInput& in) {
  RETURN_IF_ERROR(CheckClasses(in));
  const types::Type &x = in.inputs[0], &target = in.inputs[1];
  const Dims dims = WithoutClasses(x.dims);
  const bool probabilities = types::IsFloat(target.dtype) && target.dims == x.dims;
  if (!probabilities && !IsClassIndex(in)) {
    return InvalidArgument("cross_entropy: target ", target.ToString(), " must be integers ",
                           types::DimsToString(dims), " or probabilities ",
                           types::DimsToString(x.dims), " for x ", x.ToString());
  }
  const double smoothing = *in.get<double>("label_smoothing");
  if (!(smoothing >= 0 && smoothing <= 1)) {
    return InvalidArgument("cross_entropy: label_smoothing = ", smoothing, " must be from 0 to 1");
  }
  return ReducedLossType(in, dims);
}

const ir::InputSpec kClassWeight = {
    .name = "weight", .doc = "[C], of each class; gets no gradient", .optional = true};
const ir::AttrSpec kIgnored = {"ignore_index", AttrKind::kInt, "-100",
                               "a class whose items don't count"};

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "nll_loss",
     .family = Family::kLoss,
     .inputs = {{"x", "[N, C, *d] or [C], logarithms of probabilities"},
                {"target", "integers, [N, *d] or []"},
                kClassWeight},
     .attrs = {kIgnored, kReduction},
     .dtype_rule = DTypeRule::kFloatFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferNll,
     .expand = ExpandNll,
     .gradient = NllGradient,
     .doc = "-weight[target] * x[target] for each item, 0 for items that are ignored or whose "
            "class does "
            "not exist; the mean divides by the weights of the others. As "
            "torch.nn.functional.nll_loss.",
     .examples = {{.inputs = {"f32[2,3] {-1, -2, -3, -4, -5, -6}", "i32[2] {0, 2}"},
                   .results = {"f32[] {3.5}"}},
                  {.inputs = {"f32[2,3] {-1, -2, -3, -4, -5, -6}", "i32[2] {0, 2}"},
                   .attrs = "ignore_index=2",
                   .results = {"f32[] {1}"}}}},
    {.name = "cross_entropy",
     .family = Family::kLoss,
     .inputs = {{"x", "[N, C, *d] or [C], unnormalised logarithms"},
                {"target", "integers, [N, *d] or []; or probabilities, as x"},
                kClassWeight},
     .attrs = {kIgnored,
               {"label_smoothing", AttrKind::kFloat, "0",
                "how much of the target is spread evenly"},
               kReduction},
     .dtype_rule = DTypeRule::kFloatFirst,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferCrossEntropy,
     .expand = ExpandCrossEntropy,
     .gradient = CrossEntropyGradient,
     .doc = "-sum(weight * target * log_softmax(x)) over the classes, for each item. Integer "
            "targets name a "
            "class each; items that are ignored or whose class does not exist give 0, and the mean "
            "divides "
            "by the weights of the others. As torch.nn.functional.cross_entropy.",
     .examples = {{.inputs = {"f32[2,2] {0, 0, 0, 1000}", "i32[2] {1, 0}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0.6931472, 1000}"}},
                  {.inputs = {"f32[1,2] {0, 0}", "f32[1,2] {0.5, 0.5}"},
                   .results = {"f32[] {0.6931472}"}}}},
};

}  // namespace

const std::vector<OpRow>& CrossEntropyRows() { return kRows; }

}  // namespace tensord::ops
