"""Reductions over axes: sums, extremes, moments, softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tensord import _ops as ops
from tensord.dtype import DType, to_dtype
from tensord.tensor.arrange import ArrangeMixin
from tensord.tensor.movement import resolve_axis

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["Axis", "ReduceMixin"]

Axis: TypeAlias = "int | Sequence[int] | None"


class ReduceMixin(ArrangeMixin):
    """Reductions: `axis` is one axis, several, or None for all; `keepdim` leaves extents of 1."""

    __slots__ = ()

    def _axes(self, op: str, axis: Axis) -> tuple[int, ...] | None:
        if axis is None:
            return None
        axes = [axis] if isinstance(axis, int) else axis
        found = tuple(resolve_axis(op, a, self.ndim) for a in axes)
        return found if self._v.shape else ()

    def sum(
        self, axis: Axis = None, keepdim: bool = False, dtype: DType | str | None = None
    ) -> Tensor:
        """The sum; integers add up in at least 32 bits, unless `dtype` says another."""
        to = None if dtype is None else to_dtype(dtype)
        return ops.sum(self, axes=self._axes("sum", axis), keepdims=keepdim, dtype=to)

    def prod(
        self, axis: Axis = None, keepdim: bool = False, dtype: DType | str | None = None
    ) -> Tensor:
        """The product."""
        to = None if dtype is None else to_dtype(dtype)
        return ops.prod(self, axes=self._axes("prod", axis), keepdims=keepdim, dtype=to)

    def max(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """The largest element; NaN if there is one."""
        return ops.max(self, axes=self._axes("max", axis), keepdims=keepdim)

    def min(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """The smallest element; NaN if there is one."""
        return ops.min(self, axes=self._axes("min", axis), keepdims=keepdim)

    def any(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """Whether any element is not zero."""
        return ops.any(self, axes=self._axes("any", axis), keepdims=keepdim)

    def all(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """Whether no element is zero."""
        return ops.all(self, axes=self._axes("all", axis), keepdims=keepdim)

    def mean(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """The arithmetic mean; f32 for integers."""
        return ops.mean(self, axes=self._axes("mean", axis), keepdims=keepdim)

    def var(self, axis: Axis = None, keepdim: bool = False, correction: int = 1) -> Tensor:
        """The variance; the sum of squares is divided by count - correction."""
        return ops.var(self, axes=self._axes("var", axis), keepdims=keepdim, correction=correction)

    def std(self, axis: Axis = None, keepdim: bool = False, correction: int = 1) -> Tensor:
        """The standard deviation: sqrt(var)."""
        return ops.std(self, axes=self._axes("std", axis), keepdims=keepdim, correction=correction)

    def var_mean(
        self, axis: Axis = None, keepdim: bool = False, correction: int = 1
    ) -> tuple[Tensor, Tensor]:
        """var and mean."""
        return ops.var_mean(
            self, axes=self._axes("var_mean", axis), keepdims=keepdim, correction=correction
        )

    def std_mean(
        self, axis: Axis = None, keepdim: bool = False, correction: int = 1
    ) -> tuple[Tensor, Tensor]:
        """std and mean."""
        return ops.std_mean(
            self, axes=self._axes("std_mean", axis), keepdims=keepdim, correction=correction
        )

    def argmax(self, axis: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the largest element is (the first of several), in i32."""
        return ops.argmax(self, axes=self._axes("argmax", axis), keepdims=keepdim)

    def argmin(self, axis: int | None = None, keepdim: bool = False) -> Tensor:
        """Where the smallest element is (the first of several), in i32."""
        return ops.argmin(self, axes=self._axes("argmin", axis), keepdims=keepdim)

    def logsumexp(self, axis: Axis = None, keepdim: bool = False) -> Tensor:
        """log(sum(exp(self))), without overflow."""
        return ops.logsumexp(self, axes=self._axes("logsumexp", axis), keepdims=keepdim)

    def softmax(self, axis: int = -1, dtype: DType | str | None = None) -> Tensor:
        """exp(self) / sum(exp(self)) along an axis, in one pass."""
        return ops.softmax(self._in(dtype), axis=resolve_axis("softmax", axis, self.ndim))

    def log_softmax(self, axis: int = -1, dtype: DType | str | None = None) -> Tensor:
        """log(softmax(self))."""
        return ops.log_softmax(self._in(dtype), axis=resolve_axis("log_softmax", axis, self.ndim))

    def softmin(self, axis: int = -1, dtype: DType | str | None = None) -> Tensor:
        """softmax(-self)."""
        return self._in(dtype).neg().softmax(axis)

    def _in(self, dtype: DType | str | None) -> Tensor:
        return self if dtype is None else self.cast(dtype)  # type: ignore[return-value]

    def normalize(self, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
        """self / max(p-norm along dim, eps)."""
        size = self.abs()
        norm = (
            size.square().sum(dim, keepdim=True).sqrt()
            if p == 2.0
            else (size**p).sum(dim, keepdim=True) ** (1 / p)
        )
        return self / norm.maximum(eps)

    def allclose(
        self, other: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
    ) -> bool:
        """Whether all elements are close, as a Python bool: waits for the answer."""
        return bool(self.isclose(other, rtol, atol, equal_nan).all().item())
