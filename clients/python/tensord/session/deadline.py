"""How long work may take: `with tensord.timeout(2.0): loss.item()`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from tensord.errors import DeadlineError

__all__ = ["microseconds_left", "timeout"]

_end: ContextVar[float | None] = ContextVar("tensord_deadline", default=None)


@contextmanager
def timeout(seconds: float) -> Iterator[None]:
    """What is computed or read within the block must be done `seconds` from its start.

    Else it raises DeadlineError: the daemon gives up what it has not begun, and a run that has
    begun before its next kernel, unless it has written over donated values. Blocks nest; the
    nearest end counts. What only describes work is not bounded until it is asked for.
    """
    end = time.monotonic() + seconds
    outer = _end.get()
    token = _end.set(end if outer is None else min(end, outer))
    try:
        yield
    finally:
        _end.reset(token)


def microseconds_left() -> int:
    """Until the end of the nearest `timeout`, as items carry it: 0 is no end at all."""
    end = _end.get()
    if end is None:
        return 0
    left = end - time.monotonic()
    if left <= 0:
        raise DeadlineError("the time for this work is over")
    return max(1, int(left * 1e6))
