// Losses of two tensors, element by element; cross_entropy.cc has those over classes. All compute
// in f32 for halves and then reduce to a mean, a sum, or not at all.
#include "engine/base/status.h"
#include "engine/ops/loss_rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// x, target, further inputs if given, in the dtype of computation.
struct Terms {
  Graph& graph;
  Ref node;
  Expr x, target;

  Terms(Graph& g, Ref loss)
      : graph(g), node(loss), x(Wide(loss->input(0))), target(Wide(loss->input(1))) {}
  Expr Wide(Ref input) const { return Widen(graph, input); }
  std::optional<Expr> Extra(int i) const {
    if (static_cast<int>(node->inputs().size()) <= i) return std::nullopt;
    return Wide(node->input(i));
  }
  double operator[](std::string_view attr) const { return node->attr<double>(attr); }
  bool flag(std::string_view attr) const { return node->attr<bool>(attr); }
  Expr zero() const { return x.Number(0); }
};

template <Expr (*loss)(const Terms&)>
Refs ExpandLoss(Graph& graph, Ref node) {
  return {ReduceLoss(node, loss(Terms(graph, node)))};
}

// Gradients that are formulas of their own: of every input, before the reduction.
template <std::vector<Expr> (*slopes)(const Terms&)>
Refs LossGradient(const GradientArgs& a) {
  const Terms terms(a.graph, a.node);
  const Dims dims = LossDims(a.node);
  Refs gradients;
  for (const Expr& slope : slopes(terms)) {
    Ref input = a.node->input(static_cast<int>(gradients.size()));
    Ref full = Expand(a.graph, LossDy(a, dims) * slope, dims);
    gradients.push_back(Cast(a.graph, SumTo(a.graph, full, input->dims()), input->dtype()));
  }
  return gradients;
}

Expr MeanSquared(const Terms& t) { return Square(t.x - t.target); }
Expr Absolute(const Terms& t) { return Abs(t.x - t.target); }

// Quadratic up to `bend`, linear beyond.
Expr Huber(const Terms& t) {
  const double delta = t["delta"];
  const Expr d = Abs(t.x - t.target);
  return Select(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta));
}

Expr SmoothAbsolute(const Terms& t) {
  const double beta = t["beta"];
  const Expr d = Abs(t.x - t.target);
  if (beta == 0) return d;
  return Select(d < beta, 0.5 * d * d / beta, d - 0.5 * beta);
}

constexpr double kLeastLog = -100;  // of a probability of 0, as PyTorch holds it

Expr HeldLog(const Expr& log) { return Max(log, log.Number(kLeastLog)); }

Expr BinaryCrossEntropy(const Terms& t) {
  const Expr yes = HeldLog(Log(t.x)), no = HeldLog(Log1p(-t.x));
  const Expr loss = -(t.target * yes + (1.0 - t.target) * no);
  const auto weight = t.Extra(2);
  return weight ? loss * *weight : loss;
}

std::vector<Expr> BinaryCrossEntropySlopes(const Terms& t) {
  const Expr yes = HeldLog(Log(t.x)), no = HeldLog(Log1p(-t.x));
  const Expr spread = t.x * (1.0 - t.x);
  const Expr dx = (t.x - t.target) / Max(spread, spread.Number(1e-12)), dt = no - yes;
  const auto weight = t.Extra(2);
  if (!weight) return {dx, dt};
  return {dx * *weight, dt * *weight, -(t.target * yes + (1.0 - t.target) * no)};
}

// softplus(x) is -log(1 - p) and softplus(-x) is -log(p) of the probability p.
Expr BinaryCrossEntropyLogits(const Terms& t) {
  const auto weight = t.Extra(2), positive = t.Extra(3);
  const Expr yes = positive ? *positive * Softplus(-t.x) : Softplus(-t.x);
  const Expr loss = t.target * yes + (1.0 - t.target) * Softplus(t.x);
  return weight ? loss * *weight : loss;
}

std::vector<Expr> BinaryCrossEntropyLogitsSlopes(const Terms& t) {
  const auto weight = t.Extra(2), positive = t.Extra(3);
  const Expr yes = Softplus(-t.x), no = Softplus(t.x);
  const Expr p = positive ? *positive : t.x.Number(1);
  const Expr loss = t.target * p * yes + (1.0 - t.target) * no;
  Expr dx = Logistic(t.x) - t.target;
  if (positive) dx = (1.0 - t.target) * Logistic(t.x) - t.target * p * Logistic(-t.x);
  const Expr dt = p * yes - no, dp = t.target * yes;
  if (!weight) return {dx, dt};
  std::vector<Expr> slopes = {dx * *weight, dt * *weight, loss};
  if (positive) slopes.push_back(dp * *weight);
  return slopes;
}

