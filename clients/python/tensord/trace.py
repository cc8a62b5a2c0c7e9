"""Recording a function as the body of a Program.

While a trace is active in a thread, nodes go here instead of to the session. A tensor from outside
that is read becomes an input (a capture), one that is assigned becomes an output whose value
replaces the old one after each call.

Inputs are numbered from 1 and nodes from 2^40 on while recording, because an input may turn up at
any time but the ids of a batch are consecutive; `body` moves the nodes down behind the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from tensord._proto import graph_pb2
from tensord.base import TensorBase
from tensord.dtype import DType
from tensord.errors import JitError
from tensord.graph import Recorder, Value, gradient_message
from tensord.nodes import Row, encode, runs, type_message
from tensord.symbolic import Shape, Variable

if TYPE_CHECKING:
    from tensord.session.connection import Connection
    from tensord.tensor import Tensor

__all__ = ["Trace"]

_NODES: Final = 1 << 40  # ids from here on are nodes', while recording


class Trace(Recorder):
    """One function being recorded against a session."""

    is_trace = True

    def __init__(self, session: Connection, name: str) -> None:
        super().__init__()
        self.session = session
        self.name = name
        self.next_id = _NODES
        self.inputs: list[Value] = []
        self.captures: dict[int, tuple[TensorBase, Value]] = {}
        self.assigned: dict[int, tuple[TensorBase, Value]] = {}
        self.variables: dict[str, Variable] = {}
        self._grads: list[tuple[TensorBase, Tensor | None]] = []
        self._items: list[list[Row] | graph_pb2.Gradient] = []

    # ------------------------------------------------------------------ recording

    def input(self, dtype: DType, shape: Shape, device: int) -> Value:
        """A new input."""
        value = Value(self, len(self.inputs) + 1, dtype, shape, device)
        self.inputs.append(value)
        return value

    def adopt(self, tensor: TensorBase) -> Value:
        found = self.captures.get(id(tensor))
        if found is not None:
            return found[1]
        v = tensor._v
        if v.graph is not self.session:
            v = self.session.adopt(tensor)  # raises what fits
        value = self.input(v.dtype, v.shape, v.device)
        self.captures[id(tensor)] = (tensor, value)
        return value

    def assign(self, tensor: TensorBase, value: Value) -> None:
        """`tensor` becomes `value`; undone at the end of the recording, redone by each call."""
        if tensor._v.graph is not self:
            self.assigned[id(tensor)] = (tensor, tensor._v)
        elif id(tensor) not in self.assigned and tensor._v in self.inputs:
            self.assigned[id(tensor)] = (tensor, tensor._v)  # an argument
        tensor._v = value

    def before(self, tensor: TensorBase) -> Value:
        """What a tensor from outside holds when the function is not being recorded."""
        found = self.assigned.get(id(tensor))
        return tensor._v if found is None else found[1]

    def note_grad(self, tensor: TensorBase) -> None:
        """A gradient is about to be kept on a tensor, which may be from outside."""
        self._grads.append((tensor, tensor.grad))

    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        with self.lock:
            self._close()
            first = self.next_id
            self.next_id += len(wrt)
            self._items.append(gradient_message(targets, seeds, wrt, first, source))
        return [Value(self, first + k, w.dtype, w.shape, w.device) for k, w in enumerate(wrt)]

    def _full(self) -> None:
        return None

    def _close(self) -> None:
        if self.rows:
            self._items.append(self.rows)
            self.rows = []

    # ------------------------------------------------------------------ the end

    def restore(self) -> None:
        """Gives every tensor from outside what it had, and refuses further nodes."""
        for tensor, value in self.assigned.values():
            tensor._v = value
        for tensor, grad in reversed(self._grads):
            tensor.grad = grad
        self.broken = self.leaked

    def leaked(self) -> JitError:
        return JitError(
            f"a tensor made inside the jitted function {self.name} is used outside of "
            "it; return it instead"
        )

    def order_inputs(self, captured: Sequence[Value]) -> None:
        """Puts the captures, which follow the arguments, in the order of binding."""
        first = len(self.inputs) - len(captured)
        self.inputs[first:] = captured

    def body(self, outputs: Iterable[Value], donate: Sequence[int]) -> bytes:
        """The serialised ProgramBody. `donate`: positions of inputs whose memory may be reused."""
        self._close()
        shift = _NODES - len(self.inputs) - 1
        body = graph_pb2.ProgramBody(donate=donate, label=self.name[:128])
        for v in self.variables.values():
            body.vars.add(name=v.name, min=v.lo, max=v.hi)
        for value in self.inputs:
            getattr(body, "in").add(
                id=value.id, type=type_message(value.dtype, value.shape, value.device)
            )
        for value in outputs:
            body.out.add(id=_moved(value.id, shift))
        for item in self._items:
            if isinstance(item, graph_pb2.Gradient):
                body.items.add(gradient=_moved_gradient(item, shift))
            else:
                for run in runs([_moved_row(row, shift) for row in item]):
                    encode(run, self.intern, body.items.add().nodes)
        body.strings.extend(self.strings)
        return body.SerializeToString(deterministic=True)


def _moved(id_: int, shift: int) -> int:
    return id_ - shift if id_ >= _NODES else id_


def _moved_row(row: Row, shift: int) -> Row:
    return (_moved(row[0], shift), row[1], [_moved(i, shift) for i in row[2]], *row[3:])


def _moved_gradient(message: graph_pb2.Gradient, shift: int) -> graph_pb2.Gradient:
    return graph_pb2.Gradient(
        targets=[_moved(i, shift) for i in message.targets],
        wrt=[_moved(i, shift) for i in message.wrt],
        first_out=_moved(message.first_out, shift),
        seeds=[_moved(i, shift) for i in message.seeds],
        source=message.source,
    )
