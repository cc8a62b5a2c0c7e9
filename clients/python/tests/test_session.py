"""Frames, credit, bulk bytes, freeing and errors, against a daemon in this process."""

import gc
import os
import threading
import time

import numpy as np
import pytest
from fake_daemon import FakeDaemon

import tensord
from tensord import Tensor, errors
from tensord.graph import span_list


def items(daemon, kind):
    return [getattr(i, kind) for f in daemon.frames for i in f.items if i.HasField(kind)]


def test_nodes_travel_in_one_frame_at_fetch(fake):
    x = Tensor([1.0, 2.0])
    before = len(fake.frames)
    y = ((x + 1) * 2 - x).sum()
    assert y.item() == 7
    sent = fake.frames[before:]
    assert len(sent) <= 2
    assert sum(len(b.op) for b in items(fake, "nodes")) >= 4


def test_256_nodes_make_a_frame(fake):
    x = Tensor([1.0])
    for _ in range(600):
        x = x.neg()
    deadline = time.monotonic() + 5
    while sum(len(b.op) for b in items(fake, "nodes")) < 600 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [len(b.op) for b in items(fake, "nodes")][:2] == [256, 256]


def test_lone_nodes_travel_after_a_moment(fake):
    x = Tensor([1.0])
    y = x + 1
    deadline = time.monotonic() + 5
    while not items(fake, "nodes") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert items(fake, "nodes")
    assert y.shape == (1,)


def test_columns_are_short_where_uniform(fake):
    x = Tensor([1.0, 2.0])
    (x + x).numpy()
    batch = items(fake, "nodes")[-1]
    assert list(batch.n_in) == [2]
    assert list(batch.n_out) == []
    assert list(batch.device) == []
    assert len(batch.source) == 1


def test_strings_and_sources_are_sent_once(fake):
    x = Tensor([1.0])
    for _ in range(3):
        (x + 1).numpy()
    assert len(fake.strings) == len(set(fake.strings))
    places = [s for f in fake.frames for s in f.sources]
    assert len({s.index for s in places}) == len(places)
    assert any(s.file.endswith("test_session.py") for s in places)


def test_dropped_tensors_are_freed_in_spans(fake):
    x = Tensor([1.0])
    for _ in range(100):
        x = x + 1
    x.numpy()
    gc.collect()
    Tensor([2.0]).numpy()
    assert len(fake.freed) >= 99
    frees = items(fake, "free")
    assert sum(len(f.ids) for f in frees) < 10


def test_spans_join_neighbours():
    got = [(s.first, s.count) for s in span_list([3, 4, 5, 9, 11, 12])]
    assert got == [(3, 3), (9, 0), (11, 2)]


def test_small_values_go_inline_and_large_ones_by_upload(fake):
    small, large = np.arange(10, dtype=np.float32), np.arange(400_000, dtype=np.float32)
    a, b = Tensor(small), Tensor(large)
    np.testing.assert_array_equal(a.numpy(), small)
    np.testing.assert_array_equal(b.numpy(), large)
    assert len(items(fake, "put")) == 1
    assert len(items(fake, "bind")) == 1
    assert len(next(iter(fake.uploads.values()))) == large.nbytes


def test_every_dtype_round_trips(fake):
    for name in (
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ):
        x = np.array([0, 1, 1, 0], dtype=name)
        got = Tensor(x).numpy()
        assert got.dtype == x.dtype
        np.testing.assert_array_equal(got, x)


def test_credit_holds_frames_back():
    daemon = FakeDaemon(max_items=3)
    session = tensord.connect(transport=daemon, default=False)
    for _ in range(5):
        session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
        session.flush()
    time.sleep(0.2)
    assert sum(len(f.items) for f in daemon.frames) == 3  # hello, two puts
    session.close(timeout=0.1)


def test_reply_credit_and_acks_are_sent(fake):
    for _ in range(5):
        Tensor([1.0]).numpy()
    assert fake.frames[-1].acked > 0
    assert fake.frames[-1].max_reply_bytes > 1 << 20


