"""Publish, Lookup, Unpublish: generations, waiting, the end of a publication, shared pickles."""

import asyncio
import os
import pickle
import subprocess
import sys
import threading
import time
import uuid

import numpy as np
import pytest

import tensord
from tensord import Tensor, errors
from tensord.session.connection import Connection


@pytest.fixture
def name():
    """One that no other test uses."""
    return f"test/{uuid.uuid4().hex}"


@pytest.fixture
def other(session):
    """Another session of the same principal."""
    with Connection(session.address) as made:
        yield made


def read(session, found):
    return {
        path: np.frombuffer(session.read(value), value.dtype.np).tolist()
        for path, value in found[1].items()
    }


def test_what_is_published_is_found_by_another_session(session, other, name):
    made = tensord.publish(name, {"w": Tensor([1.0, 2.0]) * 2, "b": Tensor([3])})
    assert made == (f"{session.welcome.principal}/{name}", 1)
    found = other.lookup(name, None, 0, None)
    assert found[0] == made
    assert read(other, found) == {"w": [2.0, 4.0], "b": [3]}
    assert read(other, other.lookup(made.name, ["w"], 0, None)) == {"w": [2.0, 4.0]}


def test_tensors_are_looked_up_with_their_types(session, name):
    tensord.publish(name, {"w": Tensor(np.ones((2, 3), np.float16))})
    found = tensord.lookup(name)
    assert (found.name, found.generation) == (f"{session.welcome.principal}/{name}", 1)
    assert found["w"].shape == (2, 3)
    assert found["w"].dtype is tensord.dtypes.float16
    assert (found["w"] + 1).tolist() == [[2, 2, 2], [2, 2, 2]]


def test_each_publish_is_a_generation_and_readers_keep_theirs(session, other, name):
    tensord.publish(name, {"w": Tensor([1.0])})
    first = other.lookup(name, None, 0, None)
    assert tensord.publish(name, {"w": Tensor([2.0])}).generation == 2
    assert read(other, other.lookup(name, None, 0, None)) == {"w": [2.0]}
    assert read(other, first) == {"w": [1.0]}


def test_a_lookup_waits_for_its_generation(session, other, name):
    tensord.publish(name, {"w": Tensor([1.0])})
    found = []
    waiting = threading.Thread(target=lambda: found.append(other.lookup(name, None, 2, 30)))
    waiting.start()
    while not other._inbox._waiting:
        time.sleep(0.001)
    assert found == []
    tensord.publish(name, {"w": Tensor([2.0])})
    waiting.join(30)
    assert read(other, found[0]) == {"w": [2.0]}


def test_a_lookup_gives_up_in_time(session, name):
    with pytest.raises(KeyError, match="was not published in time"):
        tensord.lookup(name, ["w"], generation=1, timeout=0.05)
    with tensord.timeout(0.05), pytest.raises(errors.NotFoundError):
        tensord.lookup(name, ["w"], generation=1)
    assert (Tensor([1.0]) + 1).item() == 2


def test_what_is_not_there_is_a_key_error(session, name):
    with pytest.raises(KeyError, match="no publication"):
        tensord.lookup(name)
    tensord.publish(name, {"w": Tensor([1.0])})
    with pytest.raises(KeyError, match='no entry "b"'):
        tensord.lookup(name, ["b"])
    with pytest.raises(ValueError, match="no paths"):
        tensord.lookup(name, [])


def test_unpublish_ends_the_name_and_readers_keep_values(session, other, name):
    made = tensord.publish(name, {"w": Tensor([1.0])})
    found = other.lookup(name, None, 0, None)
    tensord.unpublish(made)
    with pytest.raises(KeyError):
        other.lookup(name, None, 0, None)
    with pytest.raises(KeyError):
        tensord.unpublish(name)
    assert read(other, found) == {"w": [1.0]}


def test_an_unpublish_takes_no_failure_from_the_next_barrier(session, name):
    tensord.publish(name, {"w": Tensor([1.0])})
    x = Tensor([1.0])._v
    bad = session.add("reshape", (x,), (("dims", "dims", (7,)),), x.dtype, (7,), 0)
    tensord.unpublish(name)
    assert not session.synchronize()
    assert session.synchronize()
    assert session.describe([bad])[0].state == 5  # poisoned


