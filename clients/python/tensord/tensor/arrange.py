"""Movement with a plan: diagonals, triangles, sliding windows, grids, einops' rearrange."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from tensord import _ops as ops
from tensord.errors import ShapeError, ValueProblem
from tensord.symbolic import numel
from tensord.tensor.movement import MovementMixin, resolve_axis

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["ArrangeMixin"]


class ArrangeMixin(MovementMixin):
    """Rearrangements with a plan."""

    __slots__ = ()

    def diag(self) -> Tensor:
        """A vector as the diagonal of a square matrix."""
        return ops.diag(self)

    def diagonal(self, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
        """The diagonal of two axes, as a new last axis."""
        axis0, axis1 = (resolve_axis("diagonal", d, self.ndim) for d in (dim1, dim2))
        return ops.diagonal(self, offset=offset, axis0=axis0, axis1=axis1)

    def triu(self, diagonal: int = 0) -> Tensor:
        """The elements on and above a diagonal, zeros below."""
        return ops.triu(self, diagonal=diagonal)

    def tril(self, diagonal: int = 0) -> Tensor:
        """The elements on and below a diagonal, zeros above."""
        return ops.tril(self, diagonal=diagonal)

    def unfold(self, dim: int, size: int, step: int) -> Tensor:
        """Windows of `size` every `step` along an axis, as a new last axis."""
        axis = resolve_axis("unfold", dim, self.ndim)
        if size < 0 or step <= 0 or size > self.shape[axis]:
            raise ValueProblem(
                f"unfold: size {size} and step {step} do not fit axis {axis} of {self.shape}"
            )
        return ops.window(self, axes=(axis,), sizes=(size,), strides=(step,))

    def meshgrid(self, *args: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
        """Coordinates of a grid, one tensor per axis."""
        if indexing not in ("ij", "xy"):
            raise ValueProblem(f"meshgrid: indexing {indexing!r}; expected 'ij' or 'xy'")
        vectors = [cast("Tensor", self), *args]
        if len(vectors) == 1:
            return (vectors[0],)
        swap = indexing == "xy"
        axes = [(1 if i == 0 else 0 if i == 1 else i) if swap else i for i in range(len(vectors))]
        shape = [1] * len(vectors)
        for v, axis in zip(vectors, axes, strict=True):
            shape[axis] = v.numel()
        return tuple(
            v.reshape([-1 if i == axis else 1 for i in range(len(vectors))]).expand(shape)
            for v, axis in zip(vectors, axes, strict=True)
        )

    def rearrange(self, formula: str, **sizes: int) -> Tensor:
        """einops' rearrange: "b (h w) c -> b c h w", with the extents that can't be inferred."""
        left, arrow, right = formula.partition("->")
        if not arrow:
            raise ValueProblem(f"rearrange: {formula!r} has no '->'")
        before, after = _parse(left), _parse(right)
        if any("..." in g for g in before):
            before, after = _expand_ellipsis(before, after, self.ndim)
        names = [n for g in before for n in g]
        if sorted(names) != sorted(n for g in after for n in g if n != "1"):
            raise ValueProblem(f"rearrange: {formula!r} names different axes on its two sides")
        extents = _extents(before, self.shape, sizes)
        x = self.reshape([extents[n] for n in names])
        x = x.permute([names.index(n) for g in after for n in g if n != "1"])
        return x.reshape([cast("int", numel(extents.get(n, 1) for n in g)) for g in after])


def _parse(side: str) -> list[list[str]]:
    """Groups of names: "b (h w)" -> [["b"], ["h", "w"]]. "1" and "()" are axes of extent 1."""
    groups: list[list[str]] = []
    current: list[str] | None = None
    for token in re.findall(r"\.\.\.|\w+|[()]", side):
        if token == "(":
            current = []
        elif token == ")":
            groups.append(current or ["1"])
            current = None
        elif current is not None:
            current.append(token)
        else:
            groups.append([token])
    return groups


def _expand_ellipsis(
    before: list[list[str]], after: list[list[str]], rank: int
) -> tuple[list[list[str]], list[list[str]]]:
    names = [f"_{i}" for i in range(rank - len(before) + 1)]

    def spread(groups: list[list[str]]) -> list[list[str]]:
        out: list[list[str]] = []
        for g in groups:
            if g == ["..."]:
                out += [[n] for n in names]
            else:
                out.append([m for n in g for m in (names if n == "..." else [n])])
        return out

    return spread(before), spread(after)


def _extents(
    groups: Sequence[Sequence[str]], shape: Sequence[int], sizes: dict[str, int]
) -> dict[str, int]:
    if len(groups) != len(shape):
        raise ShapeError(f"rearrange: {len(groups)} axes named, the tensor has {len(shape)}")
    extents = dict(sizes)
    for group, extent in zip(groups, shape, strict=True):
        unknown = [n for n in group if n not in extents]
        known = 1
        for n in group:
            known *= extents.get(n, 1)
        if len(unknown) > 1 or (unknown and extent % known) or (not unknown and known != extent):
            raise ShapeError(f"rearrange: axes {' '.join(group)} do not fit an extent of {extent}")
        if unknown:
            extents[unknown[0]] = extent // known
    return extents
