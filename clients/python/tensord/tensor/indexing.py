"""x[...] and x[...] = v: integers, slices, None, Ellipsis, lists, tensors; gather, scatter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.base import TensorBase, scalar
from tensord.dtype import DType
from tensord.errors import DTypeError, IndexOutOfRange, ShapeError, ValueProblem
from tensord.symbolic import Dim, Sym, numel
from tensord.tensor.movement import resolve_axis
from tensord.tensor.reduce import ReduceMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["IndexingMixin"]


class Cut(NamedTuple):
    """What basic indexing does to one axis: elements low, low + step … backwards if flip."""

    low: Dim
    dims: Dim  # extent that is shrunk to, before the step
    step: int = 1
    flip: bool = False
    keep: bool = True  # False: an integer, whose axis vanishes


class Plan(NamedTuple):
    """A parsed key: cuts by source axis; `out` lists result axes: "new", or a source axis."""

    cuts: list[Cut]
    out: list[int | None]
    tensors: dict[int, Tensor]  # advanced indices by source axis

    @property
    def plain(self) -> bool:
        """A block: integers and slices of step 1."""
        return not self.tensors and all(c.step == 1 and not c.flip for c in self.cuts)


class IndexingMixin(ReduceMixin):
    """Indexing. Positions of a tensor outside the axis read zero; a number outside raises."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Tensor:
        plan = _parse(cast("Tensor", self), key)
        x = _cut(cast("Tensor", self), plan.cuts)
        if plan.tensors:
            return _advanced(x, plan)
        return x.reshape(_out_shape(x, plan))

    def __setitem__(self, key: Any, value: Any) -> None:
        x = cast("Tensor", self)
        plan = _parse(x, key)
        new = _as_dtype(x, value)
        if plan.plain:
            block = tuple(c.dims for c in plan.cuts)
            target = _out_shape_of(block, plan)
            filled = new.reshape(_drop_leading(new.shape, len(target))).expand(target)
            updated = ops.slice_update(
                x, filled.reshape(block), (), start=[c.low for c in plan.cuts]
            )
        elif _is_direct(x, plan):
            first = min(plan.tensors)
            updated = ops.index_put(x, new, list(plan.tensors.values()), axis=first)
        else:
            count = numel(x.shape)
            at = ops.iota(dims=(count,), axis=0, dtype=_index_dtype(count)).reshape(x.shape)[key]
            updated = ops.index_put(x.flatten(), new, [at], axis=0).reshape(x.shape)
        x.assign(updated)

    def gather(self, dim: int, index: Any) -> Tensor:
        """out[i][j] = self[index[i][j]][j] for dim 0. Positions outside read zero."""
        return ops.gather(self, index, axis=resolve_axis("gather", dim, self.ndim))

    def take(self, index: Any, dim: int = 0) -> Tensor:
        """Slices along an axis at the positions of an index, whose shape replaces the axis."""
        return ops.take(self, index, axis=resolve_axis("take", dim, self.ndim))

    def scatter(self, dim: int, index: Any, src: Any, reduce: str | None = None) -> Tensor:
        """self with out[index[i][j]][j] = src[i][j] for dim 0; `reduce` "add" adds instead."""
        if reduce not in (None, "add", "multiply"):
            raise ValueProblem(f"scatter: reduce {reduce!r}; expected None, 'add' or 'multiply'")
        axis = resolve_axis("scatter", dim, self.ndim)
        source = _cover(cast("Tensor", self), index, src)
        if reduce == "multiply":
            factor = ops.scatter(self.const_like(1), index, source, axis=axis)
            return cast("Tensor", self) * factor
        return ops.scatter(self, index, source, axis=axis, mode="add" if reduce else "set")

    def scatter_reduce(
        self, dim: int, index: Any, src: Any, reduce: str, include_self: bool = True
    ) -> Tensor:
        """Several sources at one place combined: "sum", "mean", "amax" or "amin"."""
        modes = {"sum": "add", "mean": "add", "amax": "max", "amin": "min"}
        if reduce not in modes:
            raise ValueProblem(
                f"scatter_reduce: reduce {reduce!r}; expected one of {', '.join(modes)}"
            )
        x, axis = cast("Tensor", self), resolve_axis("scatter_reduce", dim, self.ndim)
        source = _cover(x, index, src)
        base = x
        if not include_self:
            start = {"add": 0, "max": x.dtype.min, "min": x.dtype.max}[modes[reduce]]
            base = ops.scatter(x, index, source.full_like(start), axis=axis)
        out = ops.scatter(base, index, source, axis=axis, mode=modes[reduce])
        if reduce != "mean":
            return out
        count = ops.scatter(
            x.const_like(1 if include_self else 0), index, source.ones_like(), axis=axis, mode="add"
        ).maximum(1)
        return out / count if x.dtype.is_float else out // count

    def one_hot(self, num_classes: int) -> Tensor:
        """A row of `num_classes` zeros with a one at each index, in i32."""
        return ops.one_hot(self, classes=num_classes)


