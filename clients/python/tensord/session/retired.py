"""Where values belong that can't be used any more: every use raises why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from tensord.errors import DonatedError, TensordError
from tensord.graph import Recorder, Value

__all__ = ["DONATED", "donate", "fail"]


class _Retired(Recorder):
    """A recorder that records nothing."""

    def __init__(self, why: Callable[[], TensordError]) -> None:
        super().__init__()
        self.broken = self._why = why

    def _full(self) -> None:
        return None

    def gradient(
        self,
        targets: Sequence[Value],
        seeds: Sequence[Value | None],
        wrt: Sequence[Value],
        source: int,
    ) -> list[Value]:
        raise self._why()


def _taken() -> DonatedError:
    return DonatedError(
        "the memory of this tensor was taken over by a jitted function (it was "
        "part of its state); keep a copy with .clone() before the call"
    )


DONATED: Final = _Retired(_taken)


def donate(value: Value) -> None:
    """The id ends with the Execute: it is not freed, and further use is refused."""
    value.graph = DONATED


def fail(value: Value, error: TensordError) -> None:
    """Frees the id of a value whose computation came to nothing. The daemon has one node for equal
    expressions: while the id lives, the same expression anew would fail with it."""
    session, kind = value.graph, type(error)
    value.graph = _Retired(lambda: kind(str(error), reason=error.reason, code=error.code))
    session.dropped(value.id)
