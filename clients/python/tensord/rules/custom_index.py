"""Type rules of the index, linalg and structure rows that have their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from tensord import dtype as dt
from tensord.dtype import DType
from tensord.errors import ShapeError
from tensord.rules import nn
from tensord.rules.common import (
    RuleInput,
    broadcast_shapes,
    dims_text,
    normalize_axes,
    normalize_axis,
)
from tensord.symbolic import Dim, Shape, numel

__all__ = ["RULES", "CustomRule", "Types", "like_first"]

Types: TypeAlias = "list[tuple[DType, Shape]]"
CustomRule: TypeAlias = Callable[[RuleInput], Types]

_MODES: Final = ("set", "add", "max", "min")


def like_first(r: RuleInput) -> Types:
    """One result, of the type of input 0."""
    return [(r.dtypes[0], r.shapes[0])]


def _dot(r: RuleInput) -> Types:
    a, b = r.shapes
    if not a or not b:
        return [(r.dtypes[0], a or b)]
    inner = 0 if len(b) == 1 else len(b) - 2
    if a[-1] != b[inner]:
        raise r.shape_error(
            f"inner extents of {r.text(0)} and {r.text(1)} differ: {a[-1]} and "
            f"{b[inner]}; transpose or reshape one operand"
        )
    return [(r.dtypes[0], a[:-1] + b[:inner] + b[inner + 1 :])]


def _integers(r: RuleInput) -> Types:
    if not r.dtypes[0].is_int:
        raise r.dtype_error(f"needs integers, got {r.dtypes[0].short}; cast first")
    shape = r.shapes[0]
    for other in r.shapes[1:]:
        shape = broadcast_shapes(r.op, shape, other)
    return [(r.dtypes[0], shape)]


def _frexp(r: RuleInput) -> Types:
    return [(r.dtypes[0], r.shapes[0]), (dt.int32, r.shapes[0])]


def _ldexp(r: RuleInput) -> Types:
    if not r.dtypes[1].is_int:
        raise r.dtype_error(
            f"exponent is {r.dtypes[1].short}, expected integers; cast it first, or multiply by "
            "exp2 of it"
        )
    return [(r.dtypes[0], broadcast_shapes(r.op, r.shapes[0], r.shapes[1]))]


def _outer(r: RuleInput) -> Types:
    return [(r.dtypes[0], (numel(r.shapes[0]), numel(r.shapes[1])))]


def _bitcast(r: RuleInput) -> Types:
    have, to = r.dtypes[0], r.get("dtype")
    if have.itemsize != to.itemsize or (have is dt.bool_) != (to is dt.bool_):
        raise r.dtype_error(
            f"{have.short} has {have.itemsize} bytes, {to.short} has {to.itemsize}"
            "; they must be equal, and bool goes with bool alone"
        )
    return [(to, r.shapes[0])]


def _masked_fill(r: RuleInput) -> Types:
    if r.dtypes[1] is not dt.bool_:
        raise r.dtype_error(f"mask is {r.dtypes[1].short}, expected bool; compare it with 0 first")
    shape = r.shapes[0]
    for other in r.shapes[1:]:
        shape = broadcast_shapes(r.op, shape, other)
    return [(r.dtypes[0], shape)]


def _dim_value(r: RuleInput) -> Types:
    return [(dt.int64, ())]


def _index_shape(r: RuleInput, first: int) -> Shape:
    x, count = r.shapes[0], len(r.shapes) - first
    axis = normalize_axis(r.op, r.get("axis"), len(x))
    if axis + count > len(x):
        raise r.shape_error(f"{count} indices from axis {axis} on are too many for {r.text(0)}")
    shape: Shape = ()
    for i in range(first, len(r.shapes)):
        if not r.dtypes[i].is_int:
            raise r.dtype_error(
                f"index {r.text(i)} must hold integers; cast it, and use where for bool masks"
            )
        shape = broadcast_shapes(r.op, shape, r.shapes[i])
    return x[:axis] + shape + x[axis + count :]


def _index(r: RuleInput) -> Types:
    return [(r.dtypes[0], _index_shape(r, 1))]


def _check_mode(r: RuleInput, what: str) -> None:
    mode, values = r.get("mode"), r.dtypes[-1 if what == "updates" else 1]
    if values is not r.dtypes[0]:
        name = "base" if what == "updates" else "x"
        raise r.dtype_error(
            f"{what} are {values.short}, {name} is {r.dtypes[0].short}; cast one of them"
        )
    if mode not in _MODES:
        raise r.shape_error(f'mode "{mode}" must be set, add, max or min')
    if mode == "add" and r.dtypes[0] is dt.bool_:
        raise r.dtype_error("mode add has no meaning for bool; use max (or) or min (and)")


def _index_put(r: RuleInput) -> Types:
    shape = _index_shape(r, 2)
    try:
        fits = broadcast_shapes(r.op, shape, r.shapes[1]) == shape
    except ShapeError:
        fits = False
    if not fits:
        raise r.shape_error(
            f"values {r.text(1)} do not broadcast to {dims_text(shape)}, the "
            "elements that the indices select"
        )
    _check_mode(r, "values")
    return like_first(r)


def _scatter(r: RuleInput) -> Types:
    shape = nn.gather(r)
    if r.shapes[2] != shape:
        raise r.shape_error(
            f"updates {r.text(2)} and index {r.text(1)} must have the same dims; expand one"
        )
    _check_mode(r, "updates")
    return like_first(r)


def _computed_axes(r: RuleInput) -> list[int]:
    count, rank = len(r.shapes) - 2, len(r.shapes[0])
    axes = r.get("axes")
    axes = list(range(count)) if axes is None else list(axes)
    if len(axes) != count:
        raise r.shape_error(f"{count} start inputs for axes {dims_text(axes)}; give one for each")
    normalize_axes(r.op, axes, rank)
    for i in range(2, len(r.shapes)):
        if r.shapes[i] or not r.dtypes[i].is_int:
            raise r.shape_error(
                f"start {r.text(i)} must be an integer scalar; reshape it, or cast it to i64"
            )
    return [a % rank for a in axes]


def _slice_update(r: RuleInput) -> Types:
    x, y = r.shapes[0], r.shapes[1]
    if len(x) != len(y) or r.dtypes[0] is not r.dtypes[1]:
        raise r.shape_error(
            f"{r.text(1)} can't replace a block of {r.text(0)}; rank and dtype must be equal"
        )
    start: tuple[Dim, ...] = tuple(r.get("start") or (0,) * len(x))
    if len(start) != len(x):
        raise r.shape_error(f"start {dims_text(start)} needs one entry per axis of {r.text(0)}")
    computed = _computed_axes(r)
    for i, (have, want) in enumerate(zip(x, y, strict=True)):
        at = 0 if i in computed else start[i]
        if not have - want - at >= 0 or not at >= 0:
            raise r.shape_error(
                f"{r.text(1)} at {dims_text(start)} is not inside {r.text(0)} on axis {i}"
            )
    return like_first(r)


RULES: Final[dict[str, CustomRule]] = {
    "bitcast": _bitcast,
    "bitwise_count": _integers,
    "copy": like_first,
    "dim_value": _dim_value,
    "dot": _dot,
    "frexp": _frexp,
    "index": _index,
    "index_put": _index_put,
    "int_pow": _integers,
    "ldexp": _ldexp,
    "masked_fill": _masked_fill,
    "outer": _outer,
    "scatter": _scatter,
    "slice_update": _slice_update,
}
