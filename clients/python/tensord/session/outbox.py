"""What waits to be sent: serialised frames, held back until the daemon's credit covers them, and
kept until the daemon has applied them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["Outbox"]

_TICK: Final = 0.001  # seconds a lone node waits for company
_IDLE: Final = 0.25  # seconds after which freed ids travel by themselves
_HIGH_WATER: Final = 8 << 20  # bytes queued at which a producer waits


class Outbox:
    """A queue of frames and their writer's loop.

    `frames()` is the request iterator of a Session call; it runs on gRPC's thread. Beside frames
    the queue carries nudges: something began to wait, look again in a millisecond. When a stream is
    lost the next call of `frames` takes over: it begins with a Resume, and after `resume` sends
    again what was not applied; the iterator before it ends.
    """

    def __init__(self, flush: Callable[[], bool], progress: Callable[[], tuple[int, bool]]) -> None:
        self._flush = flush  # never blocks; False: somebody holds the lock, try again
        self._progress = progress  # (a number that moves with new nodes, whether anything waits)
        self._queue: deque[tuple[int, bytes, int] | str] = deque()
        self._changed = threading.Condition()
        self._queued = 0
        self._sent_items = self._sent_bytes = 0
        self._max_items: int | None = None
        self._max_bytes: int | None = None
        self._closed = False
        self._stream = 0  # counts the iterators
        self._resumed = False  # the present one's Resume was answered
        self._unapplied: deque[tuple[int, bytes]] = deque()

    def put(self, seq: int, frame: bytes, items: int) -> None:
        """Queues a serialised frame of so many items."""
        with self._changed:
            self._queued += len(frame)
            self._queue.append((seq, frame, items))
            self._changed.notify_all()

    def applied(self, seq: int) -> None:
        """The daemon has applied frames up to this one: they need not be kept."""
        with self._changed:
            while self._unapplied and self._unapplied[0][0] <= seq:
                self._unapplied.popleft()

    def resume(self, applied: int) -> None:
        """The daemon has answered this stream's Resume: what is newer than `applied` goes again."""
        self.applied(applied)
        with self._changed:
            self._resumed = True
            self._changed.notify_all()

    def nudge(self) -> None:
        """Something waits: flush it unless more arrives within a millisecond."""
        with self._changed:
            self._queue.append("look")
            self._changed.notify_all()

    @property
    def congested(self) -> bool:
        """Whether a producer should wait."""
        return self._queued > _HIGH_WATER

    def throttle(self) -> None:
        """Waits while too many bytes are queued; without a lock, for Ctrl-C may come."""
        while not self._closed and self._queued > _HIGH_WATER:
            time.sleep(_TICK)

    def grant(self, max_items: int, max_bytes: int) -> None:
        """Credit from a ServerFrame; 0 means no change."""
        if not max_items and not max_bytes:
            return
        with self._changed:
            if max_items:
                self._max_items = max_items
            if max_bytes:
                self._max_bytes = max_bytes
            self._changed.notify_all()

    def close(self) -> None:
        """Ends the iterator after what is queued, if credit allows."""
        with self._changed:
            self._closed = True
            self._queue.append("end")
            self._changed.notify_all()

    def frames(self, resume: bytes | None = None) -> Iterator[bytes]:
        """The next stream's frames as credit allows, until close. `resume`: its first frame."""
        with self._changed:
            self._stream += 1
            self._resumed = resume is None
            self._changed.notify_all()
            return self._frames(self._stream, resume)

    def _frames(self, stream: int, resume: bytes | None) -> Iterator[bytes]:
        if resume is not None:
            yield resume
            yield from self._again(stream)
        wait, mark = _IDLE, -1
        while True:
            entry = self._take(stream, wait)
            if entry is None:
                wait, mark = self._look(mark)
            elif entry == "look":
                wait, mark = _TICK, self._progress()[0]
            elif isinstance(entry, tuple):
                yield entry[1]
            else:
                return

    def _again(self, stream: int) -> list[bytes]:
        with self._changed:
            self._changed.wait_for(lambda: self._resumed or self._stream != stream or self._closed)
            return [frame for _, frame in self._unapplied] if self._stream == stream else []

    def _take(self, stream: int, wait: float) -> tuple[int, bytes, int] | str | None:
        """The next entry that may go; None when there was none in time, "end" at the end."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._stream != stream or self._ready(), wait):
                return None
            if self._stream != stream:
                return "end"
            entry = self._queue[0]
            if isinstance(entry, tuple) and not self._covers(len(entry[1]), entry[2]):
                return "end"  # closed, and never to be covered
            self._queue.popleft()
            if isinstance(entry, tuple):
                self._sent_items += entry[2]
                self._sent_bytes += len(entry[1])
                self._queued -= len(entry[1])
                self._unapplied.append(entry[:2])
                self._changed.notify_all()
            return entry

    def _ready(self) -> bool:
        if not self._queue:
            return False
        entry = self._queue[0]
        return self._closed or isinstance(entry, str) or self._covers(len(entry[1]), entry[2])

    def _look(self, mark: int) -> tuple[float, int]:
        now, waiting = self._progress()
        if not waiting:
            return _IDLE, -1
        sent = (now == mark or mark < 0) and self._flush()
        return (_IDLE, -1) if sent else (_TICK, now)

    def _covers(self, size: int, items: int) -> bool:
        return (self._max_items is None or self._sent_items + items <= self._max_items) and (
            self._max_bytes is None or self._sent_bytes + size <= self._max_bytes
        )
