"""Nodes as they wait, and the packed columns of tensord.v1.NodeBatch that they leave in.

A node is one tuple in a list while it waits: a single append, so that neither an interrupt nor
another thread ever sees half of it. The columns are made for a whole batch at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from tensord._proto import graph_pb2, types_pb2
from tensord.dtype import DType
from tensord.symbolic import Dim, Shape, Sym

__all__ = ["Attrs", "Row", "dims_message", "encode", "runs", "type_message"]

#: (name, kind, value) of each attribute that is not at its default
Attrs: TypeAlias = Sequence[tuple[str, str, Any]]
#: its first id, op, inputs' ids, attributes, place in the user's program, results, device
Row: TypeAlias = "tuple[int, str, Sequence[int], Attrs, int, int, int]"


def runs(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Parts whose ids are consecutive: one, but where an interrupt took an id for no node."""
    last = rows[-1]
    if last[0] - rows[0][0] == len(rows) - 1:
        yield rows
        return
    begin = 0
    for k in range(1, len(rows)):
        if rows[k][0] != rows[k - 1][0] + rows[k - 1][5]:
            yield rows[begin:k]
            begin = k
    yield rows[begin:]


def encode(rows: Sequence[Row], intern: Callable[[str], int], batch: graph_pb2.NodeBatch) -> None:
    """Fills a NodeBatch with one run; uniform columns travel in their short form. Strings are
    numbered node by node: its op, then its attributes, each name before its text."""
    ids, ops, inputs, attrs, sources, results, devices = zip(*rows, strict=True)
    batch.first_id = ids[0]
    batch.n_in.extend(_short(list(map(len, inputs))))
    getattr(batch, "in").extend(
        [id_ - i for id_, row in zip(ids, inputs, strict=True) for i in row]
    )
    if any(sources):
        batch.source.extend(_short(sources))
    if results.count(1) != len(results):
        batch.n_out.extend(results)
    if any(devices):
        batch.device.extend(_short(devices))
    add = batch.attrs.add
    numbers: dict[str, int] = {}
    for k, given in enumerate(attrs):
        if ops[k] not in numbers:
            numbers[ops[k]] = intern(ops[k])
        for name, kind, value in given:
            attr = add(node=k, name=intern(name))
            if kind == "string":
                attr.s = intern(value)
            else:
                _ENCODE[kind](attr, value)
    batch.op.extend(map(numbers.__getitem__, ops))


def _short(column: Sequence[int]) -> Sequence[int]:
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


def _set_ints(attr: graph_pb2.Attr, value: Any) -> None:
    ints = attr.ints
    ints.SetInParent()
    ints.v.extend(value)


def _set_dims(attr: graph_pb2.Attr, value: Any) -> None:
    dims = attr.dims
    dims.SetInParent()
    if all([type(d) is int for d in value]):  # noqa: C419 — a list is faster for a few
        dims.sizes.extend(value)
    else:
        dims.CopyFrom(dims_message(value))


def _set_dtype(attr: graph_pb2.Attr, value: Any) -> None:
    attr.dtype = value.number


def _set_scalar(attr: graph_pb2.Attr, value: Any) -> None:
    """A number as the client's language has it: weak, adapting to what it meets; or, as bytes, one
    that only the dtype beside it can hold."""
    if isinstance(value, bool):
        attr.b = value
    elif isinstance(value, int):
        attr.i = value
    elif isinstance(value, bytes):
        attr.scalar = value
    else:
        attr.f = value


_ENCODE: Final[dict[str, Callable[[graph_pb2.Attr, Any], None]]] = {
    "int": _set_int,
    "float": _set_float,
    "bool": _set_bool,
    "ints": _set_ints,
    "dims": _set_dims,
    "dtype": _set_dtype,
    "scalar": _set_scalar,
}
