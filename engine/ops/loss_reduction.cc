#include "engine/base/status.h"
#include "engine/ops/loss_rows.h"

namespace tensord::ops {
namespace {

const std::string& ReductionOf(Ref node) { return node->attr<std::string>("reduction"); }

bool DividesByBatch(std::string_view row) { return row == "kl_div"; }

// By what a mean of losses of `dims` divides.
Expr MeanDivisor(Ref node, const Expr& like, const Dims& dims, const std::optional<Expr>& count) {
  if (count) return *count;
  const Sym n = ReductionOf(node) == "batchmean" ? dims[0] : types::NumElements(dims);
  return {like.graph(), SymValue(like.graph(), n, like.dtype(), node->type().placement)};
}

}  // namespace

absl::StatusOr<ir::TypeList> ReducedLossType(const RuleInput& in, const Dims& dims) {
  const std::string& reduction = *in.get<std::string>("reduction");
  const bool batch = reduction == "batchmean" && DividesByBatch(in.row.name);
  if (batch && dims.empty()) {
    return InvalidArgument(in.row.name, ": batchmean needs an axis; reduce by mean or sum");
  }
  if (!batch && reduction != "none" && reduction != "mean" && reduction != "sum") {
    return InvalidArgument(in.row.name, ": reduction \"", reduction,
                           "\" must be none, mean or sum");
  }
  types::Type type = in.inputs[0];
  type.dims = reduction == "none" ? dims : Dims{};
  return ir::TypeList{type};
}

absl::StatusOr<ir::TypeList> InferLoss(const RuleInput& in) {
  Dims dims;
  for (const types::Type& type : in.inputs) {
    ASSIGN_OR_RETURN(dims, BroadcastDims(in.row.name, dims, type.dims));
  }
  return ReducedLossType(in, dims);
}

Dims LossDims(Ref node) {
  Dims dims;
  for (Ref input : node->inputs()) dims = *BroadcastDims("loss", dims, input->dims());
  return dims;
}

Expr ReduceLoss(Ref node, const Expr& losses, const std::optional<Expr>& count) {
  Graph& graph = losses.graph();
  if (ReductionOf(node) == "none") return losses.To(node->dtype());
  const Expr sum(graph, Reduce(graph, losses, "sum", Range(0, losses.node()->rank())));
  if (ReductionOf(node) == "sum") return sum.To(node->dtype());
  return (sum / MeanDivisor(node, sum, losses.dims(), count)).To(node->dtype());
}

Expr LossDy(const GradientArgs& a, const Dims& dims, const std::optional<Expr>& count) {
  const Expr dy = Widen(a.graph, a.output_gradients[0]);
  const std::string& reduction = ReductionOf(a.node);
  if (reduction == "none" || reduction == "sum") return dy;
  return dy / MeanDivisor(a.node, dy, dims, count);
}

}  // namespace tensord::ops
