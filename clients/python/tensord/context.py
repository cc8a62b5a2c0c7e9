"""Settings of a piece of code: `with Context(TRAINING=1):`, and tinygrad's older `Tensor.train`."""

from __future__ import annotations

import contextlib
import contextvars
from typing import Any, Final

from tensord.errors import ValueProblem

__all__ = ["Context", "set_training", "training"]

_DEFAULTS: Final[dict[str, int]] = {"TRAINING": 0}
_values: Final[contextvars.ContextVar[dict[str, int]]] = contextvars.ContextVar(
    "tensord", default=_DEFAULTS
)


class Context(contextlib.ContextDecorator):
    """Sets values for a block or a function, in this thread or task.

    TRAINING=1 makes dropout drop and batch norm learn. Unknown names raise ValueError.
    """

    def __init__(self, **values: int) -> None:
        unknown = set(values) - set(_DEFAULTS)
        if unknown:
            raise ValueProblem(
                f"Context: unknown {', '.join(sorted(unknown))}; there is {', '.join(_DEFAULTS)}"
            )
        self._new = values
        self._tokens: list[contextvars.Token[dict[str, int]]] = []

    def __enter__(self) -> Context:
        self._tokens.append(_values.set({**_values.get(), **self._new}))
        return self

    def __exit__(self, *_: Any) -> None:
        _values.reset(self._tokens.pop())


def training() -> bool:
    """Whether TRAINING is on."""
    return bool(_values.get()["TRAINING"])


def set_training(on: bool) -> None:
    """Turns TRAINING on or off from here on."""
    _values.set({**_values.get(), "TRAINING": int(on)})
