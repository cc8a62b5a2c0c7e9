"""What the daemon answers: acks, credit, replies to what asked, faults."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from tensord import source
from tensord._proto import session_pb2
from tensord.errors import TensordError, make_error
from tensord.session.outbox import Outbox
from tensord.session.reconnect import is_unauthenticated

__all__ = ["Inbox", "fault_error"]

log = logging.getLogger("tensord")
_ACK_FRAMES: Final = 64  # server frames after which an ack travels by itself
_ACK_BYTES: Final = 8 << 20


def fault_error(fault: session_pb2.Fault) -> TensordError:
    """The exception for a fault; names the op and the user's line."""
    return make_error(
        fault.code,
        fault.reason,
        fault.message,
        op=fault.op,
        source=source.describe(fault.source),
        retry_after=fault.retry_after_ms / 1000,
    )


class Inbox:
    """Matches replies to the futures that wait for them. `receive` runs on the reader's thread."""

    def __init__(
        self,
        outbox: Outbox,
        resumed: Callable[[session_pb2.Welcome], None],
        going_away: Callable[[session_pb2.GoingAway], None],
    ) -> None:
        self.error: TensordError | None = None
        self.refusal: TensordError | None = None  # of the last Resume's token
        self._outbox = outbox
        self._resumed = resumed  # a stream has taken the session over
        self._going_away = going_away
        self._lock = threading.Lock()
        self._waiting: dict[tuple[int, int], Future[Any]] = {}
        self._seen = self._received = 0
        self._told_seen = self._told_received = 0
        self.applied = self.completed = 0

    def check(self) -> None:
        """Raises when the session is lost."""
        if self.error is not None:
            raise type(self.error)(str(self.error), reason=self.error.reason, code=self.error.code)

    def expect(self, seq: int, item: int, future: Future[Any]) -> None:
        """The future will hear the reply to an item."""
        with self._lock:
            if self.error is None:
                self._waiting[seq, item] = future
                return
        future.set_exception(self.error)

    def forget(self, seq: int, item: int) -> None:
        """Nobody waits for this reply any more."""
        with self._lock:
            self._waiting.pop((seq, item), None)

    def acknowledge(self) -> tuple[int, int]:
        """The highest frame seen and the bytes received, about to be told to the daemon."""
        self._told_seen, self._told_received = self._seen, self._received
        return self._seen, self._received

    def receive(self, raw: bytes) -> None:
        """Takes one ServerFrame."""
        frame = session_pb2.ServerFrame.FromString(raw)
        again = 0 < frame.seq <= self._seen  # of a stream before
        if frame.seq and not again:
            self._seen = frame.seq
            self._received += len(raw)
        self.applied = max(self.applied, frame.applied)
        self.completed = max(self.completed, frame.completed)
        self._outbox.grant(frame.max_items, frame.max_bytes)
        self._outbox.applied(self.applied)
        for reply in () if again else frame.replies:
            self._dispatch(reply)
        if self.ack_due:
            self._outbox.nudge()

    @property
    def seen(self) -> int:
        """The highest ServerFrame.seq that was received."""
        return self._seen

    @property
    def ack_due(self) -> bool:
        """Whether the daemon should hear of what was received, even if nothing else is sent."""
        return (
            self._seen - self._told_seen >= _ACK_FRAMES
            or self._received - self._told_received >= _ACK_BYTES
        )

    def _dispatch(self, reply: session_pb2.Reply) -> None:
        kind = reply.WhichOneof("kind")
        if kind == "fault":
            self._fault(reply)
        elif kind == "donated":
            log.info(
                "a donated buffer was copied: %d bytes, %s",
                reply.donated.copied_bytes,
                reply.donated.why,
            )
        elif kind == "welcome" and reply.welcome.resumed:
            self._resumed(reply.welcome)
        elif kind == "going_away":
            self._going_away(reply.going_away)
        elif kind is not None:
            self._resolve(reply, getattr(reply, kind), None)

    def _fault(self, reply: session_pb2.Reply) -> None:
        error = fault_error(reply.fault)
        if reply.fault.fatal and is_unauthenticated(error) and not reply.of_seq:
            self.refusal = error  # of a Resume: the session lives on for a better token
        elif reply.fault.fatal:
            self.fail(error)
        elif not self._resolve(reply, None, error):
            log.warning("%s", error)

    def _resolve(self, reply: session_pb2.Reply, result: Any, error: TensordError | None) -> bool:
        with self._lock:
            future = self._waiting.pop((reply.of_seq, reply.of_item), None)
        if future is None:
            return False
        with contextlib.suppress(InvalidStateError):  # given up by its waiter
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)
        return True

    def fail(self, error: TensordError) -> None:
        """Ends the session for everyone who waits; the first cause stays."""
        with self._lock:
            if self.error is None:
                self.error = error
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            with contextlib.suppress(InvalidStateError):
                future.set_exception(self.error)
