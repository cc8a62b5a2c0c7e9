"""The Programs that a session's daemon knows: their slots, and who uses them."""

from __future__ import annotations

from collections import deque

__all__ = ["Programs"]


class Programs:
    """Slots by digest, counted from 1 and never used twice. Needs the session's lock."""

    def __init__(self) -> None:
        self._uses: dict[bytes, int] = {}
        self._slots: dict[bytes, int] = {}
        self._last = 0
        #: digests, one for each use that ended: by finalisers, without a lock
        self.dropped: deque[bytes] = deque()

    def use(self, digest: bytes) -> tuple[int, bool]:
        """The slot, for one more user; whether the daemon has still to be told of it."""
        new = digest not in self._slots
        if new:
            self._last += 1
            self._slots[digest], self._uses[digest] = self._last, 0
        self._uses[digest] += 1
        return self._slots[digest], new

    def take_unused(self) -> list[int]:
        """The slots of those that have lost their last user."""
        slots = []
        for _ in range(len(self.dropped)):
            digest = self.dropped.popleft()
            self._uses[digest] -= 1
            if self._uses[digest] == 0:
                del self._uses[digest]
                slots.append(self._slots.pop(digest))
        return slots
