"""A value that is not there yet: bound to an upload that begins when a test says so."""

from __future__ import annotations

import time

import numpy as np

from tensord import Tensor, dtypes
from tensord._proto import session_pb2
from tensord.base import wrap
from tensord.graph import Value
from tensord.nodes import type_message
from tensord.session import bulk
from tensord.session.connection import Connection

__all__ = ["Unfinished", "in_flight", "wait_until"]


class Unfinished:
    """A tensor of float32 zeros to 2 whose bytes have not come."""

    def __init__(self, session: Connection) -> None:
        self.session = session
        with session.exclusive:
            self.number = session._next_upload()
            value = Value(session, session.next_id, dtypes.float32, (3,), 0)
            session.next_id += 1
            kind = type_message(value.dtype, value.shape)
            session._item(bind=session_pb2.BindUpload(id=value.id, type=kind, upload=self.number))
            session.flush()
        value.stored = True
        self.tensor: Tensor = wrap(value)

    def finish(self) -> None:
        """The bytes come."""
        data = memoryview(np.arange(3, dtype=np.float32).tobytes())
        bulk.upload(self.session.transport, self.session.welcome, self.number, data)


def in_flight(session: Connection) -> int:
    """How many uploads, runs and Fetches of the session the daemon has not completed."""
    with session.exclusive:
        asked = session._ask(ping=session_pb2.Ping())
        session.flush()
    return int(asked.future.result(10).in_flight)


def wait_until(session: Connection, count: int) -> None:
    """Waits until so many are in flight."""
    end = time.monotonic() + 10
    while in_flight(session) != count:
        assert time.monotonic() < end, f"{in_flight(session)} in flight, not {count}"
        time.sleep(0.001)
