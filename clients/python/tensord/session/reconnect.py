"""When a lost stream is worth another one, and how long to wait before it."""

from __future__ import annotations

import random
import time
from typing import Final

from tensord.errors import TensordError

__all__ = ["Attempts", "can_resume", "is_unauthenticated"]

_FIRST: Final = 0.02  # seconds
_LONGEST: Final = 1.0
# gRPC codes of a stream that the network ended: CANCELLED, UNKNOWN, ABORTED (another stream of ours
# overtook this one), INTERNAL, UNAVAILABLE; 0 where it ended without a status.
_CODES: Final = frozenset((0, 1, 2, 10, 13, 14))
_UNAUTHENTICATED: Final = 16


def can_resume(error: TensordError) -> bool:
    """Whether the session may live on behind a stream that ended so."""
    return error.code in _CODES


def is_unauthenticated(error: TensordError) -> bool:
    """Whether it lives on for better credentials alone."""
    return error.code == _UNAUTHENTICATED


class Attempts:
    """Backs off from attempt to attempt, with jitter, until patience ends."""

    def __init__(self) -> None:
        self._successes = 0
        self._failures = 0
        self._since = 0.0

    def again(self, successes: int, patience: float) -> bool:
        """Waits before the next attempt; False when it is not to be made. `successes` counts the
        streams that took the session up; `patience` is in seconds since the last of them."""
        now = time.monotonic()
        if successes != self._successes or self._failures == 0:
            self._successes, self._failures, self._since = successes, 0, now
        if now - self._since >= patience:
            return False
        self._failures += 1
        wait = min(_LONGEST, _FIRST * 2 ** min(self._failures - 1, 10))
        time.sleep(wait * random.uniform(0.5, 1.0))
        return True
