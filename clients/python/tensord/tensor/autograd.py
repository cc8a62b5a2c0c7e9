"""Gradients: the daemon differentiates its graph; here is only what to ask it for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from tensord import _ops as ops
from tensord.base import (
    TensorBase,
    local,
    mark_parameter,
    parameters_in,
    recorder,
    value_of,
    wrap,
)
from tensord.errors import DTypeError, ShapeError, ValueProblem
from tensord.source import here
from tensord.tensor.random import RandomMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["AutogradMixin"]


class AutogradMixin(RandomMixin):
    """Reverse-mode gradients."""

    __slots__ = ()

    @property
    def requires_grad(self) -> bool:
        """Whether `backward` fills this tensor's `.grad`."""
        return self._bit >= 0

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, value: bool = True) -> Tensor:
        """Says whether `backward` fills `.grad`; only floats have gradients."""
        if value and not self._v.dtype.is_float:
            raise DTypeError(f"a {self._v.dtype.short} tensor has no gradient; cast it to a float")
        if value:
            mark_parameter(self)
        else:
            self._bit, self._deps = -1, 0
        return cast("Tensor", self)

    @property
    def is_param(self) -> bool:
        return self._bit >= 0

    def is_param_(self, value: bool = True) -> Tensor:
        """tinygrad's name of `requires_grad_`."""
        return self.requires_grad_(value)

    def detach(self) -> Tensor:
        """The same values, through which no gradient flows."""
        out = ops.detach(self)
        out._deps = 0
        return out

    def gradient(self, *targets: Tensor, gradient: Tensor | None = None) -> list[Tensor]:
        """d(sum of self * gradient)/d(target) for each target; zero for one not depended on.

        Without `gradient`, self must be a scalar. Lazy, as everything: nothing is computed before
        it is read.
        """
        wrt = cast("Sequence[TensorBase]", targets)
        _check(self, gradient, wrt)
        graph, source = recorder((self,)), here()
        loss = value_of(self, graph, source)
        seed = None if gradient is None else value_of(gradient, graph, source)
        values = [value_of(t, graph, source) for t in wrt]
        return [wrap(v) for v in graph.gradient([loss], [seed], values, source)]

    def backward(self, gradient: Tensor | None = None) -> Tensor:
        """Adds to `.grad` of every parameter that self was computed from; returns self."""
        params = parameters_in(self._deps)
        if params:
            found = self.gradient(*cast("Any", params), gradient=gradient)
            for t, g in zip(params, found, strict=True):
                note_grad(t)
                t.grad = g if t.grad is None else t.grad + g
        else:
            _check(self, gradient, ())
        return cast("Tensor", self)


def note_grad(t: TensorBase) -> None:
    """Tells the trace, if any, that a gradient is kept on a tensor from outside."""
    if local.trace is not None:
        local.trace.note_grad(t)  # type: ignore[attr-defined]


def _check(loss: TensorBase, gradient: TensorBase | None, wrt: Sequence[TensorBase]) -> None:
    if not loss.dtype.is_float:
        raise DTypeError(f"gradient of a {loss.dtype.short} tensor; it must be a float")
    if gradient is None and loss.shape != ():
        raise ShapeError(
            f"gradient of a tensor of shape {loss.shape}: reduce it to a scalar, or give gradient="
        )
    if gradient is not None and gradient.shape != loss.shape:
        raise ShapeError(f"gradient= has shape {gradient.shape}, the tensor {loss.shape}")
    for t in wrt:
        if not isinstance(t, TensorBase):
            raise ValueProblem(f"gradient by a {type(t).__name__}; expected tensors")
        if not t.dtype.is_float:
            raise DTypeError(f"gradient by a {t.dtype.short} tensor; it must be a float")
