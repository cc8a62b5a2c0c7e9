"""Type rules of the nn, loss and optimizer rows that have their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tensord.dtype import float32, uint32
from tensord.rules.common import (
    MAX_RANK,
    RuleInput,
    broadcast_shapes,
    dims_text,
    normalize_axes,
    normalize_axis,
)
from tensord.rules.custom_index import CustomRule, Types, like_first
from tensord.symbolic import Shape

__all__ = ["RULES"]


def _linear(r: RuleInput) -> Types:
    x, w = r.shapes[0], r.shapes[1]
    if not 1 <= len(x) < MAX_RANK or len(w) != 2 or x[-1] != w[1]:
        raise r.shape_error(
            f"x {r.text(0)} and weight {r.text(1)} must be [..., in] and [out, in];"
            " transpose the weight or reshape x"
        )
    if len(r.shapes) > 2 and r.shapes[2] != (w[0],):
        raise r.shape_error(
            f"bias {r.text(2)} must be [{w[0]}], one number per row of weight {r.text(1)}"
        )
    return [(r.dtypes[0], (*x[:-1], w[0]))]


def _prelu(r: RuleInput) -> Types:
    x, w = r.shapes[0], r.shapes[1]
    if not r.dtypes[0].is_float:
        raise r.shape_error(f"x {r.text(0)} must be a float; cast it")
    if w not in ((), (1,)) and not (len(x) >= 2 and w == (x[1],)):
        raise r.shape_error(
            f"weight {r.text(1)} for x {r.text(0)} must be one number, or one per channel"
            " (axis 1 of x)"
        )
    return like_first(r)


def _glu(r: RuleInput) -> Types:
    x = r.shapes[0]
    axis = normalize_axis(r.op, r.get("axis"), len(x))
    if not r.dtypes[0].is_float:
        raise r.shape_error(f"x {r.text(0)} must be a float; cast it")
    extent = x[axis]
    if not isinstance(extent, int) or extent % 2 != 0:
        raise r.shape_error(
            f"axis {axis} of x {r.text(0)} must have a fixed, even number of elements: values,"
            " then gates"
        )
    return [(r.dtypes[0], (*x[:axis], extent // 2, *x[axis + 1 :]))]


def _gelu(r: RuleInput) -> Types:
    if r.get("approximate") not in (None, "none", "tanh"):
        raise r.shape_error(f'approximate "{r.get("approximate")}" must be none or tanh')
    return like_first(r)


def _along_axis(r: RuleInput) -> Types:
    normalize_axis(r.op, r.get("axis"), max(len(r.shapes[0]), 1))
    return like_first(r)


def _normalize(r: RuleInput) -> Types:
    normalize_axis(r.op, r.get("axis"), len(r.shapes[0]))
    if not r.get("p") > 0:
        raise r.shape_error(f"p = {r.get('p'):g} must be above 0")
    return like_first(r)


def _check_affine(r: RuleInput, axes: Sequence[int]) -> None:
    """Inputs from position 1 on lie along `axes` of x; all are floats."""
    dims = tuple(r.shapes[0][a] for a in axes)
    for i in range(1, len(r.shapes)):
        if r.shapes[i] != dims:
            raise r.shape_error(
                f"{r.names[i]} is {r.text(i)}; expected dims {dims_text(dims)} for x {r.text(0)}"
            )
    for i, dtype in enumerate(r.dtypes):
        if not dtype.is_float:
            raise r.dtype_error(f"needs floats, got {r.text(i)}; cast it first")


def _layer_norm(r: RuleInput) -> Types:
    _check_affine(r, normalize_axes(r.op, r.get("axes"), len(r.shapes[0])))
    return like_first(r)


def _channel_norm(r: RuleInput) -> Types:
    x, groups = r.shapes[0], r.get("groups")
    if len(x) < 2:
        raise r.shape_error(f"x {r.text(0)} must be [N, C, ...]; reshape it")
    if groups is not None:
        if groups < 1 or x[1] % groups != 0:
            raise r.shape_error(
                f"groups = {groups} must be >= 1 and divide the {x[1]} channels of {r.text(0)}"
            )
        if len(x) >= MAX_RANK:
            raise r.shape_error(f"x {r.text(0)} has too many axes; merge some")
    _check_affine(r, [1])
    return like_first(r)


def _batch_norm(r: RuleInput) -> Types:
    axis = normalize_axis(r.op, r.get("axis"), len(r.shapes[0]))
    _check_affine(r, [axis])
    return like_first(r)


def _batch_norm_training(r: RuleInput) -> Types:
    x = r.shapes[0]
    axis = normalize_axis(r.op, r.get("axis"), len(x))
    _check_affine(r, [axis])
    wide = float32 if r.dtypes[0].bits == 16 else r.dtypes[0]
    moment = (wide, (x[axis],))
    return [(r.dtypes[0], x), moment, moment]


# ------------------------------------------------------------------------ losses


def _reduced(r: RuleInput, dims: Shape) -> Types:
    reduction = r.get("reduction")
    batch = reduction == "batchmean" and r.op == "kl_div"
    if batch and not dims:
        raise r.shape_error("batchmean needs an axis; reduce by mean or sum")
    if not batch and reduction not in ("none", "mean", "sum"):
        raise r.shape_error(f'reduction "{reduction}" must be none, mean or sum')
    return [(r.dtypes[0], dims if reduction == "none" else ())]


def _loss(r: RuleInput) -> Types:
    dims: Shape = ()
    for shape in r.shapes:
        dims = broadcast_shapes(r.op, dims, shape)
    return _reduced(r, dims)


def _check_classes(r: RuleInput) -> Shape:
    """The dims of x without its class axis."""
    x = r.shapes[0]
    if not x:
        raise r.shape_error(f"x {r.text(0)} must be [N, C, ...] or [C]; reshape it")
    axis = 1 if len(x) > 1 else 0
    if len(r.shapes) > 2 and (r.shapes[2] != (x[axis],) or not r.dtypes[2].is_float):
        raise r.shape_error(f"weight {r.text(2)} must be floats [{x[axis]}], one for each class")
    return x[:axis] + x[axis + 1 :]


def _nll(r: RuleInput) -> Types:
    dims = _check_classes(r)
    if not r.dtypes[1].is_int or r.shapes[1] != dims:
        raise r.shape_error(
            f"target {r.text(1)} must be integers {dims_text(dims)} for x {r.text(0)}"
        )
    return _reduced(r, dims)


def _cross_entropy(r: RuleInput) -> Types:
    dims, x, target = _check_classes(r), r.shapes[0], r.shapes[1]
    probabilities = r.dtypes[1].is_float and target == x
    if not probabilities and not (r.dtypes[1].is_int and target == dims):
        raise r.shape_error(
            f"target {r.text(1)} must be integers {dims_text(dims)} or "
            f"probabilities {dims_text(x)} for x {r.text(0)}"
        )
    if not 0 <= r.get("label_smoothing") <= 1:
        raise r.shape_error(f"label_smoothing = {r.get('label_smoothing'):g} must be from 0 to 1")
    return _reduced(r, dims)


def _dropout(r: RuleInput) -> Types:
    if not r.dtypes[0].is_float:
        raise r.dtype_error(f"x {r.text(0)} must be a float; cast it")
    if (
        r.dtypes[1] is not uint32
        or r.shapes[1] != (2,)
        or not r.dtypes[2].is_int
        or r.shapes[2] != ()
    ):
        raise r.dtype_error(
            f"key {r.text(1)} and counter {r.text(2)} must be u32[2] and a u64 number"
        )
    if not 0 <= r.get("p") <= 1:
        raise r.shape_error(f"p = {r.get('p'):g} must be from 0 to 1")
    return like_first(r)


# ------------------------------------------------------------------------ optimizers

_RESULTS: Final = {"adam": 3, "adamw": 3, "sgd": 1, "sgd_momentum": 2}


def _step(r: RuleInput) -> Types:
    """Gradient and state have the parameter's dims; what follows are scalars."""
    results = _RESULTS[r.op]
    tensors = results + 1
    for i, (dtype, shape) in enumerate(zip(r.dtypes, r.shapes, strict=True)):
        tensor = i < tensors
        if shape != (r.shapes[0] if tensor else ()):
            expected = "the dims of " if tensor else "a number, for "
            raise r.shape_error(f"{r.names[i]} is {r.text(i)}; expected {expected}{r.text(0)}")
        if not dtype.is_float and i <= tensors:
            raise r.dtype_error(f"{r.names[i]} is {r.text(i)}; expected a float")
    for name in ("beta1", "beta2"):
        beta = r.get(name)
        if beta is not None and not 0 <= beta < 1:
            raise r.shape_error(f"{name} = {beta:g} must be from 0 to below 1")
    states = zip(r.dtypes[2:tensors], r.shapes[2:tensors], strict=True)
    return [(r.dtypes[0], r.shapes[0]), *states]


LOSSES: Final = (
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "hinge_embedding_loss",
    "hinge_loss",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "margin_ranking_loss",
    "mse_loss",
    "poisson_nll_loss",
    "smooth_l1_loss",
    "soft_margin_loss",
)

RULES: Final[dict[str, CustomRule]] = {
    **dict.fromkeys(LOSSES, _loss),
    **dict.fromkeys(_RESULTS, _step),
    "batch_norm": _batch_norm,
    "batch_norm_training": _batch_norm_training,
    "cross_entropy": _cross_entropy,
    "dropout": _dropout,
    "gelu": _gelu,
    "glu": _glu,
    "group_norm": _channel_norm,
    "instance_norm": _channel_norm,
    "layer_norm": _layer_norm,
    "linear": _linear,
    "log_softmax": _along_axis,
    "nll_loss": _nll,
    "normalize": _normalize,
    "prelu": _prelu,
    "rms_norm": _layer_norm,
    "softmax": _along_axis,
    "softmin": _along_axis,
}
