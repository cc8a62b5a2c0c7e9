"""After a fork: the child has a session of its own, the parent goes on as before."""

import multiprocessing
import os
import pickle
import sys
import threading

import numpy as np
import pytest

import tensord
from tensord import Tensor, errors
from tensord.tensor.random import GENERATOR

recording = sys.modules["tensord.jit"]  # `tensord.jit` is the decorator


def in_child(function):
    """What `function` answers in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = function()
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(write, pickle.dumps(answer))
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        raw = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return pickle.loads(raw)


@pytest.fixture
def address(session, monkeypatch):
    """Where a child finds the daemon."""
    monkeypatch.setenv("TENSORD_ADDR", session.address)
    return session.address


def test_the_child_computes_in_a_session_of_its_own(session, address):
    x = Tensor([1.0, 2.0]) + 1

    def child():
        y = Tensor([3.0]) * 2 + 1
        return y.item(), tensord.connection().welcome.session != session.welcome.session

    assert in_child(child) == (7.0, True)
    assert x.tolist() == [2.0, 3.0]


def test_the_parents_tensors_say_what_to_do(session, address):
    x = Tensor([1.0]).realize()
    for use in (lambda: x + 1, x.numpy, x.realize, lambda: Tensor([1.0]) + x, x.sum):
        said = in_child(use)
        assert said.startswith("ForkError: this tensor belongs to the parent process")
        assert "numpy" in said
    assert x.item() == 1


def test_what_the_child_drops_is_not_freed_for_the_parent(session, address):
    x = Tensor([1.0]).realize()
    y = x + 1

    def child():
        nonlocal x, y
        del x, y
        tensord.disconnect()
        return (Tensor([2.0]) + 1).item()

    assert in_child(child) == 3
    assert (x + y).item() == 3
    assert session.synchronize()


def test_locks_that_another_thread_held_are_free_in_the_child(session, address):
    held, over = threading.Event(), threading.Event()

    def hold():
        with session.lock, recording._recording, GENERATOR._lock:
            held.set()
            over.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)

    def child():
        traced = tensord.jit(lambda a: a * 3)
        return traced(Tensor([2.0])).item(), Tensor.rand(3).shape

    try:
        assert in_child(child) == (6.0, (3,))
    finally:
        over.set()
        holder.join()
    assert (Tensor([1.0]) + 1).item() == 2


def test_randomness_goes_on_in_the_child(session, address):
    Tensor.manual_seed(3)
    Tensor.rand(2).numpy()
    assert in_child(lambda: Tensor.rand(2).tolist()) == Tensor.rand(2).tolist()


def _double(tensor):
    return (tensor * 2).tolist()


def test_a_pool_takes_tensors_by_copy_and_by_name(session, address):
    copied, shared = Tensor([1.0, 2.0]), Tensor(np.arange(3, dtype=np.float32))
    shared.share(ttl=60)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(_double, [copied, shared]) == [[2, 4], [0, 2, 4]]


def test_a_fork_error_is_a_runtime_error():
    assert issubclass(errors.ForkError, RuntimeError)
