"""A plain meaning of ops in numpy, for tests without a daemon."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tensord import _ops
from tensord import dtype as dt
from tensord.base import REQUIRED, OpRow
from tensord.rules import RuleInput

Array = Any
ROWS = {v.name: v for v in vars(_ops).values() if isinstance(v, OpRow)}

_UFUNCS: dict[str, Callable[..., Array]] = {
    "abs": np.abs,
    "add": np.add,
    "bitand": np.bitwise_and,
    "bitor": np.bitwise_or,
    "bitxor": np.bitwise_xor,
    "ceil": np.ceil,
    "cos": np.cos,
    "div": np.divide,
    "eq": np.equal,
    "exp": np.exp,
    "exp2": np.exp2,
    "floor": np.floor,
    "ge": np.greater_equal,
    "gt": np.greater,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
    "le": np.less_equal,
    "log": np.log,
    "log2": np.log2,
    "logical_not": np.logical_not,
    "lt": np.less,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "mul": np.multiply,
    "ne": np.not_equal,
    "neg": np.negative,
    "not": np.invert,
    "pow": np.power,
    "round": np.round,
    "shl": np.left_shift,
    "shr": np.right_shift,
    "sign": np.sign,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "sub": np.subtract,
    "tanh": np.tanh,
    "trunc": np.trunc,
    "where": np.where,
    "floordiv": np.floor_divide,
    "floormod": np.mod,
    "square": np.square,
}
_REDUCE: dict[str, Callable[..., Array]] = {
    "all": np.all,
    "any": np.any,
    "max": np.max,
    "mean": np.mean,
    "min": np.min,
    "prod": np.prod,
    "sum": np.sum,
}


def evaluate(
    op: str, inputs: Sequence[Array], weak: Sequence[dt.DType], given: dict[str, Any]
) -> list[Array]:
    """The results of one op. `weak`: the inputs' dtypes, weak ones included."""
    if op == "const":
        return [np.asarray(given["value"])]
    row = ROWS[op]
    attrs = {n: d for n, _, d in row.attrs if d is not REQUIRED} | given
    casts, result = row.dtype_rule(op, weak, attrs)
    args = [np.asarray(x).astype(c.np) for x, c in zip(inputs, casts, strict=True)]
    with np.errstate(all="ignore"):
        made = _apply(op, args, attrs)
    results = made if isinstance(made, list) else [made]
    types = (
        [(result, ())]
        if row.custom is None
        else row.custom(RuleInput(op, row.names, casts, [x.shape for x in args], attrs))
    )
    return [np.asarray(r).astype(d.np) for r, (d, _) in zip(results, types, strict=True)]


def _apply(op: str, a: list[Array], at: dict[str, Any]) -> Any:
    if op in _UFUNCS:
        return _UFUNCS[op](*a)
    if op in _REDUCE:
        axes = at.get("axes")
        return _REDUCE[op](
            a[0], axis=None if axes is None else tuple(axes), keepdims=bool(at.get("keepdims"))
        )
    return _TABLE[op](a, at)


def _pad(a: list[Array], at: dict[str, Any]) -> Array:
    return np.pad(a[0], list(zip(at["low"], at["high"], strict=True)))


def _shrink(a: list[Array], at: dict[str, Any]) -> Array:
    return a[0][tuple(slice(lo, lo + n) for lo, n in zip(at["low"], at["dims"], strict=True))]


def _slice_update(a: list[Array], at: dict[str, Any]) -> Array:
    out = a[0].copy()
    start = at["start"] or [0] * out.ndim
    out[tuple(slice(s, s + n) for s, n in zip(start, a[1].shape, strict=True))] = a[1]
    return out


def _index(a: list[Array], at: dict[str, Any]) -> Array:
    return a[0][(slice(None),) * at["axis"] + tuple(a[1:])]


def _index_put(a: list[Array], at: dict[str, Any]) -> Array:
    out = a[0].copy()
    key = (slice(None),) * at["axis"] + tuple(a[2:])
    if at["mode"] == "add":
        np.add.at(out, key, a[1])
    else:
        out[key] = a[1]
    return out


def _adam(a: list[Array], at: dict[str, Any]) -> list[Array]:
    p, g, m, v, rate, step = a
    m2 = at["beta1"] * m + (1 - at["beta1"]) * g
    v2 = at["beta2"] * v + (1 - at["beta2"]) * g * g
    mean, square = m2 / (1 - at["beta1"] ** step), v2 / (1 - at["beta2"] ** step)
    moved = p - rate * mean / (np.sqrt(square) + at["eps"])
    return [moved.astype(p.dtype), m2.astype(m.dtype), v2.astype(v.dtype)]


def _random(a: list[Array], at: dict[str, Any]) -> Array:
    seed = [int(x) for x in a[0]] + [int(a[1])]
    return np.random.default_rng(seed).random(at["dims"]) * (at["high"] - at["low"]) + at["low"]


def _softmax(a: list[Array], at: dict[str, Any]) -> Array:
    e = np.exp(a[0] - a[0].max(at["axis"], keepdims=True))
    return e / e.sum(at["axis"], keepdims=True)


def _cross_entropy(a: list[Array], at: dict[str, Any]) -> Array:
    log_p = np.log(_softmax([a[0]], {"axis": 1}))
    return np.asarray(-log_p[np.arange(len(a[1])), a[1]].mean(), a[0].dtype)


_TABLE: dict[str, Callable[[list[Array], dict[str, Any]], Any]] = {
    "adam": _adam,
    "arange": lambda a, at: at["start"] + np.arange(math.prod(at["dims"])) * at["step"],
    "cast": lambda a, at: a[0].astype(at["dtype"].np),
    "cat": lambda a, at: np.concatenate(a, at["axis"]),
    "contiguous": lambda a, at: a[0].copy(),
    "copy": lambda a, at: a[0].copy(),
    "cross_entropy": _cross_entropy,
    "detach": lambda a, at: a[0],
    "dim_value": lambda a, at: np.int64(at["value"][0]),
    "expand": lambda a, at: np.broadcast_to(a[0], at["dims"]),
    "eye": lambda a, at: np.eye(*at["dims"]),
    "flip": lambda a, at: np.flip(a[0], at["axes"]),
    "full": lambda a, at: np.full(at["dims"], at["value"]),
    "gather": lambda a, at: np.take_along_axis(a[0], a[1], at["axis"]),
    "index": _index,
    "index_put": _index_put,
    "iota": lambda a, at: np.indices(at["dims"])[at["axis"]],
    "linear": lambda a, at: a[0] @ a[1].T + (a[2] if len(a) > 2 else 0),
    "matmul": lambda a, at: a[0] @ a[1],
    "pad": _pad,
    "permute": lambda a, at: a[0].transpose(at["order"]),
    "relu": lambda a, at: np.maximum(a[0], 0),
    "reshape": lambda a, at: a[0].reshape(at["dims"]),
    "sgd": lambda a, at: a[0] - a[2] * a[1],
    "shrink": _shrink,
    "slice_update": _slice_update,
    "softmax": _softmax,
    "stack": lambda a, at: np.stack(a, at["axis"]),
    "stride": lambda a, at: a[0][tuple(slice(None, None, s) for s in at["steps"])],
    "take": lambda a, at: np.take(a[0], a[1], at["axis"]),
    "uniform": _random,
}
