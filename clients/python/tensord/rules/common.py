"""What a rule sees, and how shapes and lists read in messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from tensord.dtype import DType
from tensord.errors import DTypeError, IndexOutOfRange, ShapeError
from tensord.symbolic import Dim, Shape

__all__ = [
    "MAX_ELEMENTS",
    "MAX_RANK",
    "RuleInput",
    "broadcast_shapes",
    "dims_text",
    "ints_or",
    "normalize_axes",
    "normalize_axis",
    "type_text",
]

MAX_RANK: Final = 16
MAX_ELEMENTS: Final = 1 << 46


class RuleInput:
    """An op's name, its inputs' names and types (already cast), and all its attributes."""

    __slots__ = ("attrs", "dtypes", "names", "op", "shapes")

    def __init__(
        self,
        op: str,
        names: Sequence[str],
        dtypes: Sequence[DType],
        shapes: Sequence[Shape],
        attrs: Mapping[str, Any],
    ) -> None:
        self.op = op
        self.names = names
        self.dtypes = dtypes
        self.shapes = shapes
        self.attrs = attrs

    def get(self, name: str) -> Any:
        """An attribute; None when it is absent."""
        return self.attrs.get(name)

    def text(self, i: int) -> str:
        """Input i as messages show it: "f32[2,3]"."""
        return type_text(self.dtypes[i], self.shapes[i])

    def shape_error(self, message: str) -> ShapeError:
        return ShapeError(f"{self.op}: {message}", reason="SHAPE", code=3, op=self.op)

    def dtype_error(self, message: str) -> DTypeError:
        return DTypeError(f"{self.op}: {message}", reason="DTYPE", code=3, op=self.op)


def dims_text(dims: Iterable[Dim]) -> str:
    """ "[2,n+1]"."""
    return "[" + ",".join(str(d) for d in dims) + "]"


def type_text(dtype: DType, shape: Shape) -> str:
    """ "f32[2,3]"."""
    return dtype.short + dims_text(shape)


def ints_or(given: Sequence[int] | None, count: int, otherwise: int) -> list[int]:
    """`given`, or `count` copies of `otherwise` when it is absent or empty."""
    return list(given) if given else [otherwise] * count


def broadcast_shapes(op: str, a: Shape, b: Shape) -> Shape:
    """numpy broadcasting of two shapes."""
    if a == b:
        return a
    if len(a) < len(b):
        a, b = b, a
    extra = len(a) - len(b)
    out = list(a)
    for i, d in enumerate(b):
        have = out[extra + i]
        if have == 1:
            out[extra + i] = d
        elif d not in (have, 1):
            raise ShapeError(
                f"{op}: shapes {dims_text(a)} and {dims_text(b)} do not broadcast: axis {extra + i}"
                f" has {have} and {d}; they must be equal or 1",
                reason="SHAPE",
                code=3,
                op=op,
            )
    return tuple(out)


def normalize_axis(op: str, axis: int, rank: int) -> int:
    """`axis` counted from the front."""
    if not -rank <= axis < rank:
        raise IndexOutOfRange(
            f"{op}: axis {axis} is out of range for rank {rank}; expected {-rank}..{rank - 1}",
            reason="SHAPE",
            code=3,
            op=op,
        )
    return axis + rank if axis < 0 else axis


def normalize_axes(op: str, axes: Sequence[int], rank: int) -> list[int]:
    """The same for a list, sorted; a repeated axis is refused."""
    out = sorted(normalize_axis(op, a, rank) for a in axes)
    if len(set(out)) != len(out):
        raise ShapeError(f"{op}: axes {dims_text(axes)} name an axis twice", op=op)
    return out
