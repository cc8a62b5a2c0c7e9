"""Ctrl-C, as real signals to a process of its own."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture
def run(tensord_daemon):
    """Runs a program connected to the daemon; the lines that it printed."""

    def run(code):
        environment = {
            **os.environ,
            "TENSORD_ADDR": tensord_daemon.address,
            "PYTHONPATH": str(HERE),
        }
        done = subprocess.run(
            [sys.executable, "-c", _PRELUDE + textwrap.dedent(code)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


_PRELUDE = """
import logging, os, random, signal, threading, time
import numpy as np
import tensord
from tensord import Tensor, errors
from unfinished import Unfinished, in_flight, wait_until

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in background jobs
session = tensord.connect()

def interrupt_when(count):
    '''A signal as soon as so many are in flight.'''
    def work():
        wait_until(session, count)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=work, daemon=True).start()

def interrupt_when_asked():
    '''A signal as soon as the session waits for an answer.'''
    def work():
        while not session._inbox._waiting:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)
    threading.Thread(target=work, daemon=True).start()
"""


def test_ctrl_c_cancels_the_fetch_and_keeps_the_session(run):
    assert run("""
        upload = Unfinished(session)
        y = upload.tensor + 1
        try:
            interrupt_when(3)  # the upload, the run that the Fetch wants, and the Fetch
            y.numpy()
        except KeyboardInterrupt:
            print("interrupted")
        wait_until(session, 1)  # the daemon has given both up
        try:
            y.numpy()
        except errors.CancelledError as error:
            print(error.reason)
        upload.finish()
        print(upload.tensor.tolist(), (upload.tensor * 2).tolist())
    """) == ["interrupted", "CANCELLED", "[0.0, 1.0, 2.0] [0.0, 2.0, 4.0]"]


def test_a_value_that_was_asked_for_before_lives_on(run):
    assert run("""
        upload = Unfinished(session)
        y = (upload.tensor + 1).realize()
        try:
            interrupt_when(3)  # the upload, realize's run, the Fetch
            y.numpy()
        except KeyboardInterrupt:
            print("interrupted")
        wait_until(session, 2)  # only the Fetch is given up
        upload.finish()
        print(y.tolist())
    """) == ["interrupted", "[1.0, 2.0, 3.0]"]


def test_ctrl_c_ends_a_synchronize_and_gives_nothing_up(run):
    assert run("""
        upload = Unfinished(session)
        y = (upload.tensor + 1).realize()
        try:
            interrupt_when_asked()
            tensord.synchronize()
        except KeyboardInterrupt:
            print("interrupted")
        upload.finish()
        print(y.tolist())
    """) == ["interrupted", "[1.0, 2.0, 3.0]"]


def test_ctrl_c_ends_a_lookup_that_waits(run):
    assert run("""
        try:
            interrupt_when_asked()
            tensord.lookup("never/published", ["x"], generation=1)
        except KeyboardInterrupt:
            print("interrupted")
        print((Tensor([1.0]) + 1).item(), session.alive)
    """) == ["interrupted", "2.0 True"]


@pytest.mark.parametrize("transfer", ["Tensor(data)", "x.numpy()"])
def test_ctrl_c_in_a_transfer_keeps_the_session(run, transfer):
    assert run(f"""
        data = np.arange(4 << 20, dtype=np.float32)
        x = Tensor(data).realize()
        x.numpy()
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                {transfer}
        except KeyboardInterrupt:
            print("interrupted")
        y = Tensor(data)
        print((x.numpy() == data).all(), (y.numpy() == data).all(), session.alive)
    """) == ["interrupted", "True True True"]


def test_interrupts_at_any_moment_leave_the_session_as_it_was(run):
    assert run("""
        said = []
        class Keep(logging.Handler):
            def emit(self, record):
                said.append(record.getMessage())
        logging.getLogger("tensord").addHandler(Keep())
        x, total = Tensor(np.arange(6, dtype=np.float32)).realize(), Tensor([0.0]).realize()

        @tensord.jit
        def step(k):
            total.assign(total + k)
            return total * 1

        one = Tensor([1.0]).realize()
        step(one).item()
        over = threading.Event()
        def disturb():
            rng = random.Random(5)
            while not over.wait(rng.uniform(0.0002, 0.003)):
                os.kill(os.getpid(), signal.SIGINT)
        interrupts = 0
        threading.Thread(target=disturb, daemon=True).start()
        while interrupts < 500:
            try:
                while True:
                    y = x
                    for k in range(40):
                        y = (y * 2 + 1).reshape(2, 3).permute(1, 0).reshape(6) - y
                    y.sum().item()
                    step(one)
                    Tensor([1.0, 2.0]).realize()
            except KeyboardInterrupt:
                interrupts += 1
        while True:
            try:
                over.set()
                time.sleep(0.1)
                break
            except KeyboardInterrupt:
                pass
        before = step(one).item()
        print(step(one).item() - before, (x + 1).tolist(), session.alive)
        print(said)
    """) == ["1.0 [1.0, 2.0, 3.0, 4.0, 5.0, 6.0] True", "[]"]


def test_a_handler_of_the_users_own_is_held_back_too_and_put_back(session):
    from tensord.session.interrupt import Exclusive

    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append("handled"))
    try:
        mine = signal.getsignal(signal.SIGINT)
        with session.exclusive:
            with Exclusive(session.lock):
                signal.raise_signal(signal.SIGINT)
            assert calls == []
        assert calls == ["handled"]
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)
