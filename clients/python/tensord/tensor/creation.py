"""Tensors out of nothing: constants, ranges, the identity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.base import local, mark_parameter
from tensord.dtype import DType, dtypes, to_dtype
from tensord.errors import ShapeError, ValueProblem
from tensord.symbolic import Dim, Sym
from tensord.tensor.movement import flatten_args
from tensord.tensor.nnops import NnMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["CreationMixin", "device_number", "finish"]


def finish(t: Tensor, requires_grad: bool | None) -> Tensor:
    """Marks a new float tensor as one that `backward` fills, unless told not to."""
    if requires_grad is not False and t.dtype.is_float and local.trace is None:
        mark_parameter(t)
    return t


def _dims(shape: tuple[Any, ...]) -> tuple[Dim, ...]:
    dims = flatten_args(shape)
    for d in dims:
        if not isinstance(d, Sym) and (not isinstance(d, int) or d < 0):
            raise ShapeError(f"shape {dims}: extents are integers of 0 or more")
    return dims


class CreationMixin(NnMixin):
    """Creation. `device` names a device of the daemon ("llvm", "cpu", …); None is its default."""

    __slots__ = ()

    @staticmethod
    def full(
        shape: Any,
        fill_value: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Every element is `fill_value`; the dtype is its own unless given."""
        to = dtypes.from_py(fill_value) if dtype is None else to_dtype(dtype)
        dims = _dims((shape,) if isinstance(shape, int | Sym) else tuple(shape))
        return finish(
            ops.full(value=fill_value, dims=dims, dtype=to, device=device_number(device)),
            requires_grad,
        )

    @staticmethod
    def zeros(
        *shape: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Zeros, f32 unless told otherwise."""
        to = dtypes.default_float if dtype is None else dtype
        return CreationMixin.full(flatten_args(shape), 0, to, device, requires_grad)

    @staticmethod
    def ones(
        *shape: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Ones, f32 unless told otherwise."""
        to = dtypes.default_float if dtype is None else dtype
        return CreationMixin.full(flatten_args(shape), 1, to, device, requires_grad)

    @staticmethod
    def empty(
        *shape: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """A tensor whose content does not matter (it is zero: values are immutable)."""
        return CreationMixin.zeros(*shape, dtype=dtype, device=device, requires_grad=requires_grad)

    @staticmethod
    def arange(
        start: float,
        stop: float | None = None,
        step: float = 1,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """start, start + step, … before stop. Integers give i32, any float gives f32."""
        if stop is None:
            start, stop = 0, start
        if step == 0:
            raise ValueProblem("arange: step 0 never arrives")
        floats = any(isinstance(x, float) for x in (start, stop, step))
        to = (
            to_dtype(dtype)
            if dtype is not None
            else (dtypes.default_float if floats else dtypes.default_int)
        )
        count = max(math.ceil((stop - start) / step), 0)
        made = ops.arange(
            dims=(count,), start=start, step=step, dtype=to, device=device_number(device)
        )
        return finish(made, requires_grad)

    @staticmethod
    def linspace(
        start: float,
        stop: float,
        steps: int,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """`steps` numbers from start to stop, both included."""
        if steps < 0:
            raise ValueProblem(f"linspace: {steps} steps; expected 0 or more")
        to = dtypes.default_float if dtype is None else to_dtype(dtype)
        wide = to if to.is_float else dt.float32
        made = ops.linspace(
            dims=(steps,), start=start, stop=stop, dtype=wide, device=device_number(device)
        )
        return finish(made.cast(to), requires_grad)

    @staticmethod
    def eye(
        n: int,
        m: int | None = None,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Ones on the main diagonal of an n by m matrix."""
        to = dtypes.default_float if dtype is None else to_dtype(dtype)
        dims = _dims((n, n if m is None else m))
        return finish(ops.eye(dims=dims, dtype=to, device=device_number(device)), requires_grad)

    def full_like(
        self,
        fill_value: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """`full` of self's shape, dtype and device."""
        to = self._v.dtype if dtype is None else to_dtype(dtype)
        number = self._v.device if device is None else device_number(device)
        made = ops.full(value=fill_value, dims=self._v.shape, dtype=to, device=number)
        return finish(made, requires_grad)

    def zeros_like(
        self,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Zeros of self's shape."""
        return self.full_like(0, dtype, device, requires_grad)

    def ones_like(
        self,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Ones of self's shape."""
        return self.full_like(1, dtype, device, requires_grad)

    def empty_like(
        self,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """A tensor of self's shape whose content does not matter."""
        return self.zeros_like(dtype, device, requires_grad)


def device_number(name: str | None) -> int:
    """The daemon's number of a device; 0 is its default."""
    from tensord.session import default

    return default.device_number(name)