// t * log(t), 0 at 0.
Expr TimesLog(const Expr& t) {
  const Expr positive = t > 0.0;
  return Select(positive, t * Log(Select(positive, t, t.Number(1))), t.Number(0));
}

Expr KlDivergence(const Terms& t) {
  if (t.flag("log_target")) return Exp(t.target) * (t.target - t.x);
  return TimesLog(t.target) - t.target * t.x;
}

Expr Hinge(const Terms& t) {
  const Expr gap = 1.0 - t.x * t.target;
  return Select(gap > 0.0, gap, t.zero());
}

Expr HingeEmbedding(const Terms& t) {
  const Expr gap = t["margin"] - t.x;
  return Select(t.target > 0.0, t.x, Select(gap > 0.0, gap, t.zero()));
}

Expr SoftMargin(const Terms& t) { return Softplus(-t.target * t.x); }

Expr MarginRanking(const Terms& t) {
  const Expr gap = t["margin"] - *t.Extra(2) * (t.x - t.target);
  return Select(gap > 0.0, gap, t.zero());
}

Expr PoissonNll(const Terms& t) {
  if (t.flag("log_input")) return Exp(t.x) - t.target * t.x;
  return t.x - t.target * Log(t.x + t["eps"]);
}

const ir::InputSpec kX = {"x"}, kTarget = {"target", "broadcasts with x"};
const ir::InputSpec kWeight = {
    .name = "weight", .doc = "of each element; broadcasts", .optional = true};

