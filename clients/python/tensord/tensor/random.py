"""Random tensors: pure functions of a key and a counter, so every device draws the same numbers.

`Tensor.manual_seed` sets the key and starts the counter at 0; each draw takes as many counts as it
has elements. Inside a jitted function the counter is state of the Program, so a traced step and an
untraced one draw the same sequence.
"""

from __future__ import annotations

import math
import os
import threading
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.base import Operand, local, scalar
from tensord.context import training
from tensord.dtype import DType, dtypes, to_dtype
from tensord.errors import ShapeError, ValueProblem
from tensord.symbolic import numel
from tensord.tensor.creation import CreationMixin, device_number, finish
from tensord.tensor.movement import flatten_args

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["GENERATOR", "Generator", "RandomMixin"]


class Generator:
    """The key and the counter of a process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.seed(int.from_bytes(os.urandom(8), "little"))

    def seed(self, seed: int) -> None:
        """Starts a new sequence."""
        mixed = seed & 0xFFFFFFFFFFFFFFFF
        self.words = np.array([mixed >> 32, mixed & 0xFFFFFFFF], np.uint32)
        self.count = 0
        self._key: Tensor | None = None
        self._counter: tuple[int, Tensor] | None = None

    def draw(self, count: int) -> tuple[Operand, Operand]:
        """The key and the counter for `count` elements."""
        with self._lock:
            key = self._key_tensor()
            if local.trace is not None:
                counter = self._state()
                at = counter + 0
                counter.assign(counter + count)
            else:
                at = scalar(self.count, dt.uint64)
            self.count += count
            return key, at

    def _key_tensor(self) -> Tensor:
        from tensord.tensor import Tensor

        if self._key is None or not self._key.usable():
            self._key = Tensor(self.words, requires_grad=False)
        return self._key

    def _state(self) -> Tensor:
        """The counter as a tensor, for a trace: one object for as long as its session lives."""
        from tensord.tensor import Tensor

        state = self._counter
        if state is None or not state[1].usable():
            self._counter = state = (self.count, Tensor(np.uint64(self.count)))
        return state[1]

    def before_call(self) -> None:
        """Makes the counter's tensor hold the count, ahead of a jitted call that draws."""
        from tensord.tensor import Tensor

        state = self._counter
        if state is not None and state[0] != self.count:
            state[1].replace(Tensor(np.uint64(self.count)))
            self._counter = (self.count, state[1])

    def after_call(self, drawn: int) -> None:
        """A jitted call drew so many elements and moved its counter on."""
        self.count += drawn
        if self._counter is not None:
            self._counter = (self.count, self._counter[1])

    def unlock(self) -> None:
        """In the child of a fork: who held the lock is not there."""
        self._lock = threading.Lock()


GENERATOR: Final = Generator()
os.register_at_fork(after_in_child=GENERATOR.unlock)


