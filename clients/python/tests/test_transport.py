"""gRPC, private daemons, addresses, forks and the fixtures, with a stand-in for the binary."""

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

import tensord
from tensord import Tensor, errors
from tensord.session import address, daemon

HERE = Path(__file__).parent


@pytest.fixture
def binary(tmp_path, monkeypatch):
    """An executable that behaves like the daemon."""
    script = tmp_path / "tensord"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE}/grpc_daemon.py "$@"\n')
    script.chmod(0o755)
    for name in ("TENSORD_ADDR", "TENSORD_TOKEN", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TENSORD_BIN", str(script))
    monkeypatch.setenv("TENSORD_CLIENT_CONFIG", str(tmp_path / "client.conf"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), str(HERE.parent)]))
    monkeypatch.setattr(address, "_SYSTEM", str(tmp_path / "nothing"))
    return script


@pytest.fixture
def private(binary):
    made = daemon.PrivateDaemon()
    yield made
    made.stop()


@pytest.fixture
def session(private):
    made = tensord.connect(private.address)
    yield made
    tensord.disconnect()


def test_values_go_there_and_back(session):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert (Tensor(x) + 1).numpy().tolist() == (x + 1).tolist()
    large = np.arange(700_000, dtype=np.float32)
    np.testing.assert_array_equal((Tensor(large) * 2).numpy(), large * 2)
    assert session.stats()["frames_in"] > 0


def test_the_daemon_ends_with_stop(private):
    assert private.process.poll() is None
    private.stop()
    assert private.process.poll() is not None
    assert not Path(private.folder).exists()


def test_a_binary_that_fails_says_what_it_wrote(tmp_path):
    script = tmp_path / "broken"
    script.write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    script.chmod(0o755)
    with pytest.raises(errors.ConnectionLost, match="out of luck"):
        daemon.PrivateDaemon(str(script))


def test_no_daemon_and_no_binary(binary, monkeypatch):
    monkeypatch.setattr(daemon, "find_binary", lambda: None)
    with pytest.raises(errors.DaemonNotFound, match="TENSORD_ADDR"):
        daemon.PrivateDaemon()


def test_nobody_listens():
    with pytest.raises(errors.ConnectionLost):
        tensord.connect("unix:///nowhere/tensord.sock", default=False)


def test_the_order_of_addresses(binary, private, monkeypatch):
    assert address.find_address() is None
    Path(os.environ["TENSORD_CLIENT_CONFIG"]).write_text("# mine\naddress = unix:///from/config\n")
    assert address.find_address() == "unix:///from/config"
    monkeypatch.setenv("TENSORD_ADDR", "tcp://127.0.0.1:1")
    assert address.find_address() == "tcp://127.0.0.1:1"
    monkeypatch.delenv("TENSORD_ADDR")
    Path(os.environ["TENSORD_CLIENT_CONFIG"]).write_text("adress = x\n")
    with pytest.raises(ValueError, match=r"client\.conf:1"):
        address.find_address()
    Path(os.environ["TENSORD_CLIENT_CONFIG"]).unlink()
    monkeypatch.setenv("XDG_RUNTIME_DIR", private.folder)
    assert address.find_address() == f"unix://{private.folder}/tensord.sock"


def test_a_lost_daemon_is_a_lost_connection(private):
    session = tensord.connect(private.address, default=False)
    x = tensord.base.wrap(session.put(tensord.dtypes.float32, (1,), b"\0\0\0\0"))
    private.process.kill()
    deadline = time.monotonic() + 10
    while session.alive and time.monotonic() < deadline:
        time.sleep(0.02)
    with pytest.raises(errors.ConnectionLost):
        x.numpy()
    session.close()


def run(code, **environment):
    """Runs a program; its output."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_program_starts_and_ends_its_own_daemon(binary):
    out = run("""
        from tensord import Tensor, connection
        from tensord.session.daemon import _private
        print((Tensor([1.0, 2.0]) + 1).sum().item())
        print(_private[0].process.pid)
    """)
    assert out[0] == "5.0"
    with pytest.raises(ProcessLookupError):
        os.kill(int(out[1]), 0)


def test_a_forked_child_opens_its_own_session(binary):
    out = run("""
        import os
        from tensord import Tensor, errors
        x = Tensor([1.0])
        print(x.item(), flush=True)
        child = os.fork()
        if child == 0:
            try:
                x + 1
            except errors.ForkError:
                print("refused", flush=True)
            print((Tensor([3.0]) * 2).item(), flush=True)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        print((x + 1).item())
    """)
    assert out == ["1.0", "refused", "6.0", "2.0"]
