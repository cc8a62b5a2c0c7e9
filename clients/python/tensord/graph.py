"""Nodes under construction: values, the columns of a batch, and the recorders that fill them.

A node costs a few list appends here; the packed columns of tensord.v1.NodeBatch are made when the
batch leaves. Two recorders exist: a Session (session/connection.py), whose batches travel, and a
Trace (trace.py), whose batches become the body of a Program.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tensord._proto import graph_pb2, types_pb2
from tensord.dtype import DType, weakint
from tensord.errors import DTypeError, ValueProblem
from tensord.symbolic import Dim, Shape, Sym

if TYPE_CHECKING:
    from tensord.base import TensorBase

__all__ = ["Attrs", "Columns", "Recorder", "Value", "dims_message", "span_list", "type_message"]

#: (name, kind, value) of each attribute that is not at its default
Attrs = Sequence[tuple[str, str, Any]]
FULL: Final = 256  # nodes that make a batch travel
_MAX_CONSTANTS: Final = 4096


class Value:
    """One id of a recorder and its type. Frees the id when it is collected: an append, no lock."""

    __slots__ = ("device", "dropped", "dtype", "graph", "id", "shape", "shared", "stored")

    def __init__(self, graph: Recorder, id_: int, dtype: DType, shape: Shape, device: int) -> None:
        self.graph = graph
        self.id = id_
        self.dtype = dtype
        self.shape = shape
        self.device = device
        self.shared = False  # more than one tensor may hold it: not to be donated
        self.stored = False  # it was evaluated, put or answered by a Program
        self.dropped = graph.dropped

    def __del__(self) -> None:
        self.dropped(self.id)


class Columns:
    """One NodeBatch, column by column, in plain lists."""

    __slots__ = ("attrs", "device", "first_id", "inputs", "n_in", "n_out", "op", "source")

    def __init__(self, first_id: int) -> None:
        self.first_id = first_id
        self.op: list[int] = []
        self.n_in: list[int] = []
        self.inputs: list[int] = []
        self.n_out: list[int] | None = None
        self.source: list[int] = []
        self.device: list[int] | None = None
        self.attrs: list[tuple[int, int, str, Any]] = []

    def encode(self, batch: graph_pb2.NodeBatch) -> None:
        """Fills a NodeBatch; uniform columns travel in their short form."""
        batch.first_id = self.first_id
        batch.op.extend(self.op)
        batch.n_in.extend(_short(self.n_in))
        getattr(batch, "in").extend(self.inputs)
        if self.n_out is not None:
            batch.n_out.extend(self.n_out)
        batch.source.extend(_short(self.source))
        if self.device is not None:
            batch.device.extend(_short(self.device))
        add = batch.attrs.add
        for node, name, kind, value in self.attrs:
            attr = add(node=node, name=name)
            _ENCODE[kind](attr, value)


def _short(column: list[int]) -> list[int]:
    return column[:1] if column.count(column[0]) == len(column) else column


def dims_message(shape: Iterable[Dim]) -> types_pb2.Dims:
    """A shape on the wire: sizes when all are constant."""
    shape = tuple(shape)
    if all(type(d) is int for d in shape):
        return types_pb2.Dims(sizes=shape)  # type: ignore[arg-type]
    return types_pb2.Dims(
        dims=[
            types_pb2.Dim(expr=repr(d)) if isinstance(d, Sym) else types_pb2.Dim(size=int(d))
            for d in shape
        ]
    )


def type_message(dtype: DType, shape: Shape, device: int = 0) -> types_pb2.TensorType:
    """A tensor type on the wire."""
    message = types_pb2.TensorType(dtype=dtype.number, device=device)  # type: ignore[arg-type]
    if shape:
        message.dims.CopyFrom(dims_message(shape))
    return message


def _set_int(attr: graph_pb2.Attr, value: Any) -> None:
    attr.i = int(value)


def _set_float(attr: graph_pb2.Attr, value: Any) -> None:
    attr.f = float(value)


def _set_bool(attr: graph_pb2.Attr, value: Any) -> None:
    attr.b = bool(value)


def _set_string(attr: graph_pb2.Attr, value: Any) -> None:
    attr.s = value


def _set_ints(attr: graph_pb2.Attr, value: Any) -> None:
    attr.ints.v.extend(value)
    attr.ints.SetInParent()


def _set_dims(attr: graph_pb2.Attr, value: Any) -> None:
    attr.dims.CopyFrom(dims_message(value))
    attr.dims.SetInParent()


def _set_dtype(attr: graph_pb2.Attr, value: Any) -> None:
    attr.dtype = value.number


def _set_scalar(attr: graph_pb2.Attr, value: Any) -> None:
    """A number as the client's language has it: weak, adapting to what it meets."""
    if isinstance(value, bool):
        attr.b = value
    elif isinstance(value, int):
        attr.i = value
    else:
        attr.f = value


