"""What a session can be asked for: values in and out, evaluation, gradients, Programs."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final

from tensord._proto import compute_pb2, graph_pb2, session_pb2
from tensord.dtype import BY_NUMBER, DType
from tensord.errors import CancelledError, DeadlineError, OutOfMemory, TensordError
from tensord.graph import Value, gradient_message, span_list
from tensord.nodes import type_message
from tensord.session import bulk
from tensord.session.background import Background, Job
from tensord.session.credentials import Credentials
from tensord.session.framing import FRAME_BYTES, Asked, Framing
from tensord.session.inbox import fault_error
from tensord.session.retired import donate, fail
from tensord.session.terms import current_priority, microseconds_left
from tensord.session.transport import Transport
from tensord.symbolic import Shape

__all__ = ["Commands"]

_INLINE: Final = 64 << 10
_DESCRIBED_AT_ONCE: Final = 4096
_PASSING: Final = (CancelledError, DeadlineError, OutOfMemory)  # another time it may go well


class Commands(Framing):
    """The items of a session as functions. Thread-safe.

    Functions that begin with `a` are coroutines: they hold no thread while they wait, and a task
    that is cancelled gives up what it waits for.
    """

    transport: Transport
    _credentials: Credentials
    welcome: session_pb2.Welcome

    @property
    @abstractmethod
    def patience(self) -> float:
        """Seconds for which a lost connection is made anew."""

    def __init__(self) -> None:
        super().__init__()
        self._inline = _INLINE
        self._uploads = 0
        self._background = Background()
        self._failed = False  # something did, as a Barrier of the session's own was told

    # ------------------------------------------------------------------ waiting

    def _wait(self, future: Future[Any], timeout: float | None = None) -> Any:
        """The answer. Waits on a bare lock: Ctrl-C inside a Condition may leave it locked, and the
        reader's thread would wait for it for ever."""
        done = threading.Lock()
        done.acquire()
        with self.exclusive:
            future.add_done_callback(lambda _: done.release())
        if not done.acquire(timeout=-1 if timeout is None else max(timeout, 0)):
            raise DeadlineError(f"no answer within {timeout:g} s")
        return future.result()

    def _give_up(self, asked: Asked, error: BaseException) -> None:
        """Cancels an Evaluate, Fetch, Publish or Lookup that nobody waits for any more. Frames hold
        at most one of them: each is sent at once. A session that is lost has nothing to give up."""
        with suppress(TensordError), self.exclusive:
            asked.future.cancel()
            if asked.seq and asked.future.cancelled():
                self._item(cancel=session_pb2.Cancel(first_seq=asked.seq, last_seq=asked.seq))
                error = CancelledError(
                    "the computation of this tensor was given up with the read that waited for "
                    "it; compute it again",
                    reason="CANCELLED",
                    code=1,
                )
            elif not isinstance(error, _PASSING):
                return
            for value in asked.lazy:
                fail(value, error)
            self.flush()

    def _answer(self, asked: Asked, timeout: float | None = None, **kind: Any) -> Any:
        """Asks and waits. What ends the wait early, Ctrl-C for one, gives the item up."""
        try:
            with self.exclusive:
                self._ask(asked, **kind)
                self.flush()
            return self._wait(asked.future, timeout)
        except BaseException as error:
            self._give_up(asked, error)
            raise

    async def _aanswer(self, asked: Asked, **kind: Any) -> Any:
        """The same without a thread."""
        try:
            with self.exclusive:
                self._ask(asked, **kind)
                self.flush()
            return await asyncio.wrap_future(asked.future)
        except BaseException as error:
            self._give_up(asked, error)
            raise

    def _tell(self, probe: Mapping[str, Any], timeout: float | None = None, **kind: Any) -> Any:
        """Says an item that only a failure is answered of, which is raised. `probe` is asked right
        behind it: its answer tells that there was none."""
        with self.exclusive:
            told = self._ask(**kind)
            after = self._ask(**probe)
            self.flush()
        try:
            answer = self._wait(after.future, timeout)
        finally:
            self._inbox.forget(told.seq, told.item)
        if told.future.done():
            told.future.result()
        return answer

    def _transfer(self, job: Job) -> Any:
        """Moves bytes. Not in the main thread: Ctrl-C inside gRPC may leave its locks held."""
        if threading.current_thread() is not threading.main_thread():
            return job(lambda: True)
        future: Future[Any] = Future()
        try:
            with self.exclusive:
                self._background.submit(job, future)
            return self._wait(future)
        except BaseException:
            with self.exclusive:
                future.cancel()
            raise

    def _upload(self, number: int, data: memoryview) -> None:
        self._transfer(
            lambda wanted: bulk.upload(
                self.transport, self.welcome, number, data, self.patience, wanted
            )
        )

    def _download_job(self, data: session_pb2.Data) -> Job:
        return lambda wanted: bulk.download(
            self.transport, self.welcome, data, self.patience, wanted
        )

    # ------------------------------------------------------------------ values in

    def put(self, dtype: DType, shape: Shape, data: Any, device: int = 0) -> Value:
        """A value from bytes (dense, little-endian): inline up to 64 KiB, else on the bulk lane."""
        view = memoryview(data) if len(data) else memoryview(b"")
        if len(view) > self._inline:
            return self._put_bulk(dtype, shape, view, device)
        with self.exclusive:
            value = Value(self, self.next_id, dtype, shape, device)
            self.next_id += 1
            self._item(
                put=session_pb2.Put(
                    id=value.id, type=type_message(dtype, shape, device), data=view.tobytes()
                )
            )
            self._pending_bytes += len(view)
            if self._pending_bytes > FRAME_BYTES:
                self._full()
            else:
                self._outbox.nudge()
        if self.congested:
            self.relieve()
        value.stored = True
        return value

    def _put_bulk(self, dtype: DType, shape: Shape, view: memoryview, device: int) -> Value:
        with self.exclusive:
            number = self._next_upload()
            value = Value(self, self.next_id, dtype, shape, device)
            self.next_id += 1
            self._item(
                bind=session_pb2.BindUpload(
                    id=value.id, type=type_message(dtype, shape, device), upload=number
                )
            )
            self.flush()
        self._upload(number, view)
        value.stored = True
        return value

    def _next_upload(self) -> int:
        self._uploads += 1
        return self._uploads

    # ------------------------------------------------------------------ values out

    def evaluate(self, values: Sequence[Value]) -> tuple[int, int]:
        """Starts computing; does not wait. The frame it is asked in, and the place in it."""
        left = microseconds_left()
        with self.exclusive:
            spans = span_list(v.id for v in values)
            item = session_pb2.Evaluate(ids=spans, timeout_us=left, priority=current_priority())
            position = self._item(evaluate=item)
            self.flush()
            for v in values:
                v.stored = True
            return self._seq, position

    async def aready(self, values: Sequence[Value]) -> None:
        """Computes, and waits until all are ready; raises the first failure."""
        work = Asked([v for v in values if not v.stored])
        with self.exclusive:  # only a failure is answered: a Barrier tells the end
            work.seq, work.item = self.evaluate(values)
            self._inbox.expect(work.seq, work.item, work.future)
        ids = span_list(v.id for v in values)
        try:
            done = await self._aanswer(Asked(), barrier=session_pb2.Barrier(ids=ids))
            if done.any_poisoned:
                found = await self._aanswer(Asked(), describe=session_pb2.Describe(ids=ids))
                if not work.future.done():
                    work.future.set_result(None)
                raise _first_fault(found)
        except BaseException as error:
            self._give_up(work, error)
            raise
        self._inbox.forget(work.seq, work.item)

    def fetch(self, value: Value) -> Future[session_pb2.Data]:
        """Asks for a value's bytes, which the answer holds, or a ticket for `bulk.download`."""
        asked, item = self._fetching(value)
        with self.exclusive:
            self._ask(asked, fetch=item)
            self.flush()
        return asked.future

    def _fetching(self, value: Value) -> tuple[Asked, session_pb2.Fetch]:
        asked = Asked(() if value.stored else (value,))
        item = session_pb2.Fetch(
            id=value.id, timeout_us=microseconds_left(), priority=current_priority()
        )
        value.stored = True
        return asked, item

    def read(self, value: Value, timeout: float | None = None) -> bytes | bytearray:
        """The bytes of a value; waits. Raises what the daemon reports, or DeadlineError.

        Ctrl-C gives the Fetch up. A value that was still to be computed for it is lost then; the
        session and every other value are as before.
        """
        asked, item = self._fetching(value)
        data = self._answer(asked, timeout, fetch=item)
        if data.ticket:
            whole: bytearray = self._transfer(self._download_job(data))
            return whole
        return bytes(data.inline)

    async def aread(self, value: Value) -> bytes | bytearray:
        """The same for an event loop: a task that is cancelled gives the Fetch up."""
        asked, item = self._fetching(value)
        data = await self._aanswer(asked, fetch=item)
        if not data.ticket:
            return bytes(data.inline)
        whole: bytearray = await asyncio.wrap_future(
            self._background.submit(self._download_job(data))
        )
        return whole

    def cancel(self, values: Sequence[Value]) -> None:
        """Gives up whatever would compute these, as far as it has not written in place."""
        with self.exclusive:
            self._item(cancel=session_pb2.Cancel(ids=span_list(v.id for v in values)))
            self.flush()

    def ask_type(self, value: Value) -> tuple[DType, Shape]:
        found = self.describe([value])[0].type
        return BY_NUMBER[found.dtype], tuple(found.dims.sizes)

    def describe(self, values: Sequence[Value]) -> list[session_pb2.Description]:
        """The daemon's word on values: their types and states."""
        described: list[session_pb2.Description] = []
        for k in range(0, len(values), _DESCRIBED_AT_ONCE):  # a reply has to fit a message
            ids = span_list(v.id for v in values[k : k + _DESCRIBED_AT_ONCE])
            item = session_pb2.Describe(ids=ids)
            described.extend(self._answer(Asked(), describe=item).values)
        return described

    def synchronize(self, timeout: float | None = None) -> bool:
        """Waits until everything asked for so far is done; False if any of it failed. Raises
        DeadlineError after `timeout` seconds. Ctrl-C ends the wait and gives up nothing."""
        return self._none_failed(self._answer(Asked(), timeout, barrier=session_pb2.Barrier()))

    async def asynchronize(self) -> bool:
        """The same for an event loop."""
        return self._none_failed(await self._aanswer(Asked(), barrier=session_pb2.Barrier()))

    def _none_failed(self, done: session_pb2.BarrierDone) -> bool:
        """A failure is told to one Barrier, which may have been one of the session's own."""
        failed, self._failed = self._failed, False
        return not (failed or done.any_poisoned)

    # ------------------------------------------------------------------ graphs

    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        with self.exclusive:
            first = self.next_id
            self.next_id += len(wrt)
            self._item(gradient=gradient_message(targets, seeds, wrt, first, source))
            self._outbox.nudge()
        return [Value(self, first + k, w.dtype, w.shape, w.device) for k, w in enumerate(wrt)]

    def program(self, body: bytes, digest: bytes) -> int:
        """Makes a Program known, once; its slot. For each call there has to be a `drop_program` of
        the digest: with the last one the daemon forgets it."""
        with self.exclusive:
            slot, new = self._programs.use(digest)
            if not new:
                return slot
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
            self._upload(message.upload, memoryview(body))
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
        item = session_pb2.Execute(
            slot=slot, vars=variables, timeout_us=microseconds_left(), priority=current_priority()
        )
        getattr(item, "in").extend(span_list(v.id for v in inputs))
        with self.exclusive:
            first = item.first_out = self.next_id
            self.next_id += len(outputs)
            for k in donated:
                donate(inputs[k])
            self._item(execute=item)
            self._soon()
        values = [Value(self, first + k, d, s, device, True) for k, (d, s) in enumerate(outputs)]
        return values, item.ByteSize()

    def stats(self) -> dict[str, int]:
        """The daemon's counters: kernels_compiled, plan_hits, bytes_uploaded …"""
        request = compute_pb2.StatsRequest(credentials=self._credentials.now())
        reply = self.transport.call("GetStats", request, compute_pb2.StatsReply, 10.0)
        return {c.name: c.value for c in reply.counters}


def _first_fault(found: session_pb2.Described) -> TensordError:
    return next(fault_error(v.fault) for v in found.values if v.HasField("fault"))
