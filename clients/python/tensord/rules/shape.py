"""The shape rules of movement, reduction and broadcasting, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from tensord.rules import contraction, nn
from tensord.rules.common import (
    RuleInput,
    broadcast_shapes,
    dims_text,
    ints_or,
    normalize_axes,
    normalize_axis,
)
from tensord.symbolic import Dim, Shape, numel, sym_max

__all__ = ["SHAPE_RULES"]

ShapeRule: TypeAlias = Callable[[RuleInput], Shape]


def _same(r: RuleInput) -> Shape:
    for shape in r.shapes[1:]:
        if shape != r.shapes[0]:
            raise r.shape_error(
                f"shapes {dims_text(r.shapes[0])} and {dims_text(shape)} must be "
                "equal; expand or reshape one"
            )
    return r.shapes[0]


def _broadcast(r: RuleInput) -> Shape:
    out = r.shapes[0] if r.shapes else ()
    for shape in r.shapes[1:]:
        out = broadcast_shapes(r.op, out, shape)
    return out


def _reduce(r: RuleInput) -> Shape:
    shape, axes, keep = r.shapes[0], r.get("axes"), bool(r.get("keepdims"))
    if axes is None:
        return (1,) * len(shape) if keep else ()
    reduced = normalize_axes(r.op, axes, len(shape))
    if keep:
        return tuple(1 if i in reduced else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in reduced)


def _reshape(r: RuleInput) -> Shape:
    dims: Shape = tuple(r.get("dims"))
    have, want = numel(r.shapes[0]), numel(dims)
    if have != want:
        raise r.shape_error(
            f"{dims_text(r.shapes[0])} has {have} elements, {dims_text(dims)} has "
            f"{want}; the counts must be equal"
        )
    return dims


def _permute(r: RuleInput) -> Shape:
    order, shape = r.get("order"), r.shapes[0]
    if sorted(order) != list(range(len(shape))):
        raise r.shape_error(
            f"order {dims_text(order)} must hold each of 0..{len(shape) - 1} once "
            f"for {dims_text(shape)}"
        )
    return tuple(shape[axis] for axis in order)


def _per_axis(r: RuleInput, name: str) -> Sequence[Dim]:
    dims: Sequence[Dim] = r.get(name)
    if len(dims) != len(r.shapes[0]):
        raise r.shape_error(
            f"{name} {dims_text(dims)} needs one entry per axis of {dims_text(r.shapes[0])}"
        )
    return dims


def _expand(r: RuleInput) -> Shape:
    dims, shape = _per_axis(r, "dims"), r.shapes[0]
    for i, (have, want) in enumerate(zip(shape, dims, strict=True)):
        if have not in (want, 1):
            raise r.shape_error(
                f"axis {i} of {dims_text(shape)} can't grow to {dims_text(dims)}; "
                "only dims of 1 grow"
            )
    return tuple(dims)


def _pad(r: RuleInput) -> Shape:
    low, high = _per_axis(r, "low"), _per_axis(r, "high")
    for x, y in zip(low, high, strict=True):
        if not x >= 0 or not y >= 0:
            raise r.shape_error(
                f"padding low {dims_text(low)}, high {dims_text(high)} must not be "
                "negative; shrink instead"
            )
    return tuple(d + x + y for d, x, y in zip(r.shapes[0], low, high, strict=True))


def _shrink(r: RuleInput) -> Shape:
    low, dims, shape = _per_axis(r, "low"), _per_axis(r, "dims"), r.shapes[0]
    for i, (d, at, n) in enumerate(zip(shape, low, dims, strict=True)):
        if not at >= 0 or not n >= 0 or not d - at - n >= 0:
            raise r.shape_error(
                f"low {dims_text(low)} with dims {dims_text(dims)} is not inside "
                f"{dims_text(shape)} on axis {i}"
            )
    return tuple(dims)


def _flip(r: RuleInput) -> Shape:
    normalize_axes(r.op, r.get("axes"), len(r.shapes[0]))
    return r.shapes[0]


def _at_least_one(r: RuleInput, name: str) -> Sequence[int]:
    values: Sequence[int] = _per_axis(r, name)  # type: ignore[assignment]
    if any(v < 1 for v in values):
        raise r.shape_error(f"{name} {dims_text(values)} must be >= 1")
    return values


def _stride(r: RuleInput) -> Shape:
    steps = _at_least_one(r, "steps")
    return tuple((d + s - 1) // s for d, s in zip(r.shapes[0], steps, strict=True))


def _window(r: RuleInput) -> Shape:
    axes, sizes = r.get("axes"), r.get("sizes")
    rank, n = len(r.shapes[0]), len(axes)
    normalize_axes(r.op, axes, rank)
    strides = ints_or(r.get("strides"), n, 1)
    dilations = ints_or(r.get("dilations"), n, 1)
    for name, values in (("sizes", sizes), ("strides", strides), ("dilations", dilations)):
        if len(values) != n or any(v < 1 for v in values):
            raise r.shape_error(
                f"{name} {dims_text(values)} must hold {n} numbers >= 1, one per windowed axis"
            )
    out = list(r.shapes[0])
    for axis, size, stride, dilation in zip(axes, sizes, strides, dilations, strict=True):
        count = (out[axis] - (size - 1) * dilation - 1) // stride + 1
        out[axis] = sym_max(count, 0)
    return (*out, *sizes)


def _dilate(r: RuleInput) -> Shape:
    factors = _at_least_one(r, "factors")
    return tuple(sym_max((d - 1) * f + 1, 0) for d, f in zip(r.shapes[0], factors, strict=True))


def _dims_attr(r: RuleInput) -> Shape:
    return tuple(r.get("dims") or ())


def _scalar(r: RuleInput) -> Shape:
    return ()


def _concat(r: RuleInput) -> Shape:
    first = r.shapes[0]
    axis = normalize_axis(r.op, r.get("axis"), len(first))
    total = first[axis]
    for shape in r.shapes[1:]:
        if len(shape) != len(first) or any(
            i != axis and d != shape[i] for i, d in enumerate(first)
        ):
            raise r.shape_error(
                f"shapes {dims_text(first)} and {dims_text(shape)} may differ on axis {axis} alone"
            )
        total = total + shape[axis]
    return (*first[:axis], total, *first[axis + 1 :])


def _stack(r: RuleInput) -> Shape:
    shape = _same(r)
    axis = normalize_axis(r.op, r.get("axis"), len(shape) + 1)
    return (*shape[:axis], len(r.shapes), *shape[axis:])


def _first_shape(r: RuleInput) -> Shape:
    return r.shapes[0] if r.shapes else _dims_attr(r)


SHAPE_RULES: Final[dict[str, ShapeRule]] = {
    "attention": nn.attention,
    "broadcast": _broadcast,
    "concat": _concat,
    "conv": nn.conv,
    "conv_transpose": nn.conv_transpose,
    "custom": _first_shape,
    "dilate": _dilate,
    "dims_attr": _dims_attr,
    "einsum": contraction.einsum,
    "embedding": nn.embedding,
    "expand": _expand,
    "flip": _flip,
    "gather": nn.gather,
    "matmul": contraction.matmul,
    "one_hot": nn.one_hot,
    "pad": _pad,
    "permute": _permute,
    "pool": nn.pool,
    "reduce": _reduce,
    "reshape": _reshape,
    "same": _same,
    "scalar": _scalar,
    "shrink": _shrink,
    "stack": _stack,
    "stride": _stride,
    "take": nn.take,
    "triangle": contraction.triangle,
    "window": _window,
}