def test_a_fault_becomes_the_exception_of_its_reason(fake):
    x = Tensor([1.0])
    x.numpy()
    fake.graph.values[x._v.id] = None
    fake.graph.stored.clear()
    with pytest.raises(errors.ValueProblem, match="not defined"):
        x.numpy()


def test_faults_name_the_op_and_the_line(fake):
    from tensord._proto import session_pb2

    y = Tensor([1.0]) + 1  # the line in question
    y.numpy()
    number = max(s.index for f in fake.frames for s in f.sources)
    error = tensord.session.inbox.fault_error(
        session_pb2.Fault(
            code=8, reason="OUT_OF_MEMORY", message="no room", op="add", source=number
        )
    )
    assert isinstance(error, MemoryError)
    assert error.op == "add"
    assert "test_session.py" in str(error)
    assert "test_faults_name_the_op_and_the_line" in error.source


def test_a_lost_session_raises_for_all_waiters(fake):
    session = tensord.connection()
    session.close()
    with pytest.raises(errors.ConnectionLost):
        session.flush()
    assert fake.closed


def test_many_threads_share_a_session(fake):
    base, results = Tensor([1.0, 2.0]), {}

    def work(k):
        x = base
        for _ in range(50):
            x = x + k
        results[k] = x.tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {k: [1.0 + 50 * k, 2.0 + 50 * k] for k in range(6)}


def test_tensors_of_another_session_are_refused(fake):
    other = tensord.connect(transport=FakeDaemon(), default=False)
    a = Tensor([1.0])
    b = tensord.base.wrap(other.put(tensord.dtypes.float32, (1,), b"\0\0\0\0"))
    with pytest.raises(ValueError, match="another session"):
        a + b
    other.close()


def test_a_child_of_fork_can_not_use_the_parents_tensors(fake):
    x = Tensor([1.0])
    x.numpy()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            x + 1
            os.write(write, b"no error")
        except errors.ForkError:
            os.write(write, b"ForkError")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 100) == b"ForkError"


def test_scalars_are_made_once(fake):
    x = Tensor([1.0])
    y = x
    for _ in range(10):
        y = y * 2 + 1
    y.numpy()
    names = [fake.strings[o] for b in items(fake, "nodes") for o in b.op]
    assert names.count("const") == 2


def test_negative_zero_is_its_own_constant(fake):
    a, b = Tensor([0.0]) * 0.0, Tensor([0.0]) * -0.0
    assert np.signbit(b.numpy())[0]
    assert not np.signbit(a.numpy())[0]


def test_a_timeout_travels_with_what_computes(fake):
    step = tensord.jit(lambda x: x + 1)
    x = Tensor([1.0, 2.0])
    with tensord.timeout(60):
        (x * 2).realize()
        (x * 3).numpy()
        step(x)
        step(x)
        step(x).numpy()
    kinds = ("evaluate", "fetch", "execute")
    sent = [item.timeout_us for kind in kinds for item in items(fake, kind)]
    assert len(sent) >= 4
    assert all(0 < left <= 60_000_000 for left in sent)
    (x * 4).numpy()
    assert items(fake, "fetch")[-1].timeout_us == 0


def test_the_nearest_timeout_counts(fake):
    left = tensord.session.terms.microseconds_left
    with tensord.timeout(60):
        with tensord.timeout(5):
            assert 0 < left() <= 5_000_000
            with tensord.timeout(1000):
                assert 0 < left() <= 5_000_000
        assert left() > 5_000_000
    assert left() == 0


def test_nothing_is_sent_when_the_time_is_over(fake):
    x = Tensor([1.0, 2.0])
    assert (x + 1).numpy().tolist() == [2, 3]
    fetches = len(items(fake, "fetch"))
    with tensord.timeout(0), pytest.raises(errors.DeadlineError):
        (x + 2).numpy()
    assert len(items(fake, "fetch")) == fetches
    assert (x + 2).numpy().tolist() == [3, 4]