# ------------------------------------------------------------------------ parsing a key


def _parse(x: Tensor, key: Any) -> Plan:
    items = _expand_ellipsis(list(key) if isinstance(key, tuple) else [key], x.ndim)
    plan = Plan([], [], {})
    for item in items:
        axis = len(plan.cuts)
        if item is None:
            plan.out.append(None)
            continue
        extent = x._v.shape[axis]
        if isinstance(item, slice):
            cut = _slice_cut(item, extent)
        elif isinstance(item, int | Sym | np.integer) and not isinstance(item, bool):
            cut = _integer_cut(item, extent, axis)
        else:
            cut = Cut(0, extent)
            plan.tensors[axis] = _index_tensor(item, extent, axis)
        plan.cuts.append(cut)
        if cut.keep:
            plan.out.append(axis)
    return plan


def _expand_ellipsis(items: list[Any], rank: int) -> list[Any]:
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    if len(dots) > 1:
        raise IndexOutOfRange("an index holds at most one '...'")
    used = sum(item is not None and item is not Ellipsis for item in items)
    if used > rank:
        raise IndexOutOfRange(f"too many indices: {used} for a tensor of {rank} axes")
    at = dots[0] if dots else len(items)
    rest = [slice(None)] * (rank - used)
    return items[:at] + rest + items[at + bool(dots) :]


def _integer_cut(item: Any, extent: Dim, axis: int) -> Cut:
    if isinstance(item, Sym):
        return Cut(item, 1, keep=False)
    at = int(item)
    if isinstance(extent, int) and not -extent <= at < extent:
        raise IndexOutOfRange(f"index {at} is out of range for axis {axis} of {extent}")
    return Cut(at + extent if at < 0 else at, 1, keep=False)


def _slice_cut(item: slice, extent: Dim) -> Cut:
    step = 1 if item.step is None else item.step
    if isinstance(step, int) and step == 0:
        raise ValueProblem("slice step 0; expected another number")
    if any(isinstance(p, Sym) for p in (item.start, item.stop, extent)):
        return _symbolic_cut(item, extent, step)
    bounds = range(*slice(_number(item.start), _number(item.stop), step).indices(int(extent)))
    n = len(bounds)
    if n == 0:
        return Cut(0, 0)
    low = min(bounds[0], bounds[-1])
    return Cut(low, abs(bounds[-1] - bounds[0]) + 1, abs(step) if n > 1 else 1, step < 0)


def _number(bound: Any) -> Any:
    return bound if bound is None else bound.__index__()


def _symbolic_cut(item: slice, extent: Dim, step: int) -> Cut:
    if step != 1:
        raise ValueProblem("slices with symbolic bounds take step 1")
    start = 0 if item.start is None else item.start
    stop = extent if item.stop is None else item.stop
    return Cut(start, stop - start)


