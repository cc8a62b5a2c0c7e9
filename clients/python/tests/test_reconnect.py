"""Connections that are cut: the session goes on, and nothing is done twice."""

import os
import random
import threading
import time

import numpy as np
import pytest
from cutting_proxy import CuttingProxy
from test_training import batch, make_step

import tensord
from tensord import Context, Tensor, jit
from tensord.errors import ConnectionLost
from tensord.session.connection import Connection


@pytest.fixture
def proxy(tensord_session, tmp_path):
    path = str(tmp_path / "proxy.sock")
    proxy = CuttingProxy(path, tensord_session.address.removeprefix("unix://"))
    yield proxy
    proxy.close()


@pytest.fixture
def cut_session(proxy, tmp_path):
    with Connection(f"unix://{tmp_path}/proxy.sock") as session:
        before = list(tensord.session.default._default)
        tensord.session.default._default[:] = [session]
        yield session
        tensord.session.default._default[:] = before


def test_values_are_there_after_a_cut(cut_session, proxy):
    x = Tensor(np.arange(6, dtype=np.float32)).realize()
    proxy.cut()
    np.testing.assert_array_equal((x * 2).numpy(), np.arange(6) * 2)
    assert cut_session._resumptions == 1


def test_what_is_asked_for_while_nothing_is_connected_waits(cut_session, proxy):
    x = Tensor([1.0, 2.0]).realize()
    target, proxy.target = proxy.target, "/nonexistent"
    proxy.cut()
    y = (x + 1).realize()
    time.sleep(0.3)
    proxy.target = target
    assert y.tolist() == [2.0, 3.0]


def test_uploads_and_downloads_go_on_where_they_stopped(cut_session, proxy):
    data = np.random.default_rng(0).integers(0, 256, 24 << 20, dtype=np.uint8)
    proxy.cut_after = (3 << 20, 9 << 20)
    proxy.cut()
    np.testing.assert_array_equal(Tensor(data).numpy(), data)
    assert proxy.cuts > 3


def train(steps, disturb=lambda: None):
    """The losses; `disturb` is called each tenth step, while the step is on its way."""
    _, step = make_step()
    traced, (x, y) = jit(step), batch()
    losses = []
    with Context(TRAINING=1):
        for k in range(steps):
            loss = traced(x, y)
            if k % 10 == 9:
                disturb()
            losses.append(loss.item())
    return losses


class Cutter(threading.Thread):
    """Cuts the proxy's connections at random moments."""

    def __init__(self, proxy):
        super().__init__(daemon=True)
        self.proxy, self.over = proxy, threading.Event()

    def run(self):
        rng = random.Random(3)
        while not self.over.wait(rng.uniform(0.005, 0.03)):
            self.proxy.cut()


def test_a_training_run_is_the_same_bit_for_bit(tensord_session, proxy, tmp_path):
    steps = int(os.environ.get("TENSORD_CUT_STEPS", "150"))
    undisturbed = train(steps)
    cutter = Cutter(proxy)
    with Connection(f"unix://{tmp_path}/proxy.sock") as session:
        before = list(tensord.session.default._default)
        tensord.session.default._default[:] = [session]
        try:
            cutter.start()
            assert train(steps, proxy.cut) == undisturbed
        finally:
            cutter.over.set()
            cutter.join()
            tensord.session.default._default[:] = before
        assert session._resumptions >= steps // 10 - 1
        print(f"{session._resumptions} resumptions, {proxy.cuts} cuts")


def test_a_session_that_is_gone_is_said_to_be(cut_session, proxy):
    x = Tensor([1.0]).realize()
    cut_session.reconnect_seconds = 0.2
    proxy.target = "/nonexistent"
    proxy.cut()
    with pytest.raises(ConnectionLost):
        x.numpy()


def test_a_secret_that_is_wrong_ends_the_session(cut_session, proxy):
    x = Tensor([1.0]).realize()
    cut_session.welcome.resume_secret = b"x" * 32
    proxy.cut()
    with pytest.raises(tensord.errors.TensordError, match="no such session"):
        x.numpy()
