"""Ctrl-C held back for the few microseconds in which a session's books are being changed.

Python runs signal handlers between any two steps of the main thread, and KeyboardInterrupt would
leave a frame half made: a number used and not sent, a value given away and its successor unknown.
Inside an `Exclusive` block the handler only takes note; it runs when the block is over.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final

__all__ = ["Exclusive"]

# The module beneath CPython's `signal`, which turns numbers into enums and back: 3 us a call.
_raw: Any = sys.modules.get("_signal", signal)
_SIGINT: Final = int(signal.SIGINT)
_main = threading.main_thread  # another one in the child of a fork


class Exclusive:
    """`with` holds a lock and, in the main thread, SIGINT's handler back. Blocks may nest."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock
        self._depth = 0  # of the thread that holds the lock
        self._held: Any = None  # the handler that waits its turn
        self._came: tuple[int, FrameType | None] | None = None

    def __enter__(self) -> None:
        swap = threading.get_ident() == _main().ident and _swappable(_raw.getsignal(_SIGINT))
        if swap:
            previous = _raw.signal(_SIGINT, self._note)
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
            _raw.signal(_SIGINT, handler)
            came, self._came = self._came, None
            if came is not None:
                handler(*came)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came = (number, frame)


def _swappable(handler: Any) -> bool:
    """Whether a handler is a Python function, and not held back already."""
    return callable(handler) and getattr(handler, "__func__", None) is not Exclusive._note