def _index_tensor(item: Any, extent: Dim, axis: int) -> Tensor:
    from tensord.tensor import Tensor

    if not isinstance(item, TensorBase):
        if not isinstance(item, list | tuple | np.ndarray | range):
            raise DTypeError(
                f"index of type {type(item).__name__}; expected integers, slices, "
                "None, ..., lists or tensors"
            )
        array = np.asarray(item if len(item) else np.zeros(0, np.int32))
        if array.dtype.kind not in "iu":
            raise DTypeError(
                f"index list of {array.dtype}; expected integers (a mask of bools has "
                "a size that depends on data: use where)"
            )
        if (
            isinstance(extent, int)
            and array.size
            and not (-extent <= array.min() and array.max() < extent)
        ):
            raise IndexOutOfRange(
                f"index {array.tolist()} is out of range for axis {axis} of {extent}"
            )
        item = Tensor(array.astype(np.int32), requires_grad=False)
    if not item.dtype.is_int:
        raise DTypeError(
            f"index tensor of {item.dtype.short}; expected integers (a mask of bools "
            "has a size that depends on data: use where)"
        )
    return cast("Tensor", item)


# ------------------------------------------------------------------------ applying a plan


def _cut(x: Tensor, cuts: Sequence[Cut]) -> Tensor:
    x = x.shrink([(c.low, c.low + c.dims) for c in cuts])
    flips = [i for i, c in enumerate(cuts) if c.flip]
    if flips:
        x = x.flip(flips)
    if any(c.step != 1 for c in cuts):
        x = ops.stride(x, steps=[c.step for c in cuts])
    return x


def _out_shape_of(shape: Sequence[Dim], plan: Plan) -> tuple[Any, ...]:
    return tuple(1 if axis is None else shape[axis] for axis in plan.out)


def _out_shape(x: Tensor, plan: Plan) -> tuple[Any, ...]:
    return _out_shape_of(x._v.shape, plan)


def _advanced(x: Tensor, plan: Plan) -> Tensor:
    """Tensors as indices: their dims go where they stand, or to the front when apart."""
    x = x.reshape(_out_shape(x, plan))
    at = [i for i, axis in enumerate(plan.out) if axis in plan.tensors]
    indices = [plan.tensors[axis] for axis in sorted(plan.tensors)]
    if at[-1] - at[0] + 1 != len(at):
        x = x.permute(at + [i for i in range(x.ndim) if i not in at])
        at = [0]
    return ops.index(x, indices, axis=at[0])


def _is_direct(x: Tensor, plan: Plan) -> bool:
    """Only adjacent tensors and whole axes: `index_put` does it alone."""
    axes = sorted(plan.tensors)
    whole = all(c.dims is d or c.dims == d for c, d in zip(plan.cuts, x._v.shape, strict=True))
    return (
        bool(axes)
        and whole
        and plan.out == list(range(x.ndim))
        and all(c.step == 1 and not c.flip for c in plan.cuts)
        and axes[-1] - axes[0] + 1 == len(axes)
    )


def _as_dtype(x: Tensor, value: Any) -> Tensor:
    from tensord.tensor import Tensor

    if isinstance(value, TensorBase):
        if value.dtype is not x.dtype:
            raise DTypeError(
                f"setitem: a {value.dtype.short} value into a {x.dtype.short} tensor; cast it first"
            )
        return cast("Tensor", value)
    if isinstance(value, bool | int | float):
        return scalar(value, x.dtype, x._v.device)
    return Tensor(np.asarray(value), dtype=x.dtype, requires_grad=False)


def _drop_leading(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    """numpy lets values have extra leading axes of 1."""
    extra = max(len(shape) - rank, 0)
    if any(d != 1 for d in shape[:extra]):
        raise ShapeError(f"setitem: a value of shape {shape} does not fit {rank} axes")
    return shape[extra:]


def _index_dtype(count: Dim) -> DType:
    return dt.int32 if isinstance(count, int) and count < 1 << 31 else dt.int64


def _cover(x: Tensor, index: Tensor, src: Any) -> Tensor:
    """A source of the index's shape in x's dtype."""
    if not isinstance(src, TensorBase):
        return scalar(src, x.dtype, x._v.device).expand(index.shape)
    source = cast("Tensor", src)
    return source.shrink_to(index.shape) if source.shape != index.shape else source