_ENCODE: Final[dict[str, Callable[[graph_pb2.Attr, Any], None]]] = {
    "int": _set_int,
    "float": _set_float,
    "bool": _set_bool,
    "string": _set_string,
    "ints": _set_ints,
    "dims": _set_dims,
    "dtype": _set_dtype,
    "scalar": _set_scalar,
}


def span_list(ids: Iterable[int]) -> list[types_pb2.IdSpan]:
    """Ids in their order as spans of consecutive ones."""
    spans: list[list[int]] = []
    for i in ids:
        if spans and spans[-1][0] + spans[-1][1] == i:
            spans[-1][1] += 1
        else:
            spans.append([i, 1])
    return [types_pb2.IdSpan(first=f, count=0 if n == 1 else n) for f, n in spans]


class Recorder(ABC):
    """Gives out ids and appends nodes. Thread-safe: everything below happens under `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.next_id = 1
        self.columns: Columns | None = None
        self.strings: dict[str, int] = {}
        self.new_strings: list[str] = []
        self._constants: dict[tuple[DType, int, str], Value] = {}
        self.dropped: Callable[[int], Any] = _ignore
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
        with self.lock:
            id_ = self._append(op, inputs, attrs, source, 1, device)
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
        with self.lock:
            id_ = self._append(op, inputs, attrs, source, len(types), device)
        return [
            Value(self, id_ + k, dtype, shape, device) for k, (dtype, shape) in enumerate(types)
        ]

    def _append(
        self, op: str, inputs: Sequence[Value], attrs: Attrs, source: int, results: int, device: int
    ) -> int:
        id_ = self.next_id
        columns = self.columns
        if columns is None:
            columns = self.columns = self._begin(id_)
        self.next_id = id_ + results
        number = self.strings.get(op)
        columns.op.append(self.intern(op) if number is None else number)
        columns.n_in.append(len(inputs))
        for value in inputs:
            columns.inputs.append(id_ - value.id)
        columns.source.append(source)
        if attrs:
            self._append_attrs(columns, attrs)
        if results != 1 or columns.n_out is not None:
            _extend(columns, "n_out", results, 1)
        if (device and not inputs) or op == "copy" or columns.device is not None:
            _extend(columns, "device", device if op == "copy" or not inputs else 0, 0)
        if len(columns.op) >= FULL:
            self._full()
        return id_

    def _append_attrs(self, columns: Columns, attrs: Attrs) -> None:
        node = len(columns.op) - 1
        for name, kind, value in attrs:
            if kind == "string":
                value = self.intern(value)
            columns.attrs.append((node, self.intern(name), kind, value))

    def intern(self, text: str) -> int:
        """The index of a string in the table, which grows by it if need be."""
        number = self.strings.get(text)
        if number is None:
            number = self.strings[text] = len(self.strings)
            self.new_strings.append(text)
        return number

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

    def _begin(self, first_id: int) -> Columns:
        return Columns(first_id)

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


def _extend(columns: Columns, name: str, value: int, filler: int) -> None:
    column = getattr(columns, name)
    if column is None:
        column = [filler] * (len(columns.op) - 1)
        setattr(columns, name, column)
    column.append(value)


def _ignore(_: int) -> None:
    return None


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
