"""The Tensor: a name for a value that the daemon holds, or will compute when asked.

Methods are tinygrad's (names, arguments, broadcasting, promotion); each adds a node to the
session's graph and answers at once, with shape and dtype found locally. Nothing is computed before
`realize`, `numpy`, `item`, `tolist` or a jitted function asks for it. Tensors of a closed session
can't be read.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from tensord import _ops as ops
from tensord import base
from tensord import dtype as dt
from tensord.base import TensorBase, local, scalar
from tensord.context import Context, set_training, training
from tensord.dtype import DType, dtypes, to_dtype
from tensord.errors import DTypeError
from tensord.session import default
from tensord.symbolic import Sym, Variable
from tensord.tensor.awaiting import AwaitingMixin
from tensord.tensor.creation import device_number, finish
from tensord.tensor.data import from_file, put

__all__ = ["Tensor"]


class _TensorMeta(type):
    """`Tensor.training` is a setting, not a field."""

    @property
    def training(cls) -> bool:
        return training()

    @training.setter
    def training(cls, on: bool) -> None:
        set_training(on)


class Tensor(AwaitingMixin, metaclass=_TensorMeta):
    """Tensor(data, device=None, dtype=None, requires_grad=None).

    data: a number, nested lists, a numpy array or anything numpy reads, bytes (u8), a path (its
    bytes), another tensor, None (empty). Python floats give f32, ints i32 (i64 where they need
    it), bools bool; arrays keep their dtype. `requires_grad`: None and True let `backward` fill
    `.grad` of a float tensor, False does not. Raises DTypeError, ValueError.
    """

    __slots__ = ()

    def __init__(
        self,
        data: Any = None,
        device: str | None = None,
        dtype: DType | str | None = None,
        requires_grad: bool | None = None,
    ) -> None:
        to = None if dtype is None else to_dtype(dtype)
        made = _make(data, device_number(device), to)
        self._v = made._v if isinstance(made, TensorBase) else made
        self._deps = made._deps if isinstance(made, TensorBase) else 0
        self._bit = -1
        self.grad = None
        if not isinstance(data, TensorBase):
            finish(self, requires_grad)
        elif requires_grad:
            self.requires_grad_()

    @staticmethod
    def train(mode: bool = True) -> Context:
        """`with Tensor.train():` is `with Context(TRAINING=1):`."""
        return Context(TRAINING=int(mode))


def _make(data: Any, device: int, dtype: DType | None) -> Any:
    """A tensor or a value for what a Tensor can be made of."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.cast(dtype)
    if isinstance(data, Sym):
        if isinstance(data, Variable) and data.value is not None and local.trace is None:
            made = scalar(data.val, dt.int64, device)
        else:
            made = ops.dim_value(value=(data,))
        return made if dtype is None else made.cast(dtype)
    if data is None:
        return put(np.zeros(0, np.float32), dtype, device)
    if isinstance(data, bool | int | float) and (
        not isinstance(data, int) or -(1 << 63) <= data < 1 << 63
    ):
        return scalar(data, dtype or _stored(data), device)
    if isinstance(data, bytes | bytearray | memoryview):
        return put(np.frombuffer(data, np.uint8), dtype, device)
    if isinstance(data, os.PathLike):
        return put(from_file(data), dtype, device)
    if isinstance(data, str | dict | set):
        raise DTypeError(f"a tensor can't be made of a {type(data).__name__}")
    if isinstance(data, list | tuple) and any(isinstance(x, TensorBase) for x in data):
        parts = [x if isinstance(x, Tensor) else Tensor(x, requires_grad=False) for x in data]
        stacked = parts[0].stack(*parts[1:])
        return stacked if dtype is None else stacked.cast(dtype)
    return put(data, dtype, device)


def _stored(number: float | int | bool) -> DType:
    if (
        isinstance(number, int)
        and not isinstance(number, bool)
        and not (-(1 << 31) <= number < 1 << 31)
    ):
        return dt.int64
    return dtypes.from_py(number)


base.install(Tensor, default.connection)
