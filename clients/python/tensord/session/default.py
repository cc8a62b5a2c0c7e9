"""The session of the process: opened at the first need, one for all threads, none after a fork."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from typing import Final

from tensord.base import local
from tensord.errors import ValueProblem
from tensord.session.address import find_address, tls_for, token_for
from tensord.session.connection import Connection
from tensord.session.daemon import spawn_private
from tensord.session.transport import GrpcTransport, Transport

__all__ = ["connect", "connection", "device_number", "disconnect", "synchronize"]

_lock = threading.RLock()
_default: list[Connection] = []
_all: Final[weakref.WeakSet[Connection]] = weakref.WeakSet()


def connect(
    url: str | None = None,
    *,
    token: str | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    label: str = "",
    default: bool = True,
    transport: Transport | None = None,
) -> Connection:
    """Opens a session and, unless `default` is false, makes it the process's own.

    The address is `url` ("unix:///path", "tls://host:port", "tcp://host:port"), else $TENSORD_ADDR,
    else the line `address = …` of the config file ($XDG_CONFIG_HOME/tensord/client.conf), else the
    default socket if a daemon listens there, else that of a private daemon which is started and
    ends with this process. `token` (or $TENSORD_TOKEN) is for TLS and TCP. `ca`, `cert` and `key`
    (or $TENSORD_CA, …) are PEM files for TLS: who vouches for the daemon, and what to show of
    oneself. Raises ConnectionLost, PermissionDenied, or DaemonNotFound when there is nothing to
    connect to.
    """
    address = url or find_address() if transport is None else "in-process"
    if address is None:
        address = spawn_private()
    if transport is None:
        transport = GrpcTransport(address, tls_for(address, ca, cert, key))
    made = Connection(address, transport=transport, token=token_for(token), label=label)
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)  # now ahead of the end of a private daemon
    with _lock:
        _all.add(made)
        if default:
            _default[:] = [made]
    return made


def connection() -> Connection:
    """The session of the process; a new one after a fork or when it was closed."""
    if _default and _default[0].alive:
        return _default[0]
    with _lock:
        if not _default or not _default[0].alive:
            connect()
        return _default[0]


def disconnect() -> None:
    """Closes the session of the process, if there is one."""
    with _lock:
        closing, _default[:] = list(_default), []
    for session in closing:
        session.close()


def synchronize() -> None:
    """Waits until everything asked for so far is computed."""
    connection().synchronize()


def device_number(name: str | None) -> int:
    """The daemon's number of a device; 0, its default, for None. ValueError for an unknown name."""
    if name is None:
        return 0
    session = getattr(local.trace, "session", None) or connection()
    number: int | None = session.devices.get(name.lower())
    if number is None:
        raise ValueProblem(f"no device {name!r}; this daemon has {', '.join(session.devices)}")
    return number


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()
    for session in list(_all):
        session.abandon_after_fork()
    _default.clear()
    local.trace = None


def _at_exit() -> None:
    for session in list(_all):
        session.close(timeout=1.0)


os.register_at_fork(after_in_child=_after_fork)
