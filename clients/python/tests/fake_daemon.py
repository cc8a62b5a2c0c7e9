"""A daemon in this process, for tests without one: the protocol's semantics, slowly, in numpy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import fake_ops
import numpy as np

from tensord import dtype as dt
from tensord._proto import compute_pb2, graph_pb2, session_pb2, types_pb2
from tensord.errors import ShapeError, TensordError
from tensord.nodes import type_message
from tensord.session.shared import SharedLane

Node = tuple[str, list[int], dict[str, Any], int]  # op, inputs, attributes, which result


class Poison(Exception):
    """A value that can't be had."""


class Graph:
    """Values by id: arrays, or nodes that are computed when asked for."""

    def __init__(self) -> None:
        self.values: dict[int, Any] = {}  # arrays, definitions; None: donated
        self.stored: dict[int, Any] = {}  # of definitions that were evaluated
        self.weak: dict[int, dt.DType] = {}

    def apply(
        self, batch: graph_pb2.NodeBatch, strings: Sequence[str], variables: dict[str, int]
    ) -> None:
        id_ = batch.first_id
        n_in = list(batch.n_in) * (len(batch.op) if len(batch.n_in) == 1 else 1)
        n_out = list(batch.n_out) or [1] * len(batch.op)
        inputs = iter(getattr(batch, "in"))
        attrs: dict[int, dict[str, Any]] = {}
        for a in batch.attrs:
            attrs.setdefault(a.node, {})[strings[a.name]] = attr_value(a, strings, variables)
        for k, op in enumerate(batch.op):
            ins = [id_ - next(inputs) for _ in range(n_in[k])]
            for r in range(n_out[k]):
                self.values[id_ + r] = (strings[op], ins, attrs.get(k, {}), r)
            id_ += n_out[k]

    def read(self, id_: int, memo: dict[int, Any], anew: bool = False) -> Any:
        """The array of an id. `anew`: follows definitions of what was evaluated, too."""
        if id_ in memo:
            return memo[id_]
        if id_ in self.stored and not anew:
            return self.stored[id_]
        value = self.values.get(id_)
        if value is None:
            raise Poison(f"id {id_} is not defined")
        if isinstance(value, tuple):
            op, ins, attrs, r = value
            if op == "gradient":
                value = self._numeric(*ins)
            else:
                arrays = [self.read(i, memo, anew) for i in ins]
                kinds = [self.kind(i, a) for i, a in zip(ins, arrays, strict=True)]
                value = fake_ops.evaluate(op, arrays, kinds, attrs)[r]
                if op == "const":
                    self.weak[id_] = dt.of_python(attrs["value"])
        memo[id_] = value
        return value

    def kind(self, id_: int, array: Any) -> dt.DType:
        return self.weak.get(id_) or dt.to_dtype(np.asarray(array).dtype)

    def define_gradient(self, g: graph_pb2.Gradient) -> None:
        for k, wrt in enumerate(g.wrt):
            self.values[g.first_out + k] = ("gradient", [g.targets[0], wrt], {}, 0)

    def _numeric(self, target: int, wrt: int) -> Any:
        """Central differences, in float64 where it can."""
        x = self.read(wrt, {}, anew=True)
        out = np.zeros(x.shape)
        for at in np.ndindex(x.shape):
            sides = []
            for step in (1e-3, -1e-3):
                moved = x.astype(np.float64)
                moved[at] += step
                sides.append(float(self.read(target, {wrt: moved.astype(x.dtype)}, anew=True)))
            out[at] = (sides[0] - sides[1]) / 2e-3
        return out.astype(x.dtype)


def attr_value(a: graph_pb2.Attr, strings: Sequence[str], variables: dict[str, int]) -> Any:
    kind = a.WhichOneof("v")
    if kind == "ints":
        return list(a.ints.v)
    if kind == "dims":
        sizes = [int(eval(d.expr, {}, dict(variables))) if d.expr else d.size for d in a.dims.dims]
        return list(a.dims.sizes) or sizes
    if kind == "dtype":
        return dt.BY_NUMBER[a.dtype]
    return strings[a.s] if kind == "s" else getattr(a, kind or "i")


