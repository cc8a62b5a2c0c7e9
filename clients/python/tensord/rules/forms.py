"""Which scalar ops have no meaning for some dtypes: the daemon's refusals, found here."""

from __future__ import annotations

from typing import Final

from tensord.dtype import DType, strong
from tensord.errors import DTypeError, ShapeError
from tensord.rules.common import MAX_ELEMENTS, MAX_RANK, dims_text
from tensord.symbolic import Shape, Sym

__all__ = ["check_dims", "check_dtype_attr", "check_form"]

_NO_BOOL: Final = frozenset(
    ("sub", "neg", "floordiv", "floormod", "truncdiv", "truncrem", "shl", "shr", "pow")
)
_NO_FLOAT: Final = frozenset(("bitand", "bitor", "bitxor", "shl", "shr", "not"))


_ON_BOOL: Final = {"add": "bitor", "maximum": "bitor", "minimum": "bitand", "mul": "bitand"}


def check_form(op: str, dtype: DType) -> str:
    """The op that computes `op` in the dtype its inputs were cast to; refuses what means nothing
    there."""
    if dtype.kind == "bool" and op in _NO_BOOL:
        raise DTypeError(
            f"{op}: has no meaning for bool; use bitxor or bitand, or cast to an integer first",
            reason="DTYPE",
            code=3,
            op=op,
        )
    if dtype.is_float and op in _NO_FLOAT:
        raise DTypeError(
            f"{op}: needs integers or bools, got {dtype.short}; cast or bitcast first",
            reason="DTYPE",
            code=3,
            op=op,
        )
    if op == "pow" and dtype.is_int:
        return "int_pow"
    return _ON_BOOL.get(op, op) if dtype.kind == "bool" else op


def check_dtype_attr(op: str, dtype: DType | None) -> None:
    """Weak dtypes are for constants."""
    if dtype is not None and dtype.is_weak:
        raise DTypeError(
            f"{op}: dtype {dtype.short} is for client scalars only; give a storage "
            f"dtype such as {strong(dtype).short}",
            reason="DTYPE",
            code=3,
            op=op,
        )


def check_dims(op: str, shape: Shape) -> None:
    """A result's shape is within the limits of the wire."""
    if len(shape) > MAX_RANK:
        raise _over(op, f"rank {len(shape)} is over the limit of {MAX_RANK}")
    elements = 1
    for i, d in enumerate(shape):
        low, high = (d.min, d.max) if isinstance(d, Sym) else (d, d)
        if low < 0:
            raise _over(op, f"dim {i} of {dims_text(shape)} may be negative: {d} >= {low}")
        if high > MAX_ELEMENTS:
            raise _over(
                op, f"dim {i} of {dims_text(shape)} may be {high}, over the limit of {MAX_ELEMENTS}"
            )
        elements *= max(high, 1)
    if elements > MAX_ELEMENTS:
        raise _over(
            op,
            f"shape {dims_text(shape)} may have {elements} elements, over the limit of "
            f"{MAX_ELEMENTS}",
        )


def _over(op: str, message: str) -> ShapeError:
    return ShapeError(f"{op}: {message}", reason="OVERFLOW", code=3, op=op)
