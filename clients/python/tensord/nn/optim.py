"""Optimizers with tinygrad's interface: a list of parameters, `zero_grad`, `step`.

A step of one parameter is one op of the daemon (engine/ops/optim.cc), which answers the new
parameter and the new state; all of a model's steps are evaluated together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.errors import ValueProblem
from tensord.tensor import Tensor

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "OptimizerGroup"]


class Optimizer:
    """Keeps the parameters (each once) and the learning rate `lr`, a tensor that may be assigned.

    Raises ValueError without parameters. `step` needs every parameter's `.grad`.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params = list({id(p): p for p in params}.values())
        if not self.params:
            raise ValueProblem("an optimizer needs parameters")
        for p in self.params:
            p.requires_grad_()
        self.lr = Tensor(float(lr), requires_grad=False)

    def zero_grad(self) -> None:
        """Forgets the gradients."""
        for p in self.params:
            p.grad = None

    def step(self) -> None:
        """Moves every parameter by its gradient, and starts computing it."""
        state = self.schedule_step()
        state[0].realize(*state[1:])

    def schedule_step(self) -> list[Tensor]:
        """The same without starting: the tensors that were assigned."""
        missing = [i for i, p in enumerate(self.params) if p.grad is None]
        if missing:
            raise ValueProblem(
                f"step: {len(missing)} of {len(self.params)} parameters have no "
                f"gradient (the first is number {missing[0]}, of shape "
                f"{self.params[missing[0]].shape}); call backward() first"
            )
        changed = self._before()
        for i, p in enumerate(self.params):
            assert p.grad is not None
            changed += self._move(i, p, p.grad)
        return changed

    def _before(self) -> list[Tensor]:
        """What changes once a step."""
        return []

    def _move(self, i: int, p: Tensor, grad: Tensor) -> list[Tensor]:
        raise NotImplementedError

    def _zeros(self) -> list[Tensor]:
        """State of the parameters' shapes, in at least f32."""
        return [
            Tensor.zeros(
                *p.shape,
                dtype=dt.float64 if p.dtype is dt.float64 else dt.float32,
                requires_grad=False,
            ).contiguous()
            for p in self.params
        ]


def _assign(targets: Sequence[Tensor], values: Sequence[Tensor]) -> list[Tensor]:
    for target, value in zip(targets, values, strict=True):
        target.assign(value)
    return list(targets)


class SGD(Optimizer):
    """Gradient descent, with momentum and Nesterov's look ahead; as torch.optim.SGD."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        classic: bool = False,
    ) -> None:
        super().__init__(params, lr)
        if nesterov and not momentum:
            raise ValueProblem("nesterov needs a momentum")
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov
        self.b = self._zeros() if momentum else []

    def _move(self, i: int, p: Tensor, grad: Tensor) -> list[Tensor]:
        if not self.momentum:
            moved = ops.sgd(p, grad, self.lr, weight_decay=self.weight_decay)
            return _assign([p], [moved])
        results = ops.sgd_momentum(
            p,
            grad,
            self.b[i],
            self.lr,
            momentum=self.momentum,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
        )
        return _assign([p, self.b[i]], results)


class Adam(Optimizer):
    """Kingma and Ba 2015; as torch.optim.Adam. `weight_decay` adds to the gradient."""

    decoupled = False

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.b1, self.b2, self.eps, self.wd = b1, b2, eps, weight_decay
        self.m, self.v = self._zeros(), self._zeros()
        self.t = Tensor(0, dtype=dt.int32, requires_grad=False)

    def _before(self) -> list[Tensor]:
        self.t.assign(self.t + 1)
        return [self.t]

    def _move(self, i: int, p: Tensor, grad: Tensor) -> list[Tensor]:
        step = ops.adamw if self.decoupled else ops.adam
        results = step(
            p,
            grad,
            self.m[i],
            self.v[i],
            self.lr,
            self.t,
            beta1=self.b1,
            beta2=self.b2,
            eps=self.eps,
            weight_decay=self.wd,
        )
        return _assign([p, self.m[i], self.v[i]], results)


class AdamW(Adam):
    """Loshchilov and Hutter 2019; as torch.optim.AdamW: the decay shrinks the parameter itself."""

    decoupled = True

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 0.001,
        b1: float = 0.9,
        b2: float = 0.999,
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, b1, b2, eps, weight_decay)


class OptimizerGroup:
    """Several optimizers as one."""

    def __init__(self, *optimizers: Optimizer) -> None:
        self.optimizers = optimizers
        self.params = [p for o in optimizers for p in o.params]

    def zero_grad(self) -> None:
        for o in self.optimizers:
            o.zero_grad()

    def step(self) -> None:
        changed = [t for o in self.optimizers for t in o.schedule_step()]
        changed[0].realize(*changed[1:])
