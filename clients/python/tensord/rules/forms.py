"""Which scalar ops have no meaning for some dtypes: the daemon's refusals, found here."""

from __future__ import annotations

from typing import Final

from tensord.dtypes import DType
from tensord.errors import DTypeError

__all__ = ["check_form"]

_NO_BOOL: Final = frozenset(("sub", "neg", "floordiv", "floormod", "truncdiv", "truncrem", "shl",
                             "shr", "pow"))
_NO_FLOAT: Final = frozenset(("bitand", "bitor", "bitxor", "shl", "shr", "not"))


def check_form(op: str, dtype: DType) -> None:
    """Refuses a scalar op that means nothing in the dtype its inputs were cast to."""
    if dtype.kind == "bool" and op in _NO_BOOL:
        raise DTypeError(f"{op}: has no meaning for bool; use bitxor or bitand, or cast to an "
                         "integer first", reason="DTYPE", code=3, op=op)
    if dtype.is_float and op in _NO_FLOAT:
        raise DTypeError(f"{op}: needs integers or bools, got {dtype.short}; cast or bitcast first",
                         reason="DTYPE", code=3, op=op)
