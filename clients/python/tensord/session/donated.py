"""Where values belong whose memory a Program took over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tensord.errors import DonatedError
from tensord.graph import Recorder, Value

__all__ = ["DONATED", "donate"]


class _Donated(Recorder):
    """Where values belong whose memory a Program took over."""

    def __init__(self) -> None:
        super().__init__()
        self.broken = self._taken

    def _taken(self) -> DonatedError:
        return DonatedError(
            "the memory of this tensor was taken over by a jitted function (it was "
            "part of its state); keep a copy with .clone() before the call"
        )

    def _full(self) -> None:
        return None

    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        raise self._taken()


DONATED: Final = _Donated()


def donate(value: Value) -> None:
    """The id ends with the Execute: it is not freed, and further use is refused."""
    value.graph = DONATED
