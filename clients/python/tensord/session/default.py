"""The session of the process: opened at the first need, one for all threads, none after a fork."""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
import weakref
from typing import Final

from tensord.base import local
from tensord.errors import ConnectionLost, ValueProblem
from tensord.session.address import find_address, tls_for, token_for
from tensord.session.connection import Connection
from tensord.session.credentials import Token
from tensord.session.daemon import is_private, spawn_private
from tensord.session.reconnect import Attempts
from tensord.session.terms import default_device
from tensord.session.transport import GrpcTransport, Transport

__all__ = [
    "aconnect",
    "asynchronize",
    "connect",
    "connection",
    "device_number",
    "disconnect",
    "synchronize",
]

log = logging.getLogger("tensord")
_lock = threading.RLock()
_default: list[Connection] = []
_all: Final[weakref.WeakSet[Connection]] = weakref.WeakSet()


def connect(
    url: str | None = None,
    *,
    token: Token | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    label: str = "",
    default: bool = True,
    shared_memory: bool = True,
    transport: Transport | None = None,
) -> Connection:
    """Opens a session and, unless `default` is false, makes it the process's own.

    The address is `url` ("unix:///path", "tls://host:port", "tcp://host:port"), else $TENSORD_ADDR,
    else the line `address = …` of the config file ($XDG_CONFIG_HOME/tensord/client.conf), else the
    default socket if a daemon listens there, else that of a private daemon which is started and
    ends with this process. `token` (or $TENSORD_TOKEN) is for TLS and TCP: a str, a path of a file
    that holds it, or a function that answers it. From a file or a function it is renewed by itself:
    looked at every 30 seconds, or at four fifths of what a JWT has left to live. `ca`, `cert` and
    `key` (or $TENSORD_CA, …) are PEM files for TLS: who vouches for the daemon, and what to show of
    oneself. With `shared_memory`, values of 256 KiB and more go through memory shared with a daemon
    whose Unix socket this is. Raises ConnectionLost, PermissionDenied, or DaemonNotFound when there
    is nothing to connect to.
    """
    address = url or find_address() if transport is None else "in-process"
    if address is None:
        address = spawn_private()
    if transport is None:
        transport = GrpcTransport(address, tls_for(address, ca, cert, key), shared_memory)
    made = Connection(
        address,
        transport=transport,
        token=token_for(token) if token is None else token,
        label=label,
    )
    made.tls_files = (ca, cert, key)
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)  # now ahead of the end of a private daemon
    with _lock:
        _all.add(made)
        if default:
            _default[:] = [made]
    return made


def connection() -> Connection:
    """The session of the process; a new one after a fork, or when it was closed or lost."""
    if _default and _default[0].alive:
        return _default[0]
    with _lock:
        if not _default:
            connect()
        elif not _default[0].alive:
            _replace(_default[0])
        return _default[0]


def _replace(lost: Connection) -> None:
    """Another session in place of one that ended. What was not closed on purpose is looked for
    where the daemon said it would go on, or where it was, for as long as reconnecting may take."""
    if lost.closed or (is_private(lost.address) and not lost.successors):
        connect()
        return
    attempts = Attempts()
    ca, cert, key = lost.tls_files
    while True:
        for address in (*lost.successors, lost.address):
            try:
                connect(address, token=lost.token, ca=ca, cert=cert, key=key, label=lost.label)
            except ConnectionLost as error:
                refused = error
            else:
                log.warning("a new session with %s; the values of the one before are gone", address)
                return
        if not attempts.again(0, lost.reconnect_seconds):
            raise refused


def disconnect() -> None:
    """Closes the session of the process, if there is one."""
    with _lock:
        closing, _default[:] = list(_default), []
    for session in closing:
        session.close()


def synchronize() -> None:
    """Waits until everything asked for so far is computed."""
    connection().synchronize()


async def aconnect(
    url: str | None = None,
    *,
    token: Token | None = None,
    ca: str | None = None,
    cert: str | None = None,
    key: str | None = None,
    label: str = "",
    default: bool = True,
) -> Connection:
    """`connect` for an event loop: a thread does it, since a daemon may have to be started."""
    return await asyncio.to_thread(
        connect, url, token=token, ca=ca, cert=cert, key=key, label=label, default=default
    )


async def asynchronize() -> None:
    """`synchronize` for an event loop."""
    await connection().asynchronize()


def device_number(name: str | None) -> int:
    """The daemon's number of a device, for None that of the nearest `tensord.device`, or 0, the
    daemon's default. ValueError for an unknown name."""
    if name is None:
        name = default_device()
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
