"""Type rules of the movement, create, reduce and random rows that have their own."""

from __future__ import annotations

from typing import Final

from tensord import dtype as dt
from tensord.rules.common import (
    MAX_ELEMENTS,
    RuleInput,
    dims_text,
    normalize_axes,
    normalize_axis,
)
from tensord.rules.custom_index import CustomRule, Types
from tensord.rules.shape import SHAPE_RULES
from tensord.symbolic import Dim, Shape, numel, sym_max, sym_min

__all__ = ["RULES"]


def _like_first(r: RuleInput, shape: Shape) -> Types:
    return [(r.dtypes[0], shape)]


def _made(r: RuleInput) -> Types:
    return [(r.get("dtype"), tuple(r.get("dims")))]


# ------------------------------------------------------------------------ movement


def _broadcast_to(r: RuleInput) -> Types:
    x, to = r.shapes[0], tuple(r.get("dims"))
    fits = len(x) <= len(to) and all(d in (t, 1) for d, t in zip(x[::-1], to[::-1], strict=False))
    if not fits:
        raise r.shape_error(
            f"{dims_text(x)} does not broadcast to {dims_text(to)}; dims must be "
            "equal or 1, aligned at the end"
        )
    return _like_first(r, to)


def _transpose(r: RuleInput) -> Types:
    dims = list(r.shapes[0])
    a = normalize_axis(r.op, r.get("axis0"), len(dims))
    b = normalize_axis(r.op, r.get("axis1"), len(dims))
    dims[a], dims[b] = dims[b], dims[a]
    return _like_first(r, tuple(dims))


def _squeeze(r: RuleInput) -> Types:
    x, axes = r.shapes[0], r.get("axes")
    if axes is None:
        return _like_first(r, tuple(d for d in x if d != 1))
    named = normalize_axes(r.op, axes, len(x))
    for i in named:
        if x[i] != 1:
            raise r.shape_error(f"axis {i} of {dims_text(x)} is not 1")
    return _like_first(r, tuple(d for i, d in enumerate(x) if i not in named))


def _unsqueeze(r: RuleInput) -> Types:
    out, axes = list(r.shapes[0]), r.get("axes")
    for axis in normalize_axes(r.op, axes, len(out) + len(axes)):
        out.insert(axis, 1)
    return _like_first(r, tuple(out))


def _flatten(r: RuleInput) -> Types:
    x = r.shapes[0]
    if not x:
        return _like_first(r, (1,))
    first = normalize_axis(r.op, r.get("start"), len(x))
    last = normalize_axis(r.op, r.get("end"), len(x))
    if first > last:
        raise r.shape_error(f"start {first} is after end {last}")
    return _like_first(r, (*x[:first], numel(x[first : last + 1]), *x[last + 1 :]))


def _tile(r: RuleInput) -> Types:
    x, repeats = r.shapes[0], tuple(r.get("repeats"))
    _check_repeats(r, repeats)
    rank = max(len(x), len(repeats))
    dims = (1,) * (rank - len(x)) + x
    times = (1,) * (rank - len(repeats)) + repeats
    return _like_first(r, tuple(d * t for d, t in zip(dims, times, strict=True)))


def _check_repeats(r: RuleInput, repeats: tuple[int, ...]) -> None:
    for n in repeats:
        if n < 0:
            raise r.shape_error(f"repeats {n} must not be negative")


def _repeat_interleave(r: RuleInput) -> Types:
    out, repeats = list(r.shapes[0]), r.get("repeats")
    _check_repeats(r, (repeats,))
    out[normalize_axis(r.op, r.get("axis"), len(out))] *= repeats
    return _like_first(r, tuple(out))


def _diag(r: RuleInput) -> Types:
    x = r.shapes[0]
    if len(x) != 1:
        raise r.shape_error(f"{dims_text(x)} is no vector; see diagonal for matrices")
    return _like_first(r, (x[0], x[0]))


def _diagonal(r: RuleInput) -> Types:
    x, offset = r.shapes[0], r.get("offset")
    a = normalize_axis(r.op, r.get("axis0"), len(x))
    b = normalize_axis(r.op, r.get("axis1"), len(x))
    if a == b:
        raise r.shape_error(f"axis0 and axis1 are both {a}")
    if abs(offset) > MAX_ELEMENTS:
        raise r.shape_error(f"offset {offset} is beyond {MAX_ELEMENTS}")
    row, column = sym_min(max(-offset, 0), x[a]), sym_min(max(offset, 0), x[b])
    rest = tuple(d for i, d in enumerate(x) if i not in (a, b))
    return _like_first(r, (*rest, sym_min(x[a] - row, x[b] - column)))


