"""A daemon that stops: said once; what was lost is said; the process goes on elsewhere or anew."""

import logging
import subprocess
import time

import pytest

import tensord
from tensord import Tensor, errors
from tensord._proto import session_pb2
from tensord.session.daemon import PrivateDaemon, find_binary


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


def notice(*endpoints):
    return session_pb2.Reply(
        going_away=session_pb2.GoingAway(
            deadline_us=5_000_000, reason="the daemon is stopping", endpoints=endpoints
        )
    )


def test_going_away_is_said_once(fake, caplog):
    session = tensord.connection()
    for _ in range(3):
        session._inbox._dispatch(notice())
    said = warnings(caplog)
    assert len(said) == 1
    assert "going away in 5 s: the daemon is stopping" in said[0]
    assert (Tensor([1.0]) + 1).item() == 2


class Daemon:
    """One at a socket that stays."""

    def __init__(self, path):
        self.address = f"unix://{path}"
        self.start()

    def start(self):
        command = [find_binary(), f"--listen={self.address}", "--cache-dir=off"]
        self.process = subprocess.Popen(
            [*command, "--drain-delay=0s", "--drain-timeout=1s", "--metrics-listen=off"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline().startswith("listening")

    def stop(self, kill=False):
        self.process.kill() if kill else self.process.terminate()
        self.process.wait(20)
        self.process.stdout.close()


@pytest.fixture
def daemon(tmp_path):
    if find_binary() is None:
        pytest.skip("no tensord binary")
    made = Daemon(tmp_path / "tensord.sock")
    yield made
    tensord.disconnect()
    made.stop()


def wait_until_lost(session):
    end = time.monotonic() + 20
    while session.alive:
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("kill", [False, True])
def test_a_daemon_that_comes_back_is_used_anew(daemon, caplog, kill):
    session = tensord.connect(daemon.address)
    x = Tensor([1.0]).realize()
    assert x.item() == 1
    daemon.stop(kill)
    daemon.start()
    wait_until_lost(session)
    with pytest.raises(ConnectionError):
        x + 1
    with pytest.raises(errors.ConnectionLost):
        x.numpy()
    assert (Tensor([2.0]) + 1).item() == 3
    assert tensord.connection().address == daemon.address
    said = warnings(caplog)
    assert sum("going away" in text for text in said) == (0 if kill else 1)
    assert sum("a new session" in text and "are gone" in text for text in said) == 1


def test_work_goes_on_where_the_daemon_said(daemon, caplog):
    other = PrivateDaemon(arguments=("--cache-dir=off", "--drain-delay=0s"))
    session = tensord.connect(daemon.address)
    x = Tensor([1.0]).realize()
    x.item()
    session._inbox._dispatch(notice(other.address))
    daemon.stop(kill=True)
    wait_until_lost(session)
    with pytest.raises(errors.ConnectionLost, match="is lost, and its values with it"):
        x.numpy()
    assert (Tensor([2.0]) + 1).item() == 3
    assert tensord.connection().address == other.address
    assert any(other.address in text for text in warnings(caplog))
    tensord.disconnect()
    other.stop()
    daemon.start()


def test_a_daemon_that_stays_away_is_said_to_be(daemon):
    session = tensord.connect(daemon.address)
    session.reconnect_seconds = 0.2
    x = Tensor([1.0]).realize()
    x.item()
    daemon.stop(kill=True)
    wait_until_lost(session)
    with pytest.raises(errors.ConnectionLost):
        Tensor([1.0])
    daemon.start()
    assert Tensor([1.0]).item() == 1
