"""`@jit`: a function of tensors traced once to a Program, then run by one small message a call.

    @jit
    def step(x, y):
        opt.zero_grad()
        loss = model(x).cross_entropy(y).backward()
        opt.step()
        return loss

The first call runs the function with stand-ins and records it. What it reads from outside
(weights, optimizer state, the random counter) becomes inputs, what it assigns becomes outputs that
replace the old values, whose memory is donated. Later calls only bind ids. The outputs of a call
are consecutive ids and the next call's inputs are spans of them, so a call is about 50 bytes,
however many parameters there are.

A new trace is made for new shapes, dtypes, Python arguments, or setting of TRAINING. Python code
runs at tracing time only: prints and side effects other than `assign` do not repeat, and values
can't be read inside (JitError).
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Generic, ParamSpec, TypeVar, cast

import numpy as np

from tensord.base import TensorBase, local, wrap
from tensord.context import training
from tensord.dtype import DType
from tensord.errors import JitError
from tensord.graph import Value
from tensord.session import default
from tensord.session.connection import Connection
from tensord.source import here
from tensord.symbolic import Shape, Sym, Variable, evaluate
from tensord.tensor import Tensor
from tensord.tensor.random import GENERATOR
from tensord.trace import Trace

__all__ = ["Program", "TinyJit", "flatten", "jit"]

P = ParamSpec("P")
R = TypeVar("R")

_MAX_SPANS: Final = 8  # of one Execute: beyond, scattered captures are given neighbouring ids


class _Slot:
    """The place of a tensor in a structure of arguments or results."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def flatten(tree: Any, tensors: list[Any], statics: list[Any], kinds: tuple[type, ...]) -> Any:
    """The structure with its leaves of `kinds` replaced by slots; other leaves go to `statics`."""
    if isinstance(tree, kinds):
        statics.append(_Slot)
        tensors.append(tree)
        return _Slot(len(tensors) - 1)
    if isinstance(tree, dict):
        statics.append(tuple(tree))
        return {k: flatten(v, tensors, statics, kinds) for k, v in tree.items()}
    if isinstance(tree, list | tuple):
        statics.append((type(tree), len(tree)))
        parts = [flatten(v, tensors, statics, kinds) for v in tree]
        if isinstance(tree, list):
            return parts
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    statics.append(_static_key(tree))
    return tree


def _static_key(leaf: Any) -> Any:
    if isinstance(leaf, bool | int | float | complex | str | bytes | type(None)):
        return type(leaf), repr(leaf)
    return type(leaf), id(leaf)


def fill(tree: Any, leaves: Sequence[Any]) -> Any:
    """The inverse of `flatten`."""
    if isinstance(tree, _Slot):
        return leaves[tree.index]
    if isinstance(tree, dict):
        return {k: fill(v, leaves) for k, v in tree.items()}
    if isinstance(tree, list):
        return [fill(v, leaves) for v in tree]
    if isinstance(tree, tuple):
        parts = [fill(v, leaves) for v in tree]
        return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)
    return tree


