from __future__ import annotations

from collections.abc import Iterator

import fake_daemon
import pytest

import tensord
from tensord import Connection


@pytest.fixture
def fake() -> Iterator[fake_daemon.FakeDaemon]:
    """A daemon in this process; the default session talks to it."""
    daemon = fake_daemon.FakeDaemon()
    session = tensord.connect(transport=daemon)
    yield daemon
    session.close()


@pytest.fixture
def session(tensord_session: Connection) -> Connection:
    """A session with a real daemon."""
    return tensord_session
