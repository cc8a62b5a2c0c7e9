"""Where in the user's program an operation was written, as a small number.

`here()` finds the first frame outside this package and gives its number in `PLACES`; the place's
text is made once. Sessions send new entries with their frames, and a fault gives the number back,
so an error can name the user's own line although the daemon found it later.
"""

from __future__ import annotations

import os
import sys
from types import CodeType
from typing import Final, NamedTuple

__all__ = ["PLACES", "Place", "describe", "here"]

_PACKAGE: Final = os.path.dirname(os.path.abspath(__file__)) + os.sep
_MAX_FILE, _MAX_FUNCTION = 256, 128  # bytes, of tensord.v1.Source
_CAPACITY: Final = 1 << 16


class Place(NamedTuple):
    """A line of the user's program."""

    file: str
    line: int
    function: str


PLACES: Final[list[Place]] = [Place("", 0, "")]  # index 0: not said
_internal: Final[dict[CodeType, bool]] = {}
_index: Final[dict[tuple[CodeType, int], int]] = {}


def here(depth: int = 1) -> int:
    """The number of the caller's line outside this package; 0 when there is none. `depth`: how many
    frames, this one included, are known to be inside."""
    frame = sys._getframe(depth)
    internal = _internal
    while True:
        code = frame.f_code
        inside = internal.get(code)
        if inside is None:
            inside = internal[code] = code.co_filename.startswith(_PACKAGE)
        if not inside:
            break
        outer = frame.f_back
        if outer is None:
            return 0
        frame = outer
    return _index.get((code, frame.f_lasti)) or _register(code, frame.f_lasti, frame.f_lineno)


def _register(code: CodeType, lasti: int, line: int) -> int:
    if len(PLACES) >= _CAPACITY:
        return 0
    file = code.co_filename.encode()[-_MAX_FILE:].decode(errors="ignore")
    function = code.co_name.encode()[:_MAX_FUNCTION].decode(errors="ignore")
    PLACES.append(Place(file, line, function))
    number = len(PLACES) - 1
    _index[code, lasti] = number
    return number


def describe(number: int) -> str:
    """ "file:line in function", or "" for an unknown number."""
    if not 0 < number < len(PLACES):
        return ""
    place = PLACES[number]
    return f"{place.file}:{place.line} in {place.function}"