class FakeDaemon:
    """A Transport whose other side is here. `frames` keeps what the client sent."""

    def __init__(
        self, max_items: int = 1 << 40, max_bytes: int = 1 << 50, inline: int = 1 << 16
    ) -> None:
        self.shared = SharedLane(None)
        self.graph = Graph()
        self.strings: list[str] = []
        self.frames: list[session_pb2.ClientFrame] = []
        self.raw: list[bytes] = []
        self.uploads: dict[int, bytes] = {}
        self.programs: dict[int, graph_pb2.ProgramBody] = {}
        self.executes: list[session_pb2.Execute] = []
        self.freed: list[int] = []
        self.auths: list[str] = []
        self.credit = (max_items, max_bytes)
        self.inline = inline
        self.seq = 0
        self.closed = False

    def session(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        for raw in frames:
            frame = session_pb2.ClientFrame.FromString(raw)
            self.raw.append(raw)
            self.frames.append(frame)
            assert frame.seq == len(self.frames), "a gap in the frames"
            self.strings.extend(frame.strings)
            replies = []
            for k, item in enumerate(frame.items):
                reply = self.item(item)
                if reply is not None:
                    reply.of_seq, reply.of_item = frame.seq, k
                    replies.append(reply)
            self.seq += bool(replies)
            yield session_pb2.ServerFrame(
                seq=self.seq if replies else 0,
                applied=frame.seq,
                completed=frame.seq,
                max_items=self.credit[0],
                max_bytes=self.credit[1],
                replies=replies,
            ).SerializeToString()
            if frame.items and frame.items[-1].HasField("bye"):
                return

    def item(self, item: session_pb2.Item) -> session_pb2.Reply | None:
        kind = item.WhichOneof("kind")
        handler = getattr(self, f"on_{kind}")
        try:
            answer: session_pb2.Reply | None = handler(getattr(item, kind or ""))
            return answer
        except Poison as error:
            return fault(3, "UNKNOWN_ID", str(error))
        except (TensordError, ShapeError, ValueError) as error:
            return fault(3, "SHAPE", str(error))

    def on_hello(self, hello: session_pb2.Hello) -> session_pb2.Reply:
        devices = [
            types_pb2.Device(number=1, name="cpu", is_default=True),
            types_pb2.Device(number=2, name="null"),
        ]
        return session_pb2.Reply(
            welcome=session_pb2.Welcome(
                version=1,
                session=b"s" * 16,
                data_token=b"t",
                devices=devices,
                limits=session_pb2.Limits(max_inline_bytes=self.inline),
            )
        )

    def on_nodes(self, batch: graph_pb2.NodeBatch) -> None:
        self.graph.apply(batch, self.strings, {})

    def on_put(self, put: session_pb2.Put) -> None:
        self.graph.values[put.id] = array_of(put.type, put.data)

    def on_bind(self, bind: session_pb2.BindUpload) -> None:
        self.graph.values[bind.id] = Upload(self, bind)

    def on_free(self, free: session_pb2.Free) -> session_pb2.Reply | None:
        for span in free.ids:
            for i in range(span.first, span.first + max(span.count, 1)):
                if self.graph.values.get(i) is None:
                    return fault(3, "UNKNOWN_ID", f"id {i} is not defined")
                self.freed.append(i)
        return None

    def on_evaluate(self, evaluate: session_pb2.Evaluate) -> None:
        memo: dict[int, Any] = {}
        for i in spans(evaluate.ids):
            self.graph.stored[i] = self.value(i, memo)

    def on_fetch(self, fetch: session_pb2.Fetch) -> session_pb2.Reply:
        value = np.asarray(self.value(fetch.id, {}))
        self.graph.stored[fetch.id] = value
        kind = self.graph.kind(fetch.id, value)
        raw = dt.to_host(value, dt.strong(kind)).tobytes()
        data = session_pb2.Data(
            id=fetch.id, bytes=len(raw), type=type_message(dt.strong(kind), value.shape)
        )
        if len(raw) > self.inline:
            self.uploads[-fetch.id] = raw
            data.ticket = str(fetch.id).encode()
        else:
            data.inline = raw
        return session_pb2.Reply(data=data)

    def value(self, id_: int, memo: dict[int, Any]) -> Any:
        for i, v in list(self.graph.values.items()):
            if isinstance(v, Upload) and v.number in self.uploads:
                self.graph.values[i] = array_of(v.type, self.uploads[v.number])
        return self.graph.read(id_, memo)

    def on_cancel(self, cancel: session_pb2.Cancel) -> None:
        """Everything here is done when it is asked for."""

    def on_auth(self, auth: session_pb2.AuthRefresh) -> None:
        self.auths.append(auth.credentials.bearer)

    def on_ping(self, ping: session_pb2.Ping) -> session_pb2.Reply:
        return session_pb2.Reply(pong=session_pb2.Pong(nonce=ping.nonce))

    def on_barrier(self, barrier: session_pb2.Barrier) -> session_pb2.Reply:
        return session_pb2.Reply(barrier_done=session_pb2.BarrierDone())

    def on_bye(self, bye: session_pb2.Bye) -> None:
        self.closed = True

    def on_gradient(self, gradient: graph_pb2.Gradient) -> None:
        self.graph.define_gradient(gradient)

    def on_program(self, program: graph_pb2.Program) -> None:
        self.programs[program.slot] = graph_pb2.ProgramBody.FromString(program.body)

    def on_release(self, release: session_pb2.ReleaseProgram) -> None:
        del self.programs[release.slot]

    def on_execute(self, execute: session_pb2.Execute) -> None:
        self.executes.append(execute)
        body = self.programs[execute.slot]
        variables = dict(zip([v.name for v in body.vars], execute.vars, strict=True))
        inside = Graph()
        bound = list(spans(getattr(execute, "in")))
        ports = list(getattr(body, "in"))
        assert len(bound) == len(ports), f"{len(bound)} ids for {len(ports)} inputs"
        for port, i in zip(ports, bound, strict=True):
            value = self.graph.stored.get(i, self.graph.values[i])
            assert not isinstance(value, tuple), f"input {i} was not evaluated"
            inside.values[port.id] = value
        for item in body.items:
            if item.HasField("nodes"):
                inside.apply(item.nodes, body.strings, variables)
            else:
                inside.define_gradient(item.gradient)
        memo: dict[int, Any] = {}
        made = [inside.read(p.id, memo) for p in body.out]
        for k in body.donate:
            self.graph.values[bound[k]] = None
            self.graph.stored.pop(bound[k], None)
        for k, value in enumerate(made):
            self.graph.values[execute.first_out + k] = np.asarray(value)

    def upload(self, chunks: Iterable[bytes]) -> compute_pb2.UploadStatus:
        data, number, total = b"", 0, 0
        for raw in chunks:
            chunk = compute_pb2.UploadChunk.FromString(raw)
            assert chunk.offset == len(data)
            assert chunk.token == b"t"
            data, number, total = data + chunk.data, chunk.upload, chunk.total
        self.uploads[number] = data
        return compute_pb2.UploadStatus(
            upload=number, committed=len(data), total=total, complete=len(data) == total
        )

    def download(self, request: compute_pb2.DownloadRequest) -> Iterable[compute_pb2.DownloadChunk]:
        raw = self.uploads[-int(request.ticket)]
        for at in range(0, len(raw), 1 << 20):
            yield compute_pb2.DownloadChunk(
                total=len(raw), offset=at, data=raw[at : at + (1 << 20)]
            )

    def call(self, method: str, request: Any, reply: Any, timeout: float | None) -> Any:
        return reply()

    def close(self) -> None:
        self.closed = True


class Upload:
    """A value whose bytes are still on their way."""

    def __init__(self, daemon: FakeDaemon, bind: session_pb2.BindUpload) -> None:
        self.number, self.type = bind.upload, bind.type


def spans(ids: Iterable[types_pb2.IdSpan]) -> Iterator[int]:
    for s in ids:
        yield from range(s.first, s.first + max(s.count, 1))


def array_of(kind: types_pb2.TensorType, raw: bytes) -> Any:
    dtype = dt.BY_NUMBER[kind.dtype]
    return np.frombuffer(raw, dtype.np).reshape(tuple(kind.dims.sizes))


def fault(code: int, reason: str, message: str) -> session_pb2.Reply:
    return session_pb2.Reply(fault=session_pb2.Fault(code=code, reason=reason, message=message))