class Program:
    """A traced function: its body at the daemon, and what to bind at each call."""

    digest = b""  # of its body, once the daemon knows it

    def __init__(self, trace: Trace, arguments: int) -> None:
        self.session: Connection = trace.session
        self.drawn = 0
        self.variables = list(trace.variables)
        captured = sorted(trace.captures.values(), key=lambda c: trace.before(c[0]).id)
        self.reads = [t for t, _ in captured if id(t) not in trace.assigned]
        self.state = [t for t, _ in captured if id(t) in trace.assigned]
        self.arguments = arguments
        self.captures = [*self.reads, *self.state]
        before = [trace.before(t) for t in self.captures]
        self.capture_types = [(v.dtype, v.shape) for v in before]
        self.last_bytes = 0  # size of the last Execute
        self.slot = 0
        self.returned = 0  # how many outputs the caller gets; state follows
        self.outputs: list[tuple[DType, Shape]] = []
        self.updates: list[int | TensorBase] = []  # positions of arguments, and tensors outside
        self.donated: list[int] = []  # positions of inputs
        # The ids of the captures after the latest call: found so again, nothing is to be checked.
        self._left: list[int] | None = None
        self._keeps_types: bool | None = None  # of its captures; known after a call

    def __del__(self) -> None:
        if self.digest:
            self.session.drop_program(self.digest)

    def matches(self) -> bool:
        """Whether what was captured still has the types it was traced with."""
        if not self.session.alive:
            return False
        held = [t._v for t in self.captures]
        return self._are_as_left(held) or self._have_types(held)

    def _are_as_left(self, held: Sequence[Value]) -> bool:
        session = self.session
        return [v.id for v in held] == self._left and all(v.graph is session for v in held)

    def _have_types(self, held: Sequence[Value]) -> bool:
        return all(
            (v.dtype, v.shape) == kind for v, kind in zip(held, self.capture_types, strict=True)
        )

    def run(self, arguments: Sequence[Tensor], variables: dict[str, int]) -> list[Value]:
        """One call: executes, moves the state on, answers the returned values."""
        if self.drawn:
            GENERATOR.before_call()
        session = self.session
        source = here()
        with session.exclusive:
            values = self._inputs(arguments, source)
            outputs = (
                self.outputs
                if not self.variables
                else [
                    (d, tuple(evaluate(x, variables) for x in shape)) for d, shape in self.outputs
                ]
            )
            made, self.last_bytes = session.execute(
                self.slot, values, self.donated, outputs, [variables[n] for n in self.variables]
            )
            for tensor, value in zip(self._targets(arguments), made[self.returned :], strict=True):
                tensor._v = value
            self._note()
        if session.congested:
            session.relieve()
        if self.drawn:
            GENERATOR.after_call(self.drawn)
        return made[: self.returned]

    def _inputs(self, arguments: Sequence[Tensor], source: int) -> list[Value]:
        """Stored values of this session, with ids that an Execute names in few spans."""
        session = self.session
        held = [t._v for t in self.captures]
        alone = not arguments and not any(held[k].shared for k in self.donated)
        if alone and self._are_as_left(held):
            return held
        values = [_bound(t, session) for t in (*arguments, *self.captures)]
        self._rename(values, source)
        waiting = [v for v in values if not v.stored]
        if waiting:
            session.evaluate(waiting)
        return values

    def _note(self) -> None:
        """What the captures hold now."""
        held = [t._v for t in self.captures]
        if self._keeps_types is None:
            self._keeps_types = not self.variables and self._have_types(held)
        self._left = [v.id for v in held] if self._keeps_types else None

    def _targets(self, arguments: Sequence[Tensor]) -> list[TensorBase]:
        return [arguments[k] if isinstance(k, int) else k for k in self.updates]

    def _rename(self, values: list[Value], source: int) -> None:
        """New ids for donated values that something else may hold, and neighbouring ones for
        captures that are scattered over too many spans: of the state first, which is side by side
        from the second call on (the outputs of the first), then of what is only read."""
        first, last = self.arguments, self.arguments + len(self.reads)
        ids = [v.id for v in values]
        chosen = [k for k in self.donated if values[k].shared]
        if len(set(ids)) != len(ids):
            chosen += [k for k in self.donated if ids.count(ids[k]) > 1 and not values[k].shared]
        if _spans(ids) > _MAX_SPANS and _spans(ids[last:]) > 1:
            chosen += [k for k in range(last, len(ids)) if k not in chosen]
        if 1 + _spans(ids[:last]) > _MAX_SPANS and _spans(ids[first:last]) > 1:
            chosen += range(first, last)
        for k in sorted(chosen):
            old = values[k]
            values[k] = self.session.add(
                "contiguous", (old,), (), old.dtype, old.shape, source, old.device
            )
            if k >= first:
                self.captures[k - first]._v = values[k]


def _spans(ids: Sequence[int]) -> int:
    """How many runs of consecutive ids there are."""
    return 1 + sum(b != a + 1 for a, b in itertools.pairwise(ids)) if ids else 0


def _bound(t: TensorBase, session: Connection) -> Value:
    return t._v if t._v.graph is session else session.adopt(t)


