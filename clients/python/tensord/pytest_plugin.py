"""pytest fixtures: a temporary daemon of the test session, and a connection to it.

    def test_sum(tensord_session):
        assert Tensor([1.0, 2.0]).sum().item() == 3

The plugin is found by itself once tensord is installed. Without a daemon's binary the fixtures
skip.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tensord.session.connection import Connection
from tensord.session.daemon import PrivateDaemon, find_binary
from tensord.session.default import connect, disconnect

__all__ = ["tensord_daemon", "tensord_session"]


@pytest.fixture(scope="session")
def tensord_daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateDaemon]:
    """A daemon for the whole run, with a cache of its own; ends with the run."""
    if find_binary() is None:
        pytest.skip("no tensord binary: set $TENSORD_BIN or build the daemon")
    cache = tmp_path_factory.mktemp("tensord-cache")
    cache.chmod(0o700)
    daemon = PrivateDaemon(arguments=(f"--cache-dir={cache}", "--drain-delay=0s"))
    yield daemon
    daemon.stop()


@pytest.fixture
def tensord_session(tensord_daemon: PrivateDaemon) -> Iterator[Connection]:
    """A session with the temporary daemon, the process's own for the length of a test. A daemon
    that a test brought down is started again for the next."""
    if not tensord_daemon.alive:
        tensord_daemon.stop()
        tensord_daemon.start()
    session = connect(tensord_daemon.address)
    yield session
    disconnect()
    session.close()
