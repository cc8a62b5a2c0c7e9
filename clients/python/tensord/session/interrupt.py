"""Ctrl-C held back for the few microseconds in which a session's books are being changed.

Python runs signal handlers between any two steps of the main thread, and KeyboardInterrupt would
leave a frame half made: a number used and not sent, a value given away and its successor unknown.
Inside an `Exclusive` block the handler only takes note; it runs when the block is over.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Exclusive"]


class Exclusive:
    """`with` holds a lock and, in the main thread, SIGINT's handler back. Blocks may nest."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._depth = 0  # of the thread that holds the lock
        self._held: Any = None  # the handler that waits its turn
        self._came: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        swap = threading.get_ident() == threading.main_thread().ident and self._swappable()
        if swap:
            previous = signal.signal(signal.SIGINT, self._note)
        self._lock.acquire()
        if swap:
            self._held = previous
        self._depth += 1

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._depth -= 1
        handler = self._held if self._depth == 0 else None
        if handler is not None:
            self._held = None
        self._lock.release()
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
            came, self._came = self._came, None
            if came is not None:
                handler(*came)

    def _swappable(self) -> bool:
        """Whether the handler is a Python function, and not held back already."""
        handler = signal.getsignal(signal.SIGINT)
        return callable(handler) and getattr(handler, "__func__", None) is not Exclusive._note

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = (number, frame)