class _Tracer:
    """One recording: runs the function with stand-ins, makes the Program."""

    def __init__(self, session: Connection, name: str) -> None:
        self.trace = Trace(session, name)
        self.returns: Any = None
        self.outer: list[int | _Slot | TensorBase] = []

    def record(self, function: Callable[..., Any], tree: Any, leaves: Sequence[Any]) -> Program:
        """`tree` is (args, kwargs) with slots for `leaves`: tensors and variables."""
        trace = self.trace
        stand_ins = [self._stand_in(leaf) for leaf in leaves]
        arguments = len(trace.inputs)
        count = GENERATOR.count
        local.trace = trace
        try:
            args, kwargs = fill(tree, stand_ins)
            result = function(*args, **kwargs)
            program = self._finish(
                result, [p for p in stand_ins if isinstance(p, Tensor)], arguments
            )
        finally:
            local.trace = None
            program_drawn, GENERATOR.count = GENERATOR.count - count, count
            trace.restore()
        program.drawn = program_drawn
        return program

    def _stand_in(self, leaf: Any) -> Any:
        if isinstance(leaf, Variable):
            self.trace.variables[leaf.name] = leaf
            return Variable(leaf.name, leaf.lo, leaf.hi)
        v = leaf._v
        t = wrap(self.trace.input(v.dtype, v.shape, v.device))
        t._bit, t._deps = -1, 0
        return t

    def _finish(self, result: Any, stand_ins: list[Tensor], arguments: int) -> Program:
        trace = self.trace
        found: list[Any] = []
        self.returns = flatten(result, found, [], (TensorBase,))
        positions = {id(p): k for k, p in enumerate(stand_ins)}
        returned = self._outputs(found, positions)
        program = Program(trace, arguments)
        assigned = sorted(
            trace.assigned.values(), key=lambda a: (id(a[0]) not in positions, a[1].id)
        )
        outputs = returned + self._separate([t._v for t, _ in assigned], returned)
        program.updates = [positions.get(id(t), t) for t, _ in assigned]
        program.returned = len(returned)
        program.outputs = [(v.dtype, v.shape) for v in outputs]
        captures = trace.captures
        trace.order_inputs([captures[id(t)][1] for t in (*program.reads, *program.state)])
        donated = {id(t) for t, _ in assigned}
        program.donated = [
            k
            for k, t in enumerate([*stand_ins, *program.reads, *program.state])
            if id(t) in donated
        ]
        body = trace.body(outputs, program.donated)
        digest = hashlib.sha256(body).digest()
        program.slot = trace.session.program(body, digest)
        program.digest = digest
        return program

    def _outputs(self, found: Sequence[TensorBase], positions: dict[int, int]) -> list[Value]:
        """Values of the returned tensors that the Program computes. `outer` says for each what
        the caller gets: one of them, an argument that was assigned, or a tensor from outside."""
        values: list[Value] = []
        for t in found:
            if id(t) in positions and id(t) in self.trace.assigned:
                self.outer.append(_Slot(positions[id(t)]))
            elif t._v.graph is not self.trace or id(t) in self.trace.assigned:
                self.outer.append(t)
            else:
                self.outer.append(len(values))
                values.append(t._v)
        return values

    def _separate(self, state: list[Value], returned: list[Value]) -> list[Value]:
        """State gets values of its own where one is returned too or assigned twice."""
        seen = {v.id for v in returned} | {v.id for v in self.trace.inputs}
        out = []
        for v in state:
            if v.id in seen:
                v = self.trace.add("contiguous", (v,), (), v.dtype, v.shape, 0, v.device)
            seen.add(v.id)
            out.append(v)
        return out


_recording = threading.RLock()


def _unlock() -> None:
    """In the child of a fork: who held the lock is not there."""
    global _recording
    _recording = threading.RLock()


os.register_at_fork(after_in_child=_unlock)


class jit(Generic[P, R]):
    """Decorator: see the module. `cache` holds a Program per signature."""

    def __init__(self, function: Callable[P, R]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.cache: dict[Any, tuple[Program, _Tracer, Any]] = {}
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A method is traced per object, and forgotten with it."""
        if instance is None:
            return self
        bound: jit[Any, Any] = jit(functools.partial(self.function, instance))
        functools.update_wrapper(bound, self.function)
        if self._name and hasattr(instance, "__dict__"):
            instance.__dict__[self._name] = bound
        return bound

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        if local.trace is not None:
            return self.function(*args, **kwargs)
        leaves: list[Any] = []
        statics: list[Any] = []
        tree = flatten((args, kwargs), leaves, statics, (TensorBase, np.ndarray, Variable))
        leaves = [
            Tensor(x, requires_grad=False) if isinstance(x, np.ndarray) else x for x in leaves
        ]
        tensors = [x for x in leaves if isinstance(x, TensorBase)]
        session = cast("Connection", tensors[0]._v.graph) if tensors else default.connection()
        if not isinstance(session, Connection):
            raise JitError(f"{self.__name__}: an argument is no tensor of a living session")
        key = (id(session), training(), tuple(statics), tuple(_leaf_key(x) for x in leaves))
        program, tracer = self._program(key, session, tree, leaves)
        values = {x.name: x.val for x in leaves if isinstance(x, Variable)}
        made = program.run(cast("list[Tensor]", tensors), values)
        results = [
            wrap(made[x]) if isinstance(x, int) else tensors[x.index] if isinstance(x, _Slot) else x
            for x in tracer.outer
        ]
        return cast("R", fill(tracer.returns, results))

    def _program(
        self, key: Any, session: Connection, tree: Any, leaves: Sequence[Any]
    ) -> tuple[Program, _Tracer]:
        with _recording:
            found = self.cache.get(key)
            if found is None or not found[0].matches():
                tracer = _Tracer(session, getattr(self, "__qualname__", "function"))
                program = tracer.record(self.function, tree, leaves)
                # `tree` keeps the objects alive whose identity is part of the key.
                found = self.cache[key] = (program, tracer, tree)
            return found[0], found[1]

    def reset(self) -> None:
        """Forgets every trace; so does the daemon."""
        self.cache.clear()


def _leaf_key(leaf: Any) -> Any:
    if isinstance(leaf, Sym):
        variable = cast("Variable", leaf)
        return variable.name, variable.lo, variable.hi
    v = leaf._v
    return v.dtype, v.shape, v.device


TinyJit = jit