const std::vector<OpRow>& kDistances = *new std::vector<OpRow>{
    {.name = "mse_loss",
     .family = Family::kLoss,
     .inputs = {kX, kTarget},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<MeanSquared>,
     .doc = "(x - target)^2. As torch.nn.functional.mse_loss.",
     .examples = {{.inputs = {"f32[2] {1, 2}", "f32[2] {1, 4}"}, .results = {"f32[] {2}"}}}},
    {.name = "l1_loss",
     .family = Family::kLoss,
     .inputs = {kX, kTarget},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<Absolute>,
     .doc = "|x - target|. As torch.nn.functional.l1_loss.",
     .examples = {{.inputs = {"f32[2] {1, 2}", "f32[2] {1, 4}"},
                   .attrs = "reduction=\"sum\"",
                   .results = {"f32[] {2}"}}}},
    {.name = "huber_loss",
     .family = Family::kLoss,
     .inputs = {kX, kTarget},
     .attrs = {{"delta", AttrKind::kFloat, "1", "where the square ends"}, kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<Huber>,
     .doc = "d*d/2 up to delta, delta*(d - delta/2) beyond, of d = |x - target|. As "
            "torch.nn.functional.huber_loss.",
     .examples = {{.inputs = {"f32[2] {1, 5}", "f32[2] {0, 0}"},
                   .attrs = "delta=2, reduction=\"none\"",
                   .results = {"f32[2] {0.5, 8}"}}}},
    {.name = "smooth_l1_loss",
     .family = Family::kLoss,
     .inputs = {kX, kTarget},
     .attrs = {{"beta", AttrKind::kFloat, "1", "where the square ends; 0: l1_loss"}, kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<SmoothAbsolute>,
     .doc = "d*d/(2*beta) below beta, d - beta/2 from there on, of d = |x - target|. As "
            "torch.nn.functional.smooth_l1_loss.",
     .examples = {{.inputs = {"f32[2] {1, 5}", "f32[2] {0, 0}"},
                   .attrs = "beta=2, reduction=\"none\"",
                   .results = {"f32[2] {0.25, 4}"}}}},
};

const std::vector<OpRow>& kProbabilities = *new std::vector<OpRow>{
    {.name = "binary_cross_entropy",
     .family = Family::kLoss,
     .inputs = {{"x", "probabilities"}, kTarget, kWeight},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<BinaryCrossEntropy>,
     .gradient = LossGradient<BinaryCrossEntropySlopes>,
     .doc = "-(target*log(x) + (1-target)*log(1-x)), logarithms held at -100. As "
            "torch.nn.functional.binary_cross_entropy.",
     .examples = {{.inputs = {"f32[2] {0.5, 0}", "f32[2] {1, 1}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0.6931472, 100}"}}}},
    {.name = "binary_cross_entropy_with_logits",
     .family = Family::kLoss,
     .inputs = {{"x", "log-odds"},
                kTarget,
                kWeight,
                {.name = "pos_weight",
                 .doc = "of the part with target; broadcasts",
                 .optional = true}},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<BinaryCrossEntropyLogits>,
     .gradient = LossGradient<BinaryCrossEntropyLogitsSlopes>,
     .doc = "binary_cross_entropy of sigmoid(x), exact for any x. As "
            "torch.nn.functional.binary_cross_entropy_with_logits.",
     .examples = {{.inputs = {"f32[2] {0, -1000}", "f32[2] {1, 1}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0.6931472, 1000}"}}}},
    {.name = "kl_div",
     .family = Family::kLoss,
     .inputs = {{"x", "logarithms of probabilities"}, kTarget},
     .attrs = {{"log_target", AttrKind::kBool, "false", "whether target holds logarithms too"},
               kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<KlDivergence>,
     .doc = "target * (log(target) - x), 0 where target is 0. Its reduction may also be batchmean: "
            "the sum "
            "divided by the first dim. As torch.nn.functional.kl_div.",
     .examples = {{.inputs = {"f32[2] {0, 0}", "f32[2] {1, 0}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0, 0}"}}}},
    {.name = "poisson_nll_loss",
     .family = Family::kLoss,
     .inputs = {kX, kTarget},
     .attrs = {{"log_input", AttrKind::kBool, "true", "whether x is the rate's logarithm"},
               {"eps", AttrKind::kFloat, "1e-08", "added to the rate before its logarithm"},
               kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<PoissonNll>,
     .doc = "exp(x) - target*x, or x - target*log(x + eps) without log_input. As "
            "torch.nn.functional.poisson_nll_loss with full = False.",
     .examples = {{.inputs = {"f32[] {0}", "f32[] {5}"}, .results = {"f32[] {1}"}}}},
};

const std::vector<OpRow>& kMargins = *new std::vector<OpRow>{
    {.name = "hinge_loss",
     .family = Family::kLoss,
     .inputs = {kX, {"target", "1 or -1; broadcasts with x"}},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<Hinge>,
     .doc = "max(0, 1 - x*target).",
     .examples = {{.inputs = {"f32[2] {0.5, 0.5}", "f32[2] {1, -1}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0.5, 1.5}"}}}},
    {.name = "hinge_embedding_loss",
     .family = Family::kLoss,
     .inputs = {{"x", "distances"}, {"target", "1 or -1; broadcasts with x"}},
     .attrs = {{"margin", AttrKind::kFloat, "1", "distance wanted where target is -1"}, kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<HingeEmbedding>,
     .doc = "x where target is 1, else max(0, margin - x). As "
            "torch.nn.functional.hinge_embedding_loss.",
     .examples = {{.inputs = {"f32[2] {0.5, 0.25}", "f32[2] {1, -1}"},
                   .attrs = "reduction=\"none\"",
                   .results = {"f32[2] {0.5, 0.75}"}}}},
    {.name = "soft_margin_loss",
     .family = Family::kLoss,
     .inputs = {kX, {"target", "1 or -1; broadcasts with x"}},
     .attrs = {kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<SoftMargin>,
     .doc = "log(1 + exp(-target*x)). As torch.nn.functional.soft_margin_loss.",
     .examples = {{.inputs = {"f32[] {0}", "f32[] {1}"}, .results = {"f32[] {0.6931472}"}}}},
    {.name = "margin_ranking_loss",
     .family = Family::kLoss,
     .inputs = {{"x1"},
                {"x2", "broadcasts with x1"},
                {"target", "1: x1 should rank higher; -1: lower"}},
     .attrs = {{"margin", AttrKind::kFloat, "0", "by how much"}, kReduction},
     .dtype_rule = DTypeRule::kFloat,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferLoss,
     .expand = ExpandLoss<MarginRanking>,
     .doc = "max(0, margin - target*(x1 - x2)). As torch.nn.functional.margin_ranking_loss.",
     .examples = {{.inputs = {"f32[] {1}", "f32[] {3}", "f32[] {1}"}, .results = {"f32[] {2}"}}}},
};

}  // namespace

const std::vector<OpRow>& LossRows() {
  static const std::vector<OpRow>& all =
      JoinTables({&kDistances, &kProbabilities, &kMargins, &CrossEntropyRows()});
  return all;
}

}  // namespace tensord::ops
