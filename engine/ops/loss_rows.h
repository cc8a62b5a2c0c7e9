// What the losses share: their reduction, its types and its gradient.
#pragma once

#include <optional>

#include "engine/ops/compose.h"
#include "engine/ops/rows.h"

namespace tensord::ops {

inline const ir::AttrSpec kReduction = {"reduction", AttrKind::kString, "mean",
                                        "none, mean or sum"};

// Of losses whose inputs broadcast.
absl::StatusOr<ir::TypeList> InferLoss(const RuleInput& in);
// The type after the reduction that `in` asks for, of losses of `dims`.
absl::StatusOr<ir::TypeList> ReducedLossType(const RuleInput& in, const Dims& dims);

// The dims to which the inputs of a loss broadcast.
Dims LossDims(Ref node);
// `losses`, in the dtype of computation, reduced as the node says and cast to its dtype. A mean
// divides by `count`; without one, by the number of losses.
Expr ReduceLoss(Ref node, const Expr& losses, const std::optional<Expr>& count = std::nullopt);
// The gradient of the losses before the reduction, broadcasting to `dims`, in the dtype of
// computation.
Expr LossDy(const GradientArgs& a, const Dims& dims,
            const std::optional<Expr>& count = std::nullopt);

const std::vector<OpRow>& CrossEntropyRows();  // cross_entropy.cc: nll_loss, cross_entropy

}  // namespace tensord::ops
