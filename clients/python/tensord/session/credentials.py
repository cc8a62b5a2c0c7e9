"""Who the client says it is: a bearer token that stays, or one that is renewed.

A token that stays is a str. One that is renewed comes from a file or a function, which is asked
again for every connection, and in between so early that the daemon hears of a new token before
the old one ends (AuthRefresh).
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, Union

from tensord._proto import types_pb2
from tensord.errors import PermissionDenied, TensordError, ValueProblem

__all__ = ["Credentials", "Token", "seconds_until_renewal"]

log = logging.getLogger("tensord")
#: a token, a file that holds one, or a function that answers one
Token: TypeAlias = Union[str, "os.PathLike[str]", Callable[[], str]]

_EVERY: Final = 30.0  # seconds after which a token that does not tell its end is asked for anew
_SOONEST: Final = 1.0
_MARGIN: Final = 0.2  # of its remaining life, before which a token that tells its end is renewed


class Credentials:
    """The token now, and a thread that renews it, if it is of the kind that is renewed."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._last = ""
        self._over = threading.Event()

    @property
    def renewed(self) -> bool:
        """Whether the token may change."""
        return not isinstance(self._token, str)

    def now(self) -> types_pb2.Credentials:
        """What to send. Raises PermissionDenied where the file or the function has none."""
        self._last = self._read()
        return types_pb2.Credentials(bearer=self._last) if self._last else types_pb2.Credentials()

    def _read(self) -> str:
        token = self._token
        if isinstance(token, str):
            return token
        if callable(token):
            answered = token()
            if not isinstance(answered, str):
                raise ValueProblem(f"token= answered a {type(answered).__name__}; expected a str")
            return answered
        try:
            return Path(token).read_text().strip()
        except OSError as error:
            raise PermissionDenied(f"no token in {os.fspath(token)}: {error.strerror}") from error

    def keep_fresh(self, tell: Callable[[types_pb2.Credentials], None]) -> None:
        """Calls `tell` with each new token, on a thread of its own, until `close`."""
        if self.renewed:
            threading.Thread(
                target=self._renew, args=(tell,), name="tensord-token", daemon=True
            ).start()

    def _renew(self, tell: Callable[[types_pb2.Credentials], None]) -> None:
        while not self._over.wait(seconds_until_renewal(self._last)):
            before = self._last
            try:
                fresh = self.now()
                if self._last != before:
                    tell(fresh)
            except TensordError as error:
                log.warning("the token was not renewed: %s", error)
            except Exception:
                log.warning("the token was not renewed", exc_info=True)

    def close(self) -> None:
        """Ends the thread."""
        self._over.set()


def seconds_until_renewal(token: str) -> float:
    """At four fifths of what a JWT has left to live, by its `exp`; 30 s for what tells no end."""
    parts = token.split(".")
    if len(parts) != 3:
        return _EVERY
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        left = float(claims["exp"]) - time.time()
    except (ValueError, KeyError, TypeError):
        return _EVERY
    return max(_SOONEST, left * (1 - _MARGIN))
