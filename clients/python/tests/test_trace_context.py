"""Trace contexts: what this program asks for is seen under its trace in the daemon's logs."""

import asyncio
import re
import sys
import threading
from types import SimpleNamespace

import pytest

import tensord
from tensord import Connection, Tensor, jit
from tensord.session.daemon import PrivateDaemon, find_binary
from tensord.session.trace_context import current_traceparent

SPAN = "b7ad6b7169203331"
A, B = "a" * 32, "b" * 32


def of(trace):
    return f"00-{trace}-{SPAN}-01"


def traces(daemon, kind):
    """The traceparents of the frames with such an item."""
    return [f.traceparent for f in daemon.frames if any(i.HasField(kind) for i in f.items)]


def test_what_is_asked_for_within_a_block_is_of_its_trace(fake):
    x = Tensor([1.0])
    x.numpy()
    with tensord.traceparent(of(A)):
        (x + 1).numpy()
        with tensord.traceparent(of(B)):
            (x + 2).numpy()
        with tensord.traceparent(""):
            (x + 3).numpy()
        (x + 4).numpy()
    (x + 5).numpy()
    assert traces(fake, "fetch") == ["", of(A), of(B), "", of(A), ""]


def test_a_change_of_trace_seals_the_frame(fake):
    session = tensord.connection()
    x = Tensor([1.0])
    with session.lock:  # nothing leaves by itself
        x = x + 1
        with tensord.traceparent(of(A)):
            x = x + 2
            x = x * 2
        with tensord.traceparent(of(B)):
            x = x + 3
    assert x.item() == 11
    batches = [
        (f.traceparent, sum(len(i.nodes.op) for i in f.items))
        for f in fake.frames
        if any(i.HasField("nodes") for i in f.items)
    ]
    assert [(t, n) for t, n in batches if t] == [(of(A), 3), (of(B), 2)]  # with constants
    assert batches[0][0] == ""


def test_a_trace_is_of_its_thread_and_of_its_task(fake):
    x = Tensor([1.0])
    x.numpy()

    async def read(trace):
        with tensord.traceparent(of(trace)):
            await asyncio.sleep(0)
            await (x + 1).aitem()

    async def both():
        await asyncio.gather(read(A), read(B))

    asyncio.run(both())
    assert sorted(traces(fake, "fetch")[1:]) == [of(A), of(B)]
    with tensord.traceparent(of(A)):
        other = threading.Thread(target=x.numpy)
        other.start()
        other.join()
    assert traces(fake, "fetch")[3:] == [""]


def test_a_jitted_call_is_of_the_trace_it_is_called_in(fake):
    @jit
    def double(x):
        return x * 2

    x = Tensor([3.0]).realize()
    for trace in (A, A, B):
        with tensord.traceparent(of(trace)):
            assert double(x).item() == 6
    assert traces(fake, "execute")[-1] == of(B)


def test_opentelemetrys_current_span_is_taken(fake, monkeypatch):
    none = SimpleNamespace(is_valid=False)
    span = SimpleNamespace(is_valid=True, trace_id=0xA, span_id=0xB, trace_flags=1)
    current = [none]
    get = lambda: SimpleNamespace(get_span_context=lambda: current[0])  # noqa: E731
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", SimpleNamespace(get_current_span=get))
    assert current_traceparent() == ""
    current[0] = span
    assert current_traceparent() == f"00-{10:032x}-{11:016x}-01"
    Tensor([1.0]).numpy()
    assert traces(fake, "fetch") == [current_traceparent()]
    with tensord.traceparent(of(A)):
        assert current_traceparent() == of(A)


@pytest.mark.parametrize("good", [of(A), of(A)[:-1] + "0", "01" + of(A)[2:] + "-more"])
def test_what_the_specification_allows_is_taken(good):
    with tensord.traceparent(good):
        assert current_traceparent() == good


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        of("0" * 32),
        of(A).replace(SPAN, "0" * 16),
        "ff" + of(A)[2:],
        of(A)[:-1],
        of(A) + "-more",
        of(A) + "1",
        of("A" * 32),
        of(A).replace("-", "_", 1),
        of(A) + "\n",
    ],
)
def test_what_is_no_traceparent_is_a_value_error(bad):
    expected = re.escape(f"traceparent {bad!r}; expected 00-TRACE-SPAN-FLAGS")
    with pytest.raises(ValueError, match=expected), tensord.traceparent(bad):
        pass


def test_the_daemon_logs_the_trace():
    if find_binary() is None:
        pytest.skip("no tensord binary")
    flags = ("--slow-command=1us", "--log-level=warning", "--cache-dir=off", "--drain-delay=0s")
    daemon = PrivateDaemon(arguments=flags)
    with Connection(daemon.address) as session:
        x = session.put(tensord.dtypes.float32, (), b"\0\0\0\0")
        for trace in (A, B):
            with tensord.traceparent(of(trace)):
                session.read(x)
        session.read(x)
    daemon.process.terminate()
    daemon.process.wait(30)
    lines = [line for line in daemon.log.read_text().splitlines() if "slow command" in line]
    daemon.stop()
    found = [re.search(r"trace_id=(\w+)", line) for line in lines if "op=Fetch" in line]
    assert [m and m[1] for m in found] == [A, B, None]
