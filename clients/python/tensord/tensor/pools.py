"""Pools: windows over the last axes, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, overload

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.errors import ShapeError
from tensord.symbolic import numel
from tensord.tensor.indexing import IndexingMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["PoolMixin", "as_tuple", "padding_for"]

Sizes = int | Sequence[int]


def as_tuple(value: Sizes) -> tuple[int, ...]:
    """One number or several, as several."""
    return (value,) if isinstance(value, int) else tuple(value)


def padding_for(padding: Sizes, axes: int) -> tuple[int, ...]:
    """tinygrad's padding (one for all, one each, or low and high of each, last axis first) as the
    op takes it (low and high of each axis in turn)."""
    given = as_tuple(padding)
    if len(given) != 2 * axes or len(given) == 1:
        return given
    pairs = [given[i : i + 2] for i in range(0, len(given), 2)][::-1]
    return tuple(p for pair in pairs for p in pair)


def _kernel(size: Sizes) -> tuple[int, ...]:
    return (size, size) if isinstance(size, int) else tuple(size)


def _each(value: Sizes, axes: int) -> list[int]:
    """One number per axis."""
    given = as_tuple(value)
    return list(given) * axes if len(given) == 1 else list(given)


def _low_and_high(padding: Sizes, axes: int) -> tuple[list[int], list[int]]:
    given = padding_for(padding, axes)
    if len(given) == 2 * axes and axes > 0:
        return list(given[::2]), list(given[1::2])
    return _each(given, axes), _each(given, axes)


class PoolMixin(IndexingMixin):
    """Pools over the last axes, as many as the kernel has sizes."""

    __slots__ = ()

    @overload
    def max_pool2d(
        self,
        kernel_size: Sizes = ...,
        stride: Sizes | None = ...,
        dilation: Sizes = ...,
        padding: Sizes = ...,
        ceil_mode: bool = ...,
        return_indices: Literal[False] = ...,
    ) -> Tensor: ...

    @overload
    def max_pool2d(
        self,
        kernel_size: Sizes = ...,
        stride: Sizes | None = ...,
        dilation: Sizes = ...,
        padding: Sizes = ...,
        ceil_mode: bool = ...,
        *,
        return_indices: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...

    def max_pool2d(
        self,
        kernel_size: Sizes = (2, 2),
        stride: Sizes | None = None,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The largest element of each window over the last axes; the stride is the kernel's.

        `return_indices`: also its position, i32, counted in row-major order over the pooled axes
        (the first of equals), as max_unpool2d takes it.
        """
        kernel = _kernel(kernel_size)
        out = ops.max_pool(
            self,
            kernel=kernel,
            stride=as_tuple(stride or ()),
            padding=padding_for(padding, len(kernel)),
            dilation=as_tuple(dilation),
            ceil_mode=ceil_mode,
        )
        if not return_indices:
            return out
        low, _ = _low_and_high(padding, len(kernel))
        strides = _each(stride or kernel, len(kernel))
        dilations = _each(dilation, len(kernel))
        return out, self._pooled_from(out, kernel, strides, dilations, low)

    def _pooled_from(
        self,
        pooled: Tensor,
        kernel: Sequence[int],
        strides: Sequence[int],
        dilations: Sequence[int],
        low: Sequence[int],
    ) -> Tensor:
        """Where in self each maximum of `pooled` is."""
        axes = len(kernel)
        first = self.ndim - axes
        extents, counts = self.shape[first:], pooled.shape[first:]
        high = []
        for i in range(axes):
            reach = (counts[i] - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1
            high.append(max(0, reach - low[i] - extents[i]))
        padded = ops.pad_value(
            self, low=[0] * first + list(low), high=[0] * first + high, value=float("-inf")
        )
        windows = ops.window(
            padded,
            axes=range(first, self.ndim),
            sizes=kernel,
            strides=strides,
            dilations=dilations,
        )
        rank = self.ndim
        place = ops.argmax(windows, axes=range(rank, rank + axes))
        flat, step = place * 0, 1
        for i in reversed(range(axes)):
            start = (
                ops.iota(dims=[counts[i]], axis=0, dtype=dt.int32, device=self._v.device)
                * strides[i]
                - low[i]
            )
            start = start.reshape((counts[i],) + (1,) * (axes - 1 - i))
            flat = flat + (place % kernel[i] * dilations[i] + start) * step
            place, step = place // kernel[i], step * extents[i]
        return flat

    def max_unpool2d(
        self,
        indices: Tensor,
        kernel_size: Sizes = (2, 2),
        stride: Sizes | None = None,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        output_size: Sequence[int] | None = None,
    ) -> Tensor:
        """Zeros, but self's elements at the places that max_pool2d's `indices` name.

        `output_size`: of the pooled axes, or the whole shape; as small as the windows allow when
        it is absent.
        """
        kernel = _kernel(kernel_size)
        axes = len(kernel)
        strides, dilations = _each(stride or kernel, axes), _each(dilation, axes)
        low, high = _low_and_high(padding, axes)
        first = self.ndim - axes
        if output_size is None:
            spatial = tuple(
                (self.shape[first + i] - 1) * strides[i]
                + dilations[i] * (kernel[i] - 1)
                + 1
                - low[i]
                - high[i]
                for i in range(axes)
            )
        elif len(output_size) in (axes, self.ndim):
            spatial = tuple(output_size)[-axes:]
        else:
            raise ShapeError(
                f"max_unpool2d: output_size {tuple(output_size)} names neither the {axes} pooled"
                f" axes nor the {self.ndim} of {tuple(self.shape)}"
            )
        batch = tuple(self.shape[:first])
        values = self.reshape((*batch, numel(self.shape[first:])))
        places = indices.reshape(values.shape)
        zeros = ops.zeros(dims=(*batch, numel(spatial)), dtype=self.dtype, device=self._v.device)
        return zeros.scatter(-1, places, values).reshape((*batch, *spatial))

    def avg_pool2d(
        self,
        kernel_size: Sizes = (2, 2),
        stride: Sizes | None = None,
        dilation: Sizes = 1,
        padding: Sizes = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> Tensor:
        """The mean of each window over the last axes; the stride is the kernel's."""
        kernel = _kernel(kernel_size)
        return ops.avg_pool(
            self,
            kernel=kernel,
            stride=as_tuple(stride or ()),
            padding=padding_for(padding, len(kernel)),
            dilation=as_tuple(dilation),
            ceil_mode=ceil_mode,
            count_include_pad=count_include_pad,
        )
