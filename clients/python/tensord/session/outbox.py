"""What waits to be sent: serialised frames, held back until the daemon's credit covers them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Final

__all__ = ["Outbox"]

_TICK: Final = 0.001  # seconds a lone node waits for company
_IDLE: Final = 0.25  # seconds after which freed ids travel by themselves
_HIGH_WATER: Final = 8 << 20  # bytes queued at which a producer waits


class Outbox:
    """A queue of frames and their writer's loop.

    `frames()` is the request iterator of the Session call; it runs on gRPC's thread. Beside frames
    the queue carries nudges: something began to wait, look again in a millisecond.
    """

    def __init__(self, flush: Callable[[], bool], progress: Callable[[], tuple[int, bool]]) -> None:
        self._flush = flush  # never blocks; False: somebody holds the lock, try again
        self._progress = progress  # (a number that moves with new nodes, whether anything waits)
        self._queue: queue.SimpleQueue[tuple[bytes, int] | str] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._queued = 0
        self._sent_items = self._sent_bytes = 0
        self._max_items: int | None = None
        self._max_bytes: int | None = None
        self._closed = False

    def put(self, frame: bytes, items: int) -> None:
        """Queues a serialised frame of so many items."""
        with self._changed:
            self._queued += len(frame)
        self._queue.put((frame, items))

    def nudge(self) -> None:
        """Something waits: flush it unless more arrives within a millisecond."""
        self._queue.put("look")

    @property
    def congested(self) -> bool:
        """Whether a producer should wait."""
        return self._queued > _HIGH_WATER

    def throttle(self) -> None:
        """Waits while too many bytes are queued."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._queued <= _HIGH_WATER)

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
            self._changed.notify_all()
        self._queue.put("end")

    def frames(self) -> Iterator[bytes]:
        """Frames as credit allows, until close."""
        wait, mark = _IDLE, -1
        while True:
            try:
                entry = self._queue.get(timeout=wait)
            except queue.Empty:
                wait, mark = self._look(mark)
                continue
            if entry == "look":
                wait, mark = _TICK, self._progress()[0]
            elif entry == "end":
                return
            elif isinstance(entry, tuple):
                if not self._await_credit(*entry):
                    return
                yield entry[0]

    def _look(self, mark: int) -> tuple[float, int]:
        now, waiting = self._progress()
        if not waiting:
            return _IDLE, -1
        sent = (now == mark or mark < 0) and self._flush()
        return (_IDLE, -1) if sent else (_TICK, now)

    def _await_credit(self, frame: bytes, items: int) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._covers(len(frame), items))
            if not self._covers(len(frame), items):
                return False
            self._sent_items += items
            self._sent_bytes += len(frame)
            self._queued -= len(frame)
            self._changed.notify_all()
            return True

    def _covers(self, size: int, items: int) -> bool:
        return (self._max_items is None or self._sent_items + items <= self._max_items) and (
            self._max_bytes is None or self._sent_bytes + size <= self._max_bytes
        )
