"""Large values through memory shared with the daemon."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import tensord
from tensord import Connection, Tensor


def stat(session: Connection, name: str) -> int:
    return session.stats()[name]


def numbers(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, count, dtype=np.uint8)


@pytest.mark.parametrize("size", [1 << 18, (1 << 19) - 1, (4 << 20) + 1, (9 << 20) + 12345])
def test_values_come_back_as_they_went(session: Connection, size: int) -> None:
    before = stat(session, "bytes_shared")
    sent = numbers(size)
    assert np.array_equal(Tensor(sent).numpy(), sent)
    assert stat(session, "bytes_shared") - before == 2 * size


def test_small_values_go_the_other_way(session: Connection) -> None:
    before = stat(session, "bytes_shared")
    sent = numbers(100_000)
    assert np.array_equal(Tensor(sent).numpy(), sent)
    assert stat(session, "bytes_shared") == before


def test_threads_that_find_it_busy_go_another_way(session: Connection) -> None:
    wrong: list[int] = []

    def to_and_fro(size: int) -> None:
        sent = numbers(size)
        if not np.array_equal(Tensor(sent).numpy(), sent):
            wrong.append(size)

    threads = [threading.Thread(target=to_and_fro, args=((2 << 20) + i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_it_may_be_switched_off(session: Connection) -> None:
    before = stat(session, "bytes_shared")
    with tensord.connect(session.address, default=False, shared_memory=False) as other:
        sent = numbers(1 << 20)
        value = other.put(tensord.dtype.uint8, sent.shape, sent)
        assert other.read(value) == sent.tobytes()
    assert stat(session, "bytes_shared") == before


def test_an_upload_whose_answer_was_lost_is_not_refused(
    session: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = session.transport.shared
    upload = lane.upload

    def lose_the_answer(*arguments: Any) -> bool:
        assert upload(*arguments)
        return False

    monkeypatch.setattr(lane, "upload", lose_the_answer)
    sent = numbers(1 << 20)
    assert np.array_equal(Tensor(sent).numpy(), sent)