def test_a_ttl_ends_the_name(session, name):
    before = session.stats()["publications"]
    tensord.publish(name, {"w": Tensor([1.0])}, ttl=0.05)
    end = time.monotonic() + 10
    while session.stats()["publications"] > before and time.monotonic() < end:
        time.sleep(0.01)
    with pytest.raises(KeyError):
        tensord.lookup(name)
    with pytest.raises(ValueError, match="ttl"):
        tensord.publish(name, {"w": Tensor([1.0])}, ttl=0)


def test_a_bad_name_is_a_value_error(session):
    with pytest.raises(ValueError, match="name"):
        tensord.publish("no spaces", {"w": Tensor([1.0])})


def test_lookups_are_awaited_and_given_up(session, other, name):
    async def main():
        task = asyncio.create_task(tensord.alookup(name, ["w"], generation=1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        task = asyncio.create_task(tensord.alookup(name, ["w"], generation=1))
        await asyncio.sleep(0)
        await tensord.apublish(name, {"w": Tensor([5.0])})
        return await (await task)["w"].aitem()

    assert asyncio.run(main()) == 5


READER = """
import pickle, sys
from tensord import errors
try:
    x = pickle.load(sys.stdin.buffer)
    print(x.tolist(), x.dtype.name, x.requires_grad)
except errors.NotFoundError as error:
    print("NotFoundError", error)
"""


def load_elsewhere(address, tensor):
    done = subprocess.run(
        [sys.executable, "-c", READER],
        env={**os.environ, "TENSORD_ADDR": address},
        input=pickle.dumps(tensor),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return done.stdout.decode().strip()


def test_a_pickle_is_a_host_copy(session):
    x = Tensor([1.0, 2.0])
    assert load_elsewhere(session.address, x) == "[1.0, 2.0] float32 True"


def test_a_shared_tensor_pickles_as_its_name(session):
    x = Tensor(np.zeros(100_000, np.float32)) + 1
    y = x.reshape(100, 1000)[:1, :2].contiguous()
    made = y.share(ttl=60)
    before = session.stats()["bytes_downloaded"]
    assert load_elsewhere(session.address, y) == "[[1.0, 1.0]] float32 False"
    x.share(name=made.name.partition("/")[2] + ".x")
    assert len(pickle.dumps(x)) < 1000
    assert session.stats()["bytes_downloaded"] == before
    tensord.unpublish(made)
    assert "NotFoundError" not in load_elsewhere(session.address, y)  # a copy again


def test_a_shared_pickle_that_ended_says_so(session):
    x = Tensor([1.0])
    x.share(ttl=60)
    raw = pickle.dumps(x)
    tensord.unpublish(session.shares[x._v.id].name)
    with pytest.raises(errors.NotFoundError, match="may have ended"):
        pickle.loads(raw)


def test_a_shared_pickle_of_another_daemon_says_so(session):
    x = Tensor([1.0])
    x.share(ttl=60)
    raw = pickle.dumps(x)
    session.welcome.epoch += 1
    with pytest.raises(errors.NotFoundError, match="another daemon"):
        pickle.loads(raw)


def test_what_was_assigned_since_is_pickled_not_what_was_shared(session):
    x = Tensor([1.0])
    x.share(ttl=60)
    x.assign(x + 1)
    assert pickle.loads(pickle.dumps(x)).item() == 2


def test_publishing_leaves_a_donated_state_alone(session, name):
    total = Tensor([0.0]).realize()

    @tensord.jit
    def step(k):
        total.assign(total + k)

    one = Tensor([1.0])
    step(one)
    tensord.publish(name, {"total": total})
    for _ in range(3):
        step(one)
    assert tensord.lookup(name)["total"].item() == 1
    assert total.item() == 4


def test_what_is_known_of_a_published_value_ends_with_it(session, name):
    x = Tensor([1.0])
    tensord.publish(name, {"w": x})
    found = tensord.lookup(name)
    assert len(session.shares) == 2
    del x, found
    session.synchronize()
    assert session.shares == {}