def _pad_mode(r: RuleInput) -> Types:
    mode, x, low, high = r.get("mode"), r.shapes[0], r.get("low"), r.get("high")
    if mode not in ("reflect", "replicate", "circular"):
        raise r.shape_error(f'mode "{mode}" is none of reflect, replicate, circular')
    out = SHAPE_RULES["pad"](r)
    for i, d in enumerate(x):
        most: Dim = sym_max(low[i], high[i])
        there = d - 1 if mode == "reflect" else d
        fits = d - 1 >= 0 if mode == "replicate" else there - most >= 0
        if most != 0 and not fits:
            raise r.shape_error(
                f"axis {i} of {dims_text(x)} is too short for padding {low[i]}, {high[i]} by {mode}"
            )
    return _like_first(r, out)


def _roll(r: RuleInput) -> Types:
    shifts, axes = r.get("shifts"), r.get("axes")
    normalize_axes(r.op, axes, len(r.shapes[0]))
    if len(shifts) != len(axes):
        raise r.shape_error(f"{len(shifts)} shifts for {len(axes)} axes")
    return _like_first(r, r.shapes[0])


# ------------------------------------------------------------------------ create, reduce


def _iota(r: RuleInput) -> Types:
    normalize_axis(r.op, r.get("axis"), len(r.get("dims")))
    if r.get("dtype") is dt.bool_:
        raise r.dtype_error("dtype bool holds no coordinates; use an integer")
    return _made(r)


def _vector(r: RuleInput) -> Types:
    if len(r.get("dims")) != 1:
        raise r.shape_error(f"dims {dims_text(r.get('dims'))} must hold one extent")
    if r.get("dtype") is dt.bool_:
        raise r.dtype_error("dtype bool is no range; use an integer")
    return _made(r)


def _eye(r: RuleInput) -> Types:
    if len(r.get("dims")) != 2:
        raise r.shape_error(f"dims {dims_text(r.get('dims'))} must be [rows, columns]")
    return _made(r)


def _reduce(r: RuleInput) -> Types:
    monoid, dtype = r.get("monoid"), r.dtypes[0]
    sums, bits = monoid in ("sum", "prod"), monoid in ("and", "or")
    if not sums and not bits and monoid not in ("max", "min"):
        raise r.shape_error(f'monoid "{monoid}" is none of sum, prod, max, min, and, or')
    if (sums and dtype is dt.bool_) or (bits and dtype.is_float):
        raise r.dtype_error(f"{monoid} has no meaning for {dtype.short}; cast first")
    return _like_first(r, SHAPE_RULES["reduce"](r))


# ------------------------------------------------------------------------ random


def _check_key(r: RuleInput) -> None:
    if (
        r.dtypes[0] is dt.uint32
        and r.shapes[0] == (2,)
        and r.dtypes[1].is_int
        and r.shapes[1] == ()
    ):
        return
    raise r.dtype_error(f"key {r.text(0)} and counter {r.text(1)} must be u32[2] and a u64 number")


def _random_bits(r: RuleInput) -> Types:
    _check_key(r)
    if r.get("dtype").kind != "uint":
        raise r.dtype_error(f"dtype {r.get('dtype').short} must be unsigned")
    return _made(r)


def _random_floats(r: RuleInput) -> Types:
    _check_key(r)
    if not r.get("dtype").is_float:
        raise r.dtype_error(f"dtype {r.get('dtype').short} must be a float; see integers")
    return _made(r)


def _random_range(r: RuleInput) -> Types:
    _check_key(r)
    if not r.get("dtype").is_int:
        raise r.dtype_error(f"dtype {r.get('dtype').short} must be an integer; see uniform")
    if not r.get("low") < r.get("high"):
        raise r.shape_error(f"low {r.get('low')} must be below high {r.get('high')}")
    return _made(r)


def _permutation(r: RuleInput) -> Types:
    _check_key(r)
    if len(r.get("dims")) != 1 or not r.get("dtype").is_int:
        raise r.shape_error(
            f"dims {dims_text(r.get('dims'))} must hold one extent, and dtype be an integer"
        )
    return _made(r)


RULES: Final[dict[str, CustomRule]] = {
    "arange": _vector,
    "broadcast_to": _broadcast_to,
    "diag": _diag,
    "diagonal": _diagonal,
    "eye": _eye,
    "flatten": _flatten,
    "integers": _random_range,
    "iota": _iota,
    "linspace": _vector,
    "normal": _random_floats,
    "pad_mode": _pad_mode,
    "permutation": _permutation,
    "random_bits": _random_bits,
    "reduce": _reduce,
    "repeat_interleave": _repeat_interleave,
    "roll": _roll,
    "squeeze": _squeeze,
    "tile": _tile,
    "transpose": _transpose,
    "uniform": _random_floats,
    "unsqueeze": _unsqueeze,
}
