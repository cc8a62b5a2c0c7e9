"""Nodes under construction: values, and the recorders that give them ids.

A node costs a tuple here; the packed columns of tensord.v1.NodeBatch are made when the batch leaves
(nodes.py). Two recorders exist: a Session (session/connection.py), whose batches travel, and a
Trace (trace.py), whose batches become the body of a Program.
"""

from __future__ import annotations

import itertools
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tensord._proto import graph_pb2, types_pb2
from tensord.dtype import DType, weakint
from tensord.errors import DTypeError, ValueProblem
from tensord.nodes import Attrs, Row
from tensord.symbolic import Shape

if TYPE_CHECKING:
    from tensord.base import TensorBase

__all__ = ["Recorder", "Value", "gradient_message", "ignore", "span_list"]

FULL: Final = 256  # nodes that make a batch travel
_MAX_CONSTANTS: Final = 4096


class Value:
    """One id of a recorder and its type. Frees the id when it is collected: an append, no lock."""

    __slots__ = ("device", "dtype", "graph", "id", "shape", "shared", "stored")

    def __init__(
        self,
        graph: Recorder,
        id_: int,
        dtype: DType,
        shape: Shape,
        device: int,
        stored: bool = False,
    ) -> None:
        self.graph = graph
        self.id = id_
        self.dtype = dtype
        self.shape = shape
        self.device = device
        self.shared = False  # more than one tensor may hold it: not to be donated
        self.stored = stored  # it was evaluated, put or answered by a Program

    def __del__(self) -> None:
        try:
            self.graph.dropped(self.id)
        except AttributeError:  # an interrupt came before it had an id
            return


def span_list(ids: Iterable[int]) -> list[types_pb2.IdSpan]:
    """Ids in their order as spans of consecutive ones."""
    ids = list(ids)
    ends = [k for k, (a, b) in enumerate(itertools.pairwise(ids), 1) if b != a + 1]
    return [
        types_pb2.IdSpan(first=ids[start], count=0 if end == start + 1 else end - start)
        for start, end in itertools.pairwise((0, *ends, len(ids)))
        if end > start
    ]


class Recorder(ABC):
    """Gives out ids and appends nodes. Thread-safe: everything below happens under `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.next_id = 1
        self.rows: list[Row] = []  # nodes that wait
        self.strings: dict[str, int] = {}  # the table, in its order
        self._constants: dict[tuple[DType, int, str], Value] = {}
        self.dropped: Callable[[int], Any] = ignore
        self.congested = False
        self.broken: Callable[[], Exception] | None = None  # why nothing can be added any more

    def add(
        self,
        op: str,
        inputs: Sequence[Value],
        attrs: Attrs,
        dtype: DType,
        shape: Shape,
        source: int,
        device: int = 0,
    ) -> Value:
        """A node with one result."""
        column = device if device and (not inputs or op == "copy") else 0
        ids = [v.id for v in inputs]
        with self.lock:
            self._before_item()
            id_ = self.next_id
            self.next_id = id_ + 1  # first: an interrupt may lose an id, never use it twice
            rows = self.rows
            if not rows:
                self._begin()
            rows.append((id_, op, ids, attrs, source, 1, column))
            if len(rows) >= FULL:
                self._full()
        if self.congested:
            self.relieve()
        return Value(self, id_, dtype, shape, device)

    def add_many(
        self,
        op: str,
        inputs: Sequence[Value],
        attrs: Attrs,
        types: Sequence[tuple[DType, Shape]],
        source: int,
        device: int = 0,
    ) -> list[Value]:
        """A node with several results, on consecutive ids."""
        column = device if not inputs else 0
        with self.lock:
            self._before_item()
            id_ = self.next_id
            self.next_id = id_ + len(types)
            if not self.rows:
                self._begin()
            self.rows.append((id_, op, [v.id for v in inputs], attrs, source, len(types), column))
            if len(self.rows) >= FULL:
                self._full()
        return [
            Value(self, id_ + k, dtype, shape, device) for k, (dtype, shape) in enumerate(types)
        ]

    def intern(self, text: str) -> int:
        """The index of a string in the table, which grows by it if need be."""
        return self.strings.setdefault(text, len(self.strings))

    def constant(
        self, value: float | int | bool, dtype: DType, source: int, device: int = 0
    ) -> Value:
        """A weak scalar constant; the same one is made once."""
        key = (dtype, device, repr(value))
        found = self._constants.get(key)
        if found is None:
            if len(self._constants) >= _MAX_CONSTANTS:
                self._constants = {}
            if dtype is weakint and not -(1 << 63) <= value < 1 << 63:
                raise DTypeError(f"{value} does not fit 64 bits")
            found = self.add("const", (), (("value", "scalar", value),), dtype, (), source, device)
            found.shared = True
            self._constants[key] = found
        return found

    def _before_item(self) -> None:  # noqa: B027
        """Something is about to be recorded."""

    def _begin(self) -> None:  # noqa: B027
        """A first node is about to wait."""

    def adopt(self, tensor: TensorBase) -> Value:
        """The value here of a tensor that belongs to another recorder."""
        raise ValueProblem(
            f"{tensor!r} belongs to another session; move it by host copy: Tensor(x.numpy())"
        )

    def relieve(self) -> None:
        """Waits until what was recorded has gone on its way."""
        self.congested = False

    def ask_type(self, value: Value) -> tuple[DType, Shape]:
        """The type of a value, from the daemon."""
        raise ValueProblem("the type of this operation's result is known to the daemon only")

    @abstractmethod
    def _full(self) -> None:
        """The batch has `FULL` nodes."""

    @abstractmethod
    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        """Defines the gradients of `targets`, weighted by `seeds`, with respect to each `wrt`."""


def ignore(_: int) -> None:
    """What becomes of ids that nobody frees."""


def gradient_message(
    targets: Sequence[Value],
    seeds: Sequence[Value | None],
    wrt: Sequence[Value],
    first_out: int,
    source: int,
) -> graph_pb2.Gradient:
    """tensord.v1.Gradient; seeds stay empty when every one is `ones`."""
    given = [s.id if s is not None else 0 for s in seeds] if any(seeds) else []
    return graph_pb2.Gradient(
        targets=[t.id for t in targets],
        wrt=[w.id for w in wrt],
        first_out=first_out,
        seeds=given,
        source=source,
    )
