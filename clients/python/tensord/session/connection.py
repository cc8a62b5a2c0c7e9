"""One session: ids, frames and answers, shared by all threads of the process.

Nodes wait in plain columns and travel when something is fetched or evaluated, at 256 nodes, or
after a millisecond without company. Answers are matched to what asked by (frame, item). See
proto/tensord/v1/session.proto for the semantics of every message used here.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from tensord import source
from tensord._proto import compute_pb2, graph_pb2, session_pb2, types_pb2
from tensord.base import TensorBase
from tensord.dtype import BY_NUMBER, DType
from tensord.errors import ConnectionLost, ForkError, TensordError
from tensord.graph import Recorder, Value, gradient_message, span_list
from tensord.nodes import encode, runs, type_message
from tensord.session import bulk
from tensord.session.deadline import microseconds_left
from tensord.session.donated import donate
from tensord.session.inbox import Inbox
from tensord.session.outbox import Outbox
from tensord.session.reconnect import Attempts, can_resume
from tensord.session.transport import GrpcTransport, Transport
from tensord.symbolic import Shape
from tensord.version import __version__

__all__ = ["Connection"]

log = logging.getLogger("tensord")
_REPLY_WINDOW: Final = 32 << 20  # bytes of ServerFrames granted ahead
_FRAME_BYTES: Final = 256 << 10  # inline data after which a frame leaves
_INLINE: Final = 64 << 10


class Connection(Recorder):
    """A session with a daemon. Thread-safe; close it or use it in a `with` block.

    `welcome` is the daemon's Welcome; `address` what was connected to. A stream that is lost is
    taken up again by itself, for as long as the daemon keeps the session, `reconnect` seconds at
    most: nothing is lost, and nothing is done twice. After that, after `close`, or when the daemon
    was started anew, every use raises ConnectionLost.
    """

    def __init__(
        self,
        address: str,
        *,
        transport: Transport | None = None,
        token: str = "",
        label: str = "",
        timeout: float = 10.0,
        reconnect: float = 10.0,
    ) -> None:
        super().__init__()
        self.address = address
        self._token = token
        self._reconnect_seconds = reconnect
        self._closing = False
        self.forked = False
        self._dropped: deque[int] = deque()
        self.dropped = self._dropped.append
        self._frame = session_pb2.ClientFrame()
        self._pending_bytes = 0
        self._seq = 0
        self._places_sent = 1
        self._strings_sent = 0
        self._uploads = 0
        self._resumptions = 0
        self._programs: dict[bytes, int] = {}
        self._outbox = Outbox(self._flush_if_free, self._progress)
        self._inbox = Inbox(self._outbox, self._on_resumed)
        self.transport: Transport = transport or GrpcTransport(address)
        self.welcome = self._hello(token, label, timeout)
        self._inline = self.welcome.limits.max_inline_bytes or _INLINE
        self.devices = {d.name: d.number for d in self.welcome.devices}
        self.default_device = next((d.name for d in self.welcome.devices if d.is_default), "")

    def _hello(self, token: str, label: str, timeout: float) -> session_pb2.Welcome:
        hello = session_pb2.Hello(
            min_version=1,
            max_version=1,
            client_name="tensord-python",
            client_version=__version__,
            label=label,
        )
        hello.credentials.CopyFrom(self._credentials())
        answer = self._ask(hello=hello)
        self.flush()
        reader = threading.Thread(target=self._read, name="tensord-reader", daemon=True)
        reader.start()
        self._reader = reader
        try:
            welcome: session_pb2.Welcome = answer.result(timeout)
            return welcome
        except TimeoutError:
            self._shut(ConnectionLost(f"no answer from {self.address} in {timeout:g} s"))
            raise ConnectionLost(f"no answer from {self.address} in {timeout:g} s") from None
        except TensordError as error:
            self._shut(error)
            raise

    def _lost(self) -> Exception:
        error = self._inbox.error or ConnectionLost("the session is closed")
        return type(error)(str(error), reason=error.reason, code=error.code)

    def _credentials(self) -> types_pb2.Credentials:
        return types_pb2.Credentials(bearer=self._token) if self._token else types_pb2.Credentials()

    def _read(self) -> None:
        frames = self._outbox.frames()
        attempts = Attempts()
        while True:
            error = self._listen(frames)
            if self._closing or self._inbox.error is not None or not can_resume(error):
                return self._shut(error)
            if not attempts.again(self._resumptions, self.patience):
                return self._shut(error)
            log.info("the stream was lost (%s); taking the session up again", error)
            frames = self._outbox.frames(self._resume_frame())

    def _listen(self, frames: Iterator[bytes]) -> TensordError:
        """Takes in what one stream brings; how it ended."""
        try:
            for raw in self.transport.session(frames):
                self._inbox.receive(raw)
            return ConnectionLost("the session is closed")
        except TensordError as error:
            return error
        except Exception as error:
            return ConnectionLost(f"the session ended: {error}")

    @property
    def patience(self) -> float:
        """Seconds for which a lost connection is made anew: the daemon's lease at most."""
        welcome = getattr(self, "welcome", None)
        lease = welcome.lease_ms / 1000 if welcome is not None else 0.0
        return 0.0 if self._closing else min(self._reconnect_seconds, lease)

    def _resume_frame(self) -> bytes:
        resume = session_pb2.Resume(
            session=self.welcome.session,
            resume_secret=self.welcome.resume_secret,
            epoch=self.welcome.epoch,
            last_seen=self._inbox.seen,
            credentials=self._credentials(),
        )
        frame = session_pb2.ClientFrame(items=[session_pb2.Item(resume=resume)])
        return frame.SerializeToString()

    def _on_resumed(self, welcome: session_pb2.Welcome) -> None:
        self.welcome = welcome
        self._resumptions += 1
        self._outbox.resume(welcome.applied)

    def _shut(self, error: TensordError) -> None:
        self._inbox.fail(error)
        self.broken = self._lost
        self._outbox.close()

    # ------------------------------------------------------------------ building frames

    def _begin(self) -> None:
        self._outbox.nudge()

    def _full(self) -> None:
        self.flush()
        self.congested = self._outbox.congested

    def relieve(self) -> None:
        self.congested = False
        self._outbox.throttle()

    def _progress(self) -> tuple[int, bool]:
        waiting = (
            bool(self.rows)
            or bool(self._frame.items)
            or bool(self._dropped)
            or self._inbox.ack_due
        )
        return self.next_id, waiting

    def _flush_if_free(self) -> bool:
        """From the writer's thread, which must not wait for a producer that waits for it."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if self._inbox.error is None:
                self.flush()
            return True
        finally:
            self.lock.release()

    def _item(self, **kind: Any) -> int:
        """Appends an item behind the nodes so far; its position in the frame. Needs the lock."""
        self._close_rows()
        self._frame.items.add(**kind)
        return len(self._frame.items) - 1

    def _close_rows(self) -> None:
        if self.rows:
            rows, self.rows = self.rows, []
            for run in runs(rows):
                encode(run, self.intern, self._frame.items.add().nodes)

    def _ask(self, **kind: Any) -> Future[Any]:
        """Appends an item that is answered."""
        with self.lock:
            position = self._item(**kind)
            return self._inbox.expect(self._seq + 1, position)

    def flush(self) -> None:
        """Sends what waits. Raises when the session is lost."""
        with self.lock:
            self._inbox.check()
            self._close_rows()
            self._add_frees()
            frame = self._frame
            self._seq += 1
            frame.seq = self._seq
            frame.acked, received = self._inbox.acknowledge()
            frame.max_reply_bytes = received + _REPLY_WINDOW
            frame.strings.extend(itertools.islice(self.strings, self._strings_sent, None))
            self._strings_sent = len(self.strings)
            self._add_places(frame)
            self._outbox.put(self._seq, frame.SerializeToString(), len(frame.items))
            self._frame = session_pb2.ClientFrame()
            self._pending_bytes = 0

    def _add_frees(self) -> None:
        dropped = self._dropped
        count = len(dropped)
        if count:
            ids = sorted(dropped.popleft() for _ in range(count))
            self._frame.items.add(free=session_pb2.Free(ids=span_list(ids)))

    def _add_places(self, frame: session_pb2.ClientFrame) -> None:
        places = source.PLACES
        for number in range(self._places_sent, len(places)):
            file, line, function = places[number]
            frame.sources.add(index=number, file=file, line=line, function=function)
        self._places_sent = len(places)

    def adopt(self, tensor: TensorBase) -> Value:
        graph = tensor._v.graph
        if graph.broken is not None:
            raise graph.broken()
        return super().adopt(tensor)

    # ------------------------------------------------------------------ items

    def put(self, dtype: DType, shape: Shape, data: Any, device: int = 0) -> Value:
        """A value from bytes (dense, little-endian): inline up to 64 KiB, else on the bulk lane."""
        view = memoryview(data) if len(data) else memoryview(b"")
        if len(view) > self._inline:
            return self._put_bulk(dtype, shape, view, device)
        with self.lock:
            value = Value(self, self.next_id, dtype, shape, device)
            self.next_id += 1
            self._item(
                put=session_pb2.Put(
                    id=value.id, type=type_message(dtype, shape, device), data=view.tobytes()
                )
            )
            self._pending_bytes += len(view)
            if self._pending_bytes > _FRAME_BYTES:
                self._full()
            else:
                self._outbox.nudge()
        if self.congested:
            self.relieve()
        value.stored = True
        return value

    def _put_bulk(self, dtype: DType, shape: Shape, view: memoryview, device: int) -> Value:
        with self.lock:
            number = self._next_upload()
            value = Value(self, self.next_id, dtype, shape, device)
            self.next_id += 1
            self._item(
                bind=session_pb2.BindUpload(
                    id=value.id, type=type_message(dtype, shape, device), upload=number
                )
            )
            self.flush()
        bulk.upload(self.transport, self.welcome, number, view, self.patience)
        value.stored = True
        return value

    def _next_upload(self) -> int:
        self._uploads += 1
        return self._uploads

    def evaluate(self, values: Sequence[Value]) -> None:
        """Starts computing; does not wait."""
        left = microseconds_left()
        with self.lock:
            spans = span_list(v.id for v in values)
            self._item(evaluate=session_pb2.Evaluate(ids=spans, timeout_us=left))
            self.flush()
        for v in values:
            v.stored = True

    def fetch(self, value: Value) -> Future[session_pb2.Data]:
        """Asks for a value's bytes; see `bulk.read` for the answer's."""
        left = microseconds_left()
        with self.lock:
            future = self._ask(fetch=session_pb2.Fetch(id=value.id, timeout_us=left))
            self.flush()
        value.stored = True
        return future

    def read(self, value: Value, timeout: float | None = None) -> bytes | bytearray:
        """The bytes of a value; waits. Raises what the daemon reports, or DeadlineError.

        Ctrl-C gives the work up: a value still to be computed is lost, the session goes on.
        """
        try:
            return bulk.read(
                self.transport, self.welcome, self.fetch(value), timeout, self.patience
            )
        except KeyboardInterrupt:
            with suppress(TensordError):  # a session that is lost has nothing to give up
                self.cancel([value])
            raise

    def cancel(self, values: Sequence[Value]) -> None:
        """Gives up whatever would compute these, as far as it has not written in place."""
        with self.lock:
            self._item(cancel=session_pb2.Cancel(ids=span_list(v.id for v in values)))
            self.flush()

    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        with self.lock:
            first = self.next_id
            self.next_id += len(wrt)
            self._item(gradient=gradient_message(targets, seeds, wrt, first, source))
        self._outbox.nudge()
        return [Value(self, first + k, w.dtype, w.shape, w.device) for k, w in enumerate(wrt)]

    def ask_type(self, value: Value) -> tuple[DType, Shape]:
        found = self.describe(value).type
        return BY_NUMBER[found.dtype], tuple(found.dims.sizes)

    def describe(self, value: Value) -> session_pb2.Description:
        """The daemon's word on a value: its type and state."""
        with self.lock:
            future = self._ask(describe=session_pb2.Describe(ids=span_list([value.id])))
            self.flush()
        described: session_pb2.Description = future.result().values[0]
        return described

    def synchronize(self, timeout: float | None = None) -> bool:
        """Waits until everything asked for so far is done; False if any of it failed."""
        with self.lock:
            future = self._ask(barrier=session_pb2.Barrier())
            self.flush()
        return not future.result(timeout).any_poisoned

    def program(self, body: bytes, digest: bytes) -> int:
        """Makes a Program known, once; its slot."""
        with self.lock:
            slot = self._programs.get(digest)
            if slot is not None:
                return slot
            slot = self._programs[digest] = len(self._programs) + 1
            message = graph_pb2.Program(digest=digest, slot=slot)
            inline = (
                len(body) <= (self.welcome.limits.max_program_bytes or 1 << 20)
                and len(body) <= 1 << 20
            )
            if inline:
                message.body = body
            else:
                message.upload = self._next_upload()
            self._item(program=message)
            self.flush()
        if not inline:
            bulk.upload(
                self.transport, self.welcome, message.upload, memoryview(body), self.patience
            )
        return slot

    def execute(
        self,
        slot: int,
        inputs: Sequence[Value],
        donated: Sequence[int],
        outputs: Sequence[tuple[DType, Shape]],
        variables: Sequence[int],
        device: int = 0,
    ) -> tuple[list[Value], int]:
        """Runs a Program: its outputs on consecutive ids, and the size of the item in bytes."""
        item = session_pb2.Execute(slot=slot, vars=variables, timeout_us=microseconds_left())
        getattr(item, "in").extend(span_list(v.id for v in inputs))
        with self.lock:
            first = item.first_out = self.next_id
            self.next_id += len(outputs)
            for k in donated:
                donate(inputs[k])
            self._item(execute=item)
            self._full()
        values = [Value(self, first + k, d, s, device) for k, (d, s) in enumerate(outputs)]
        for v in values:
            v.stored = True
        return values, item.ByteSize()

    def stats(self) -> dict[str, int]:
        """The daemon's counters: kernels_compiled, plan_hits, bytes_uploaded …"""
        reply = self.transport.call(
            "GetStats", compute_pb2.StatsRequest(), compute_pb2.StatsReply, 10.0
        )
        return {c.name: c.value for c in reply.counters}

    # ------------------------------------------------------------------ end

    @property
    def alive(self) -> bool:
        """Whether the session can be used."""
        return not self.forked and self._inbox.error is None

    def close(self, timeout: float = 2.0) -> None:
        """Says Bye: the daemon frees every value. Idempotent."""
        self._closing = True
        if self.alive:
            with self.lock:
                self._item(bye=session_pb2.Bye())
                self.flush()
            self._outbox.close()
            self._reader.join(timeout)
        if not self.forked:
            self._shut(ConnectionLost("the session is closed"))
            self.transport.close()

    def abandon_after_fork(self) -> None:
        """In the child: the session stays the parent's. No lock of the parent is touched."""
        self.forked = True
        self.lock = threading.RLock()
        self._inbox.error = ForkError("this session belongs to the parent process")
        self.broken = _forked

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self.alive else ", closed"
        return f"<tensord.Connection {self.address}{state}>"


def _forked() -> ForkError:
    return ForkError(
        "this tensor belongs to the parent process; after a fork make tensors anew in "
        "the child, from numpy arrays for example"
    )
