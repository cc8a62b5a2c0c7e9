"""Coroutines: the loop goes on while a value is waited for, and cancelling a task gives it up."""

import asyncio
import threading

import numpy as np
import pytest
from unfinished import Unfinished, wait_until

import tensord
from tensord import Tensor, errors


def test_values_are_awaited(session):
    async def main():
        x = Tensor([[1.0, 2.0], [3.0, 4.0]])
        assert (await (x + 1).anumpy()).tolist() == [[2, 3], [4, 5]]
        assert (await (x + 1).adata()).tolist() == [[2, 3], [4, 5]]
        assert await (x * 2).atolist() == [[2, 4], [6, 8]]
        assert await x.sum().aitem() == 10

    asyncio.run(main())


def test_large_values_are_awaited(session):
    data = np.arange(1 << 20, dtype=np.float32)

    async def main():
        return await (Tensor(data) + 1).anumpy()

    np.testing.assert_array_equal(asyncio.run(main()), data + 1)


def test_the_loop_goes_on_and_no_thread_waits(session):
    upload = Unfinished(session)

    async def main():
        before = threading.active_count()
        tasks = [asyncio.create_task((upload.tensor + k).atolist()) for k in range(50)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert threading.active_count() == before
        assert not any(t.done() for t in tasks)
        await asyncio.to_thread(upload.finish)
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == [[k, k + 1, k + 2] for k in range(50)]


def test_a_cancelled_task_gives_the_fetch_up_and_keeps_the_session(session):
    upload = Unfinished(session)
    y = upload.tensor + 1

    async def main():
        task = asyncio.create_task(y.anumpy())
        await asyncio.to_thread(wait_until, session, 3)  # the upload, the run, the Fetch
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_until, session, 1)

    asyncio.run(main())
    with pytest.raises(errors.CancelledError, match="given up"):
        y.numpy()
    again = upload.tensor + 1
    upload.finish()
    assert again.tolist() == [1, 2, 3]


def test_a_timeout_of_asyncio_gives_the_fetch_up(session):
    upload = Unfinished(session)

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for((upload.tensor * 3).anumpy(), 0.05)
        await asyncio.to_thread(wait_until, session, 1)

    asyncio.run(main())
    upload.finish()
    assert (upload.tensor * 3).tolist() == [0, 3, 6]


def test_what_others_wait_for_is_not_given_up(session):
    upload = Unfinished(session)
    y = (upload.tensor + 1).realize()

    async def main():
        given_up, kept = (asyncio.create_task(y.atolist()) for _ in range(2))
        await asyncio.to_thread(wait_until, session, 4)
        given_up.cancel()
        await asyncio.to_thread(wait_until, session, 3)
        await asyncio.to_thread(upload.finish)
        return await kept

    assert asyncio.run(main()) == [1, 2, 3]


def test_a_download_that_is_given_up_ends_and_the_next_one_comes(session):
    x = Tensor(np.arange(8 << 20, dtype=np.float32)).realize()

    async def main():
        task = asyncio.create_task(x.anumpy())
        while not session._background._thread:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await x.anumpy()

    assert asyncio.run(main())[-1] == (8 << 20) - 1


def test_arealize_waits_and_raises_what_failed(session):
    async def main():
        a, b = Tensor([1.0]) + 1, Tensor([2.0]) + 1
        assert await a.arealize(b) is a
        assert (a.item(), b.item()) == (2, 3)
        upload = Unfinished(session)
        task = asyncio.create_task((upload.tensor + 5).arealize())
        await asyncio.to_thread(wait_until, session, 3)  # the upload, the run, the Barrier
        with tensord.timeout(0.05), pytest.raises(errors.DeadlineError):
            await (upload.tensor * 7).arealize()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(upload.finish)
        return await (upload.tensor + 5).atolist()

    assert asyncio.run(main()) == [5, 6, 7]


def test_sessions_open_and_synchronize_without_blocking(session):
    async def main():
        async_session = await tensord.aconnect(session.address, default=False)
        assert await async_session.asynchronize()
        async_session.close()
        y = (Tensor([1.0]) + 1).realize()
        await tensord.asynchronize()
        assert session.describe([y._v])[0].state == 4  # ready

    asyncio.run(main())


def test_a_lost_session_ends_the_wait(session):
    upload = Unfinished(session)

    async def main():
        task = asyncio.create_task(upload.tensor.anumpy())
        await asyncio.sleep(0)
        session.close()
        with pytest.raises(errors.ConnectionLost):
            await task

    asyncio.run(main())