class RandomMixin(CreationMixin):
    """Random creation. Threefry-2x32 of (key, counter): the same bits on every device."""

    __slots__ = ()

    @staticmethod
    def manual_seed(seed: int = 0) -> None:
        """Starts the sequence that `seed` stands for."""
        GENERATOR.seed(seed)

    @staticmethod
    def uniform(
        *shape: Any,
        low: float = 0.0,
        high: float = 1.0,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Evenly spread from low up to high. Integer dtypes hold integers from low up to high."""
        dims, to = flatten_args(shape), _dtype(dtype)
        if to.is_int:
            return RandomMixin.randint(*dims, low=int(low), high=int(high), dtype=to, device=device)
        key, counter = GENERATOR.draw(_count(dims))
        made = ops.uniform(key, counter, dims=dims, low=float(low), high=float(high), dtype=to)
        return finish(_on(made, device), requires_grad)

    @staticmethod
    def rand(
        *shape: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
        contiguous: bool = True,
    ) -> Tensor:
        """Evenly spread from 0 up to 1."""
        return RandomMixin.uniform(*shape, dtype=dtype, device=device, requires_grad=requires_grad)

    @staticmethod
    def normal(
        *shape: Any,
        mean: float = 0.0,
        std: float = 1.0,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Normally distributed."""
        dims = flatten_args(shape)
        key, counter = GENERATOR.draw(_count(dims))
        made = ops.normal(
            key, counter, dims=dims, mean=float(mean), std=float(std), dtype=_dtype(dtype)
        )
        return finish(_on(made, device), requires_grad)

    @staticmethod
    def randn(
        *shape: Any,
        dtype: DType | str | None = None,
        device: str | None = None,
        requires_grad: bool | None = None,
    ) -> Tensor:
        """Normally distributed, of mean 0 and deviation 1."""
        return RandomMixin.normal(*shape, dtype=dtype, device=device, requires_grad=requires_grad)

    @staticmethod
    def randint(
        *shape: Any,
        low: int = 0,
        high: int = 10,
        dtype: DType | str = dt.int32,
        device: str | None = None,
    ) -> Tensor:
        """Integers from low up to high, high excluded."""
        to = to_dtype(dtype)
        if not to.is_int:
            raise ValueProblem(f"randint: dtype {to.short}; expected an integer")
        dims = flatten_args(shape)
        key, counter = GENERATOR.draw(_count(dims))
        return _on(ops.integers(key, counter, dims=dims, low=low, high=high, dtype=to), device)

    @staticmethod
    def randperm(n: int, dtype: DType | str = dt.int32, device: str | None = None) -> Tensor:
        """0 … n - 1 in random order."""
        key, counter = GENERATOR.draw(n)
        return _on(ops.permutation(key, counter, dims=(n,), dtype=to_dtype(dtype)), device)

    @staticmethod
    def random_bits(*shape: Any, dtype: DType | str = dt.uint32) -> Tensor:
        """Unsigned integers with every bit random."""
        dims = flatten_args(shape)
        key, counter = GENERATOR.draw(_count(dims))
        return ops.random_bits(key, counter, dims=dims, dtype=to_dtype(dtype))

    @staticmethod
    def scaled_uniform(*shape: Any, **kwargs: Any) -> Tensor:
        """Evenly spread from -1 to 1, divided by the root of the number of elements."""
        dims = flatten_args(shape)
        bound = _count(dims) ** -0.5
        return RandomMixin.uniform(*dims, low=-bound, high=bound, **kwargs)

    @staticmethod
    def glorot_uniform(*shape: Any, **kwargs: Any) -> Tensor:
        """Glorot and Bengio 2010: bound sqrt(6 / (fan in + fan out))."""
        dims = flatten_args(shape)
        bound = math.sqrt(6 / (dims[0] + _count(dims[1:])))
        return RandomMixin.uniform(*dims, low=-bound, high=bound, **kwargs)

    @staticmethod
    def kaiming_uniform(*shape: Any, a: float = 0.01, **kwargs: Any) -> Tensor:
        """He et al. 2015: bound sqrt(6 / ((1 + a²) * fan in))."""
        dims = flatten_args(shape)
        bound = math.sqrt(6 / ((1 + a * a) * _count(dims[1:])))
        return RandomMixin.uniform(*dims, low=-bound, high=bound, **kwargs)

    @staticmethod
    def kaiming_normal(*shape: Any, a: float = 0.01, **kwargs: Any) -> Tensor:
        """He et al. 2015: deviation sqrt(2 / ((1 + a²) * fan in))."""
        dims = flatten_args(shape)
        std = math.sqrt(2 / ((1 + a * a) * _count(dims[1:])))
        return RandomMixin.normal(*dims, mean=0.0, std=std, **kwargs)

    def dropout(self, p: float = 0.5) -> Tensor:
        """While training, zeroes elements with probability p and divides the others by 1 - p."""
        if not 0 <= p <= 1:
            raise ValueProblem(f"dropout: p is {p}; expected a probability")
        if not training() or p == 0:
            return cast("Tensor", self)
        key, counter = GENERATOR.draw(_count(self.shape))
        return ops.dropout(self, key, counter, p=float(p))

    def rand_like(self, dtype: DType | str | None = None, **kwargs: Any) -> Tensor:
        """`rand` of self's shape and dtype."""
        return RandomMixin.rand(*self.shape, dtype=self.dtype if dtype is None else dtype, **kwargs)

    def randn_like(self, dtype: DType | str | None = None, **kwargs: Any) -> Tensor:
        """`randn` of self's shape and dtype."""
        return RandomMixin.randn(
            *self.shape, dtype=self.dtype if dtype is None else dtype, **kwargs
        )


def _dtype(dtype: DType | str | None) -> DType:
    return dtypes.default_float if dtype is None else to_dtype(dtype)


def _count(dims: tuple[Any, ...]) -> int:
    if any(not isinstance(d, int) or d < 0 for d in dims):
        raise ShapeError(f"random shape {dims}: extents are integers of 0 or more")
    return cast("int", numel(dims))


def _on(made: Tensor, device: str | None) -> Tensor:
    return made if device is None or not device_number(device) else made.to(device)
