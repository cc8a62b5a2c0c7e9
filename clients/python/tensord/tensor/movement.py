"""Shapes: what moves, repeats or cuts elements without computing on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tensord import _ops as ops
from tensord.errors import DTypeError, ShapeError, ValueProblem
from tensord.rules import normalize_axis
from tensord.symbolic import Dim, Shape, Sym, numel
from tensord.tensor.elementwise import ElementwiseMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["MovementMixin", "flatten_args", "resolve_axis"]


def flatten_args(args: Sequence[Any]) -> tuple[Any, ...]:
    """f(1, 2) and f((1, 2)) are the same call."""
    if len(args) == 1 and isinstance(args[0], list | tuple):
        return tuple(args[0])
    return tuple(args)


def resolve_axis(op: str, axis: int, rank: int) -> int:
    """`axis` from the front; a scalar has an axis 0 and -1, as in tinygrad."""
    return normalize_axis(op, axis, max(rank, 1))


class MovementMixin(ElementwiseMixin):
    """Movement: reshape, permute, expand, pad, shrink, flip and what is made of them."""

    __slots__ = ()

    # ------------------------------------------------------------------ properties

    @property
    def ndim(self) -> int:
        return len(self._v.shape)

    def numel(self) -> int:
        """The number of elements."""
        return numel(self._v.shape)  # type: ignore[return-value]

    @property
    def max_shape(self) -> tuple[int, ...]:
        """The extents, each at the bound of its variables."""
        return tuple(d.max if isinstance(d, Sym) else d for d in self._v.shape)

    def max_numel(self) -> int:
        """The number of elements at the bounds of the variables."""
        return math.prod(self.max_shape)

    def size(self, dim: int | None = None) -> Any:
        """The shape, or one extent of it."""
        return self.shape if dim is None else self.shape[dim]

    def nbytes(self) -> int:
        """numel() * element_size()."""
        return self.numel() * self.element_size()

    def __len__(self) -> int:
        if not self._v.shape:
            raise DTypeError("len() of a tensor without axes")
        return self.shape[0]

    @property
    def T(self) -> Tensor:
        """The last two axes exchanged."""
        return self.transpose()

    # ------------------------------------------------------------------ primitives

    def reshape(self, *shape: Any) -> Tensor:
        """The same elements in another shape; -1 is what is left, None keeps an extent."""
        dims = flatten_args(shape)
        have = self._v.shape
        dims = tuple(have[i] if d is None else d for i, d in enumerate(dims))
        if dims.count(-1) > 1:
            raise ShapeError(f"reshape: {dims} has more than one -1; at most one can be found")
        if -1 in dims:
            dims = _fill(have, dims)
        if dims == have:
            return self  # type: ignore[return-value]
        return ops.reshape(self, dims=dims)

    view = reshape

    def expand(self, *shape: Any) -> Tensor:
        """Extents of 1 repeated; -1 and None keep an extent. New leading axes may be named."""
        dims = flatten_args(shape)
        have = self._v.shape
        if len(dims) < len(have):
            raise ShapeError(f"expand: {dims} has fewer axes than {have}")
        padded = (1,) * (len(dims) - len(have)) + have
        dims = tuple(h if d is None or d == -1 else d for h, d in zip(padded, dims, strict=True))
        x = self.reshape(padded)
        return x if dims == padded else ops.expand(x, dims=dims)

    def permute(self, *order: Any) -> Tensor:
        """The axes in another order: result axis k is axis order[k]."""
        axes = [resolve_axis("permute", a, self.ndim) for a in flatten_args(order)]
        if sorted(axes) != list(range(self.ndim)):
            raise ShapeError(f"permute: order {order} is no permutation of {self.ndim} axes")
        return ops.permute(self, order=axes)

    def transpose(self, dim0: int = 1, dim1: int = 0) -> Tensor:
        """Two axes exchanged."""
        order = list(range(self.ndim))
        a, b = (
            resolve_axis("transpose", dim0, self.ndim),
            resolve_axis("transpose", dim1, self.ndim),
        )
        order[a], order[b] = order[b], order[a]
        return self.permute(order)

    def flip(self, *axis: Any) -> Tensor:
        """Backwards along the axes."""
        axes = [resolve_axis("flip", a, self.ndim) for a in flatten_args(axis)]
        if len(set(axes)) != len(axes):
            raise ShapeError(f"flip: axes {axes} name an axis twice")
        return ops.flip(self, axes=axes)

    def shrink(self, arg: Sequence[tuple[Dim, Dim] | None]) -> Tensor:
        """(begin, end) of each axis; None keeps it."""
        if len(arg) != self.ndim:
            raise ShapeError(f"shrink: {len(arg)} ranges for {self.ndim} axes")
        ranges = [(0, d) if r is None else r for r, d in zip(arg, self._v.shape, strict=True)]
        if all(lo == 0 and hi == d for (lo, hi), d in zip(ranges, self._v.shape, strict=True)):
            return self  # type: ignore[return-value]
        return ops.shrink(self, low=[lo for lo, _ in ranges], dims=[hi - lo for lo, hi in ranges])

    def shrink_to(self, *shape: Any) -> Tensor:
        """The first elements along each axis; None keeps it."""
        dims = flatten_args(shape)
        return self.shrink([None if d is None else (0, d) for d in dims])

    def pad(self, padding: Sequence[Any], mode: str = "constant", value: float = 0.0) -> Tensor:
        """Elements added around.

        padding: (low, high) or None for each axis; or flat numbers, last axis first, as torch.
        mode: "constant" (of `value`), "reflect", "replicate" or "circular". Negative ones cut.
        """
        pairs = _padding_pairs(padding, self.ndim)
        if mode not in ("constant", "reflect", "replicate", "circular"):
            raise ValueProblem(
                f"pad: mode {mode!r}; expected constant, reflect, replicate or circular"
            )
        if mode != "constant":
            low, high = [max(p[0], 0) for p in pairs], [max(p[1], 0) for p in pairs]
            return ops.pad_mode(self, low=low, high=high, mode=mode)._cut_negative(pairs)
        x = self._cut_negative(pairs)
        low, high = [max(p[0], 0) for p in pairs], [max(p[1], 0) for p in pairs]
        if not any(low) and not any(high):
            return x
        if value == 0:
            return ops.pad(x, low=low, high=high)
        return ops.pad_value(x, low=low, high=high, value=value)

    def _cut_negative(self, pairs: Sequence[tuple[int, int]]) -> Tensor:
        return self.shrink(
            [
                (max(-lo, 0), d - max(-hi, 0))
                for (lo, hi), d in zip(pairs, self._v.shape, strict=True)
            ]
        )

    def pad_to(self, *shape: Any) -> Tensor:
        """Zeros at the high ends up to a shape; None keeps an extent."""
        dims = flatten_args(shape)
        return self.pad(
            [None if d is None else (0, d - h) for d, h in zip(dims, self._v.shape, strict=True)]
        )

    # ------------------------------------------------------------------ axes

    def squeeze(self, dim: int | None = None) -> Tensor:
        """Without its axes of extent 1, or without that one if its extent is 1."""
        shape = self._v.shape
        if dim is None:
            return self.reshape(tuple(d for d in shape if d != 1))
        axis = resolve_axis("squeeze", dim, self.ndim)
        if not shape or shape[axis] != 1:
            return self  # type: ignore[return-value]
        return self.reshape(shape[:axis] + shape[axis + 1 :])

    def unsqueeze(self, dim: int) -> Tensor:
        """With a new axis of extent 1 at `dim`."""
        axis = normalize_axis("unsqueeze", dim, self.ndim + 1)
        shape = self._v.shape
        return self.reshape((*shape[:axis], 1, *shape[axis:]))

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Tensor:
        """The axes from start_dim to end_dim as one."""
        start = resolve_axis("flatten", start_dim, self.ndim)
        end = resolve_axis("flatten", end_dim, self.ndim)
        shape = self._v.shape
        return self.reshape((*shape[:start], numel(shape[start : end + 1]), *shape[end + 1 :]))

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Tensor:
        """One axis as several."""
        axis = resolve_axis("unflatten", dim, self.ndim)
        shape = self._v.shape
        sizes = tuple(sizes)
        if -1 in sizes:
            sizes = cast("tuple[int, ...]", _fill(shape[axis : axis + 1], sizes))
        return self.reshape((*shape[:axis], *sizes, *shape[axis + 1 :]))

    # ------------------------------------------------------------------ joining, cutting

    def cat(self, *args: Tensor, dim: int = 0) -> Tensor:
        """Tensors joined along an existing axis."""
        parts = [self, *_tensors(args)]
        return ops.cat(parts, axis=resolve_axis("cat", dim, self.ndim))

    def stack(self, *args: Tensor, dim: int = 0) -> Tensor:
        """Tensors of one shape joined along a new axis."""
        parts = [self, *_tensors(args)]
        return ops.stack(parts, axis=normalize_axis("stack", dim, self.ndim + 1))

    def split(self, sizes: int | Sequence[int], dim: int = 0) -> tuple[Tensor, ...]:
        """Pieces of `sizes` along an axis (the last may be shorter), or of each size listed."""
        axis = resolve_axis("split", dim, self.ndim)
        extent = self.shape[axis]
        if isinstance(sizes, int):
            sizes = [min(sizes, extent - at) for at in range(0, max(extent, 1), max(sizes, 1))]
        if sum(sizes) != extent:
            raise ShapeError(
                f"split: sizes {list(sizes)} add up to {sum(sizes)}, axis {axis} has {extent}"
            )
        out, at = [], 0
        for n in sizes:
            out.append(self.shrink([None if i != axis else (at, at + n) for i in range(self.ndim)]))
            at += n
        return tuple(out)

    def chunk(self, chunks: int, dim: int = 0) -> list[Tensor]:
        """At most `chunks` pieces of nearly equal size along an axis."""
        extent = self.shape[resolve_axis("chunk", dim, self.ndim)]
        if chunks <= 0:
            raise ValueProblem(f"chunk: {chunks} pieces; expected at least one")
        size = math.ceil(extent / chunks)
        return list(self.split(size, dim) if size else self.split([0] * chunks, dim))

    def repeat(self, *repeats: Any) -> Tensor:
        """The whole tensor repeated along each axis; new leading axes may be named."""
        return ops.tile(self, repeats=flatten_args(repeats))

    def repeat_interleave(self, repeats: int, dim: int | None = None) -> Tensor:
        """Each element repeated, along an axis or of the flattened tensor."""
        if dim is None:
            return ops.repeat_interleave(self.flatten(), repeats=repeats)
        axis = resolve_axis("repeat_interleave", dim, self.ndim)
        return ops.repeat_interleave(self, repeats=repeats, axis=axis)

    def roll(self, shifts: int | Sequence[int], dims: int | Sequence[int] | None = None) -> Tensor:
        """Elements moved on by `shifts`, those beyond the end coming back at the start."""
        if dims is None:
            return self.flatten().roll(shifts, 0).reshape(self.shape)
        steps = [shifts] if isinstance(shifts, int) else list(shifts)
        axes = [
            resolve_axis("roll", a, self.ndim) for a in ([dims] if isinstance(dims, int) else dims)
        ]
        return ops.roll(self, shifts=steps, axes=axes)

    def const_like(self, value: float) -> Tensor:
        """A tensor of this shape and dtype filled with a number."""
        return self.full_like(value)  # type: ignore[attr-defined,no-any-return]


def _tensors(args: Sequence[Any]) -> Sequence[Any]:
    """cat(a, b) and cat([a, b]) mean the same."""
    return args[0] if len(args) == 1 and isinstance(args[0], list | tuple) else args


def _fill(have: Shape, dims: tuple[Any, ...]) -> tuple[Any, ...]:
    """`dims` with its -1 replaced by what is left of `have`."""
    rest = numel(d for d in dims if not (isinstance(d, int) and d == -1))
    total = numel(have)
    exact = rest != 0 and (isinstance(total, Sym) or isinstance(rest, Sym) or total % rest == 0)
    if not exact:
        raise ShapeError(f"reshape: {have} with {total} elements does not fit {dims}")
    missing = total // rest
    return tuple(missing if isinstance(d, int) and d == -1 else d for d in dims)


def _padding_pairs(padding: Sequence[Any], rank: int) -> list[tuple[int, int]]:
    if all(isinstance(p, int) for p in padding):
        if len(padding) % 2 or len(padding) > 2 * rank:
            raise ShapeError(f"pad: {len(padding)} numbers; expected pairs for at most {rank} axes")
        pairs = [(padding[i], padding[i + 1]) for i in range(0, len(padding), 2)][::-1]
        return [(0, 0)] * (rank - len(pairs)) + pairs
    if len(padding) != rank:
        raise ShapeError(f"pad: {len(padding)} pairs for {rank} axes")
    return [(0, 0) if p is None else tuple(p) for p in padding]
