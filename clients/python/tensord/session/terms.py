"""On which terms work is asked for: how long it may take, how urgent it is, and where it runs.

    with tensord.timeout(2.0), tensord.priority(1):
        loss.item()

Each is a setting of a block in this thread or task.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from tensord.errors import DeadlineError, ValueProblem

__all__ = [
    "current_priority",
    "default_device",
    "device",
    "microseconds_left",
    "priority",
    "timeout",
]

_MOST_URGENT: Final = 2  # of the wire

_end: ContextVar[float | None] = ContextVar("tensord_deadline", default=None)
_priority: ContextVar[int] = ContextVar("tensord_priority", default=0)
_device: ContextVar[str | None] = ContextVar("tensord_device", default=None)


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


@contextmanager
def priority(level: int) -> Iterator[None]:
    """What is asked for within the block runs earlier (1, 2) or later (-1, -2) than other work of
    the principal; 0 is normal. Raises ValueError for other numbers."""
    if not -_MOST_URGENT <= level <= _MOST_URGENT:
        raise ValueProblem(f"priority {level}; expected -{_MOST_URGENT} to {_MOST_URGENT}")
    token = _priority.set(level)
    try:
        yield
    finally:
        _priority.reset(token)


def current_priority() -> int:
    """Of the nearest `priority`."""
    return _priority.get()


@contextmanager
def device(name: str | None) -> Iterator[None]:
    """Tensors that are created within the block, without a device of their own, are created on
    this one of the daemon's; None is its default. An unknown name is refused where it is used."""
    token = _device.set(name)
    try:
        yield
    finally:
        _device.reset(token)


def default_device() -> str | None:
    """The name that the nearest `device` says."""
    return _device.get()
