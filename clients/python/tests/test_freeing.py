"""Freeing is an append: safe in the garbage collector, in any thread, and while a lock is held."""

import gc
import threading

import numpy as np

import tensord
from tensord import Tensor


def test_a_value_is_freed_while_another_thread_holds_the_lock(fake):
    session, x = tensord.connection(), Tensor([1.0])
    y = x + 1
    id_ = y._v.id
    held, over = threading.Event(), threading.Event()

    def hold():
        with session.lock:
            held.set()
            over.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    del y  # does not wait for the lock
    assert id_ in session._dropped
    over.set()
    holder.join()
    x.numpy()
    x.numpy()
    assert id_ in fake.freed


def test_a_collection_in_the_middle_of_recording_frees_what_it_finds(fake):
    x = Tensor(np.arange(4, dtype=np.float32))

    class Cycle:
        def __init__(self, tensor):
            self.tensor, self.me = tensor, self

    gc.disable()
    made = [Cycle(x + k) for k in range(50)]
    ids = {c.tensor._v.id for c in made}
    del made
    before = gc.get_threshold()
    gc.set_threshold(1)  # a collection at nearly every allocation from here on
    gc.enable()
    try:
        for k in range(300):
            x = x + k
        assert x.tolist() == [sum(range(300)) + i for i in range(4)]
    finally:
        gc.set_threshold(*before)
    gc.collect()
    Tensor([1.0]).numpy()
    Tensor([1.0]).numpy()
    assert ids <= set(fake.freed)
    assert len(fake.freed) == len(set(fake.freed))


def test_values_that_other_threads_drop_are_freed_once(session):
    x = Tensor(np.arange(4, dtype=np.float32))
    made = [[x + j for j in range(100)] for _ in range(8)]
    sums = []

    def work(tensors):
        sums.append(sum(t.sum().item() for t in tensors))
        tensors.clear()
        gc.collect()

    threads = [threading.Thread(target=work, args=(m,)) for m in made]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sums == [sum(6 + 4 * j for j in range(100))] * 8
    assert session.synchronize()  # a second Free of an id would be a failure


def test_threads_record_read_and_run_programs_in_one_session(session):
    @tensord.jit
    def step(x, k):
        return (x * 2 + k).sum()

    base = Tensor(np.ones((4, 4), np.float32))
    results, errors = {}, []

    def work(k):
        try:
            x = base
            for _ in range(100):
                x = (x + k).reshape(2, 8).permute(1, 0).reshape(4, 4)
            results[k] = (x.sum().item(), step(x, Tensor([float(k)])).item())
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    elements = {k: 1 + 100 * k for k in range(8)}
    assert results == {k: (16 * e, 16 * (2 * e + k)) for k, e in elements.items()}
