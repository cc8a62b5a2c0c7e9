// Steps of optimizers: a parameter, its gradient and state in, the new parameter and state out.
// Computes in f32 for halves; each result has the dtype of the input that it succeeds. Numbers as
// PyTorch's.
#include <cmath>

#include "engine/base/status.h"
#include "engine/ops/compose.h"
#include "engine/ops/rows.h"

namespace tensord::ops {
namespace {

using ir::TypeList;

// The positions of the learning rate and of the step follow the state.
struct Step {
  Graph& graph;
  Ref node;
  int states;
  Expr parameter, gradient, rate;

  Step(Graph& g, Ref n)
      : graph(g),
        node(n),
        states(n->op().results - 1),
        parameter(Input(0)),
        gradient(Input(1)),
        rate(Input(2 + states)) {}

  Expr Input(int i) const {
    return {graph, Cast(graph, node->input(i), ComputeDType(node->input(0)->dtype()))};
  }
  Expr State(int i) const { return Input(2 + i); }
  bool has_number() const { return static_cast<int>(node->inputs().size()) > 3 + states; }
  Expr Number() const { return Input(3 + states); }
  double operator[](std::string_view attr) const { return node->attr<double>(attr); }

  // The gradient with the penalty for large parameters.
  Expr Decayed() const {
    const double decay = (*this)["weight_decay"];
    return decay == 0 ? gradient : gradient + parameter * decay;
  }
  // The results in the dtypes of what they succeed.
  Refs Results(std::vector<Expr> values) const {
    Refs results = {Cast(graph, values[0], node->type(0).dtype)};
    for (int i = 0; i < states; ++i)
      results.push_back(Cast(graph, values[i + 1], node->type(i + 1).dtype));
    return results;
  }
};

Refs ExpandSgd(Graph& graph, Ref node) {
  const Step step(graph, node);
  return step.Results({step.parameter - step.rate * step.Decayed()});
}

Refs ExpandMomentum(Graph& graph, Ref node) {
  const Step step(graph, node);
  const double momentum = step["momentum"];
  const Expr g = step.Decayed();
  Expr velocity = step.State(0) * momentum + g * (1 - step["dampening"]);
  if (step.has_number()) velocity = Select(step.Number() <= 1.0, g, velocity);
  const Expr update = node->attr<bool>("nesterov") ? g + velocity * momentum : velocity;
  return step.Results({step.parameter - step.rate * update, velocity});
}

// 1 - beta^n: beta^n is near 1 for the first steps, where a power in f32 would lose digits.
Expr BiasCorrection(const Expr& n, double beta) {
  return -Apply(ScalarOp::kExpm1, n * std::log(beta));
}

// Adam's update of `parameter` by the gradient `g`.
Refs AdamStep(const Step& step, const Expr& parameter, const Expr& g) {
  const double beta1 = step["beta1"], beta2 = step["beta2"];
  const Expr n = step.Number();
  const Expr m = step.State(0) + (g - step.State(0)) * (1 - beta1);
  const Expr v = step.State(1) * beta2 + g * g * (1 - beta2);
  const Expr divisor = Sqrt(v) / Sqrt(BiasCorrection(n, beta2)) + step["eps"];
  return step.Results({parameter - step.rate / BiasCorrection(n, beta1) * (m / divisor), m, v});
}

Refs ExpandAdam(Graph& graph, Ref node) {
  const Step step(graph, node);
  return AdamStep(step, step.parameter, step.Decayed());
}

Refs ExpandAdamW(Graph& graph, Ref node) {
  const Step step(graph, node);
  const Expr kept = 1.0 - step.rate * step["weight_decay"];
  return AdamStep(step, step.parameter * kept, step.gradient);
}

absl::Status CheckBetas(const RuleInput& in) {
  for (std::string_view name : {"beta1", "beta2"}) {
    const double* beta = in.get<double>(name);
    if (beta == nullptr || (*beta >= 0 && *beta < 1)) continue;
    return InvalidArgument(in.row.name, ": ", name, " = ", *beta, " must be from 0 to below 1");
  }
  return absl::OkStatus();
}

// Gradient and state have the parameter's dims; what follows are scalars.
absl::StatusOr<TypeList> InferStep(const RuleInput& in) {
  const types::Type& parameter = in.inputs[0];
  const size_t tensors = in.row.results + 1;
  for (size_t i = 0; i < in.inputs.size(); ++i) {
    const types::Type& type = in.inputs[i];
    const bool tensor = i < tensors;
    if (type.dims != (tensor ? parameter.dims : Dims{})) {
      return InvalidArgument(in.row.name, ": ", in.row.inputs[i].name, " is ", type.ToString(),
                             "; expected ", tensor ? "the dims of " : "a number, for ",
                             parameter.ToString());
    }
    if (!types::IsFloat(type.dtype) && i <= tensors) {
      return InvalidArgument(in.row.name, ": ", in.row.inputs[i].name, " is ", type.ToString(),
                             "; expected a float");
    }
  }
  RETURN_IF_ERROR(CheckBetas(in));
  TypeList types = {parameter};
  for (int i = 1; i < in.row.results; ++i) types.push_back(in.inputs[i + 1]);
  return types;
}

const ir::InputSpec kParameter = {"parameter"}, kGradient = {"gradient", "the parameter's dims"};
const ir::InputSpec kRate = {"rate", "the learning rate, a scalar"};
const ir::InputSpec kNumber = {"step", "1 for the first step, 2 for the second, ..."};
const ir::AttrSpec kDecay = {"weight_decay", AttrKind::kFloat, "0",
                             "adds that times the parameter to the gradient"};
const ir::AttrSpec kBeta1 = {"beta1", AttrKind::kFloat, "0.9", "how much of mean is kept"};
const ir::AttrSpec kBeta2 = {"beta2", AttrKind::kFloat, "0.999", "how much of square is kept"};
const ir::AttrSpec kEps = {"eps", AttrKind::kFloat, "1e-08", "added to the divisor"};
const ir::InputSpec kMean = {"mean", "running mean of gradients, zeros at first"};
const ir::InputSpec kSquare = {"square", "running mean of their squares, zeros at first"};

const std::vector<OpRow>& kRows = *new std::vector<OpRow>{
    {.name = "sgd",
     .family = Family::kOptim,
     .inputs = {kParameter, kGradient, kRate},
     .attrs = {kDecay},
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferStep,
     .expand = ExpandSgd,
     .doc = "A step of gradient descent: parameter - rate * gradient. As torch.optim.SGD without "
            "momentum.",
     .examples = {{.inputs = {"f32[2] {1, 2}", "f32[2] {10, -10}", "f32[] {0.5}"},
                   .results = {"f32[2] {-4, 7}"}}}},
    {.name = "sgd_momentum",
     .family = Family::kOptim,
     .inputs = {kParameter,
                kGradient,
                {"velocity", "zeros at first"},
                kRate,
                {.name = "step",
                 .doc = "if given and 1, the velocity is the gradient",
                 .optional = true}},
     .attrs = {{"momentum", AttrKind::kFloat, "0.9", "how much of the velocity is kept"},
               {"dampening", AttrKind::kFloat, "0", "how much of the gradient is left out"},
               kDecay,
               {"nesterov", AttrKind::kBool, "false", "whether to look one step ahead"}},
     .results = 2,
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferStep,
     .expand = ExpandMomentum,
     .doc = "A step of gradient descent with momentum: the new parameter and velocity. velocity' = "
            "momentum "
            "* velocity + (1 - dampening) * gradient; the parameter moves by -rate * velocity', or "
            "with "
            "nesterov by -rate * (gradient + momentum * velocity'). As torch.optim.SGD.",
     .examples = {{.inputs = {"f32[1] {1}", "f32[1] {2}", "f32[1] {4}", "f32[] {0.5}"},
                   .attrs = "momentum=0.5",
                   .results = {"f32[1] {-1}", "f32[1] {4}"}}}},
    {.name = "adam",
     .family = Family::kOptim,
     .inputs = {kParameter, kGradient, kMean, kSquare, kRate, kNumber},
     .attrs = {kBeta1, kBeta2, kEps, kDecay},
     .results = 3,
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferStep,
     .expand = ExpandAdam,
     .doc =
         "A step of Adam: the new parameter, mean and square. mean' = beta1 * mean + (1 - beta1) * "
         "gradient, square' = beta2 * square + (1 - beta2) * gradient^2, both divided by 1 - "
         "beta^step; "
         "the parameter moves by -rate * mean / (sqrt(square) + eps). As torch.optim.Adam.",
     .examples = {{.inputs = {"f32[1] {1}", "f32[1] {2}", "f32[1] {0}", "f32[1] {0}", "f32[] {0.5}",
                              "i32[] {1}"},
                   .attrs = "eps=0",
                   .results = {"f32[1] {0.5}", "f32[1] {0.2}", "f32[1] {0.004}"},
                   .tolerance = 1e-5}}},
    {.name = "adamw",
     .family = Family::kOptim,
     .inputs = {kParameter, kGradient, kMean, kSquare, kRate, kNumber},
     .attrs = {kBeta1,
               kBeta2,
               kEps,
               {"weight_decay", AttrKind::kFloat, "0.01",
                "shrinks the parameter by rate times that"}},
     .results = 3,
     .dtype_rule = DTypeRule::kCustom,
     .shape_rule = ShapeRule::kCustom,
     .infer = InferStep,
     .expand = ExpandAdamW,
     .doc = "A step of Adam on a parameter that was first multiplied by 1 - rate * weight_decay: "
            "the new "
            "parameter, mean and square. As torch.optim.AdamW.",
     .examples = {{.inputs = {"f32[1] {1}", "f32[1] {2}", "f32[1] {0}", "f32[1] {0}", "f32[] {0.5}",
                              "i32[] {1}"},
                   .attrs = "eps=0, weight_decay=0.5",
                   .results = {"f32[1] {0.25}", "f32[1] {0.2}", "f32[1] {0.004}"},
                   .tolerance = 1e-5}}},
};

}  // namespace

const std::vector<OpRow>& OptimRows() { return kRows; }

}  // namespace tensord::ops
