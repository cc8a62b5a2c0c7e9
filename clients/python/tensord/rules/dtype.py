"""The dtype rules: what inputs are cast to, and the dtype of the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from tensord import dtype as dt
from tensord.dtype import DType, float_of, promote_all, strong, sum_of
from tensord.errors import DTypeError

__all__ = ["DTYPE_RULES"]

DTypeAnswer: TypeAlias = "tuple[list[DType], DType]"
DTypeRule: TypeAlias = Callable[[str, Sequence[DType], Mapping[str, Any]], DTypeAnswer]


def _own(inputs: Sequence[DType], result: DType) -> DTypeAnswer:
    """Inputs as they are, weak ones made strong."""
    return [strong(d) for d in inputs], strong(result)


def _same(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    joined = strong(promote_all(tuple(inputs)))
    return [joined] * len(inputs), joined


def _float(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    joined = float_of(strong(promote_all(tuple(inputs))))
    return [joined] * len(inputs), joined


def _bool(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    return [strong(promote_all(tuple(inputs)))] * len(inputs), dt.bool_


def _logical(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    return [dt.bool_] * len(inputs), dt.bool_


def _first(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    casts, result = _own(inputs, inputs[0])
    for i in range(1, len(inputs)):
        if inputs[i] is dt.weakfloat and result.is_float:
            casts[i] = result
    return casts, result


def _float_first(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    casts, result = _own(inputs, float_of(inputs[0]))
    casts[0] = result
    for i in range(1, len(inputs)):
        if inputs[i].is_float:
            casts[i] = result
    return casts, result


def _select(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    rest = strong(promote_all(tuple(inputs[1:])))
    return [dt.bool_] + [rest] * (len(inputs) - 1), rest


def _attr(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    dtype = attrs.get("dtype")
    if dtype is None:
        if not inputs:
            raise DTypeError(f"{op}: attribute dtype is missing", op=op)
        dtype = inputs[0]
    casts, result = _own(inputs, dtype)
    if op == "cast":  # takes a client's scalar as it is
        return [result if d.is_weak else c for d, c in zip(inputs, casts, strict=True)], result
    return casts, result


def _sum(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    dtype = attrs.get("dtype")
    if dtype is not None:
        return _own(inputs, dtype)
    x = strong(inputs[0])
    return _own(inputs, x if x.is_float else sum_of(x))


def _index(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    return _own(inputs, dt.int32)


def _custom(op: str, inputs: Sequence[DType], attrs: Mapping[str, Any]) -> DTypeAnswer:
    return _own(inputs, inputs[0] if inputs else attrs.get("dtype") or dt.float32)


DTYPE_RULES: Final[dict[str, DTypeRule]] = {
    "attr": _attr,
    "bool": _bool,
    "custom": _custom,
    "first": _first,
    "float": _float,
    "float_first": _float_first,
    "index": _index,
    "logical": _logical,
    "same": _same,
    "select": _select,
    "sum": _sum,
}
