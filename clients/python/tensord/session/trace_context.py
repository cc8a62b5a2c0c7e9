"""W3C Trace Context (https://www.w3.org/TR/trace-context): which trace, and what in it, asks the
daemon for something. The daemon's spans and log lines then belong to that trace.

    with tensord.traceparent(request.headers["traceparent"]):
        loss.item()

Without such a block it is that of OpenTelemetry's current span, if the program has imported
`opentelemetry` and is within one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from tensord.errors import ValueProblem

__all__ = ["current_traceparent", "traceparent"]

_FORM: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    r"((?<!\A00.{53})-.*)?"  # a version after 00 may go on
)

_given: ContextVar[str | None] = ContextVar("tensord_traceparent", default=None)
_last: list[tuple[Any, str]] = [(None, "")]  # OpenTelemetry's context that was asked for last


@contextmanager
def traceparent(text: str) -> Iterator[None]:
    """What is recorded and asked for within the block, in this thread or task, belongs to the trace
    of this W3C traceparent; "" is none. Blocks nest. Raises ValueError for what is no traceparent.
    """
    if text and not _FORM.fullmatch(text):
        raise ValueProblem(
            f"traceparent {text[:256]!r}; expected 00-TRACE-SPAN-FLAGS with 32, 16 and 2 "
            "hexadecimal digits in lower case, and neither id all zeroes"
        )
    token = _given.set(text)
    try:
        yield
    finally:
        _given.reset(token)


def current_traceparent() -> str:
    """Of the nearest `traceparent`, else of OpenTelemetry's current span, else ""."""
    text = _given.get()
    if text is not None:
        return text
    opentelemetry = sys.modules.get("opentelemetry.trace")
    return "" if opentelemetry is None else _of_current_span(opentelemetry)


def _of_current_span(opentelemetry: Any) -> str:
    current = getattr(opentelemetry, "get_current_span", None)
    if current is None:  # it is being imported
        return ""
    context = current().get_span_context()
    known, text = _last[0]
    if context is known:
        return text
    text = ""
    if context.is_valid:
        text = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags & 255:02x}"
    _last[0] = (context, text)
    return text
