"""One thread that moves the bytes of large values for event loops and for the main thread."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any

from tensord.errors import ConnectionLost

__all__ = ["Background", "Job"]

Job = Callable[[Callable[[], bool]], Any]  # is told how to ask whether it is still wanted


class Background:
    """Does jobs one after the other, on a thread that starts with the first. A future that is
    cancelled tells its job so."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._jobs: deque[tuple[Job, Future[Any]]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Job, future: Future[Any] | None = None) -> Future[Any]:
        """Its result, later, in `future` or a new one."""
        future = Future() if future is None else future
        with self._changed:
            if self._closed:
                future.set_exception(ConnectionLost("the session is closed"))
                return future
            self._jobs.append((job, future))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="tensord-transfers", daemon=True
                )
                self._thread.start()
        return future

    def close(self) -> None:
        """Refuses what has not begun."""
        with self._changed:
            self._closed = True
            jobs, self._jobs = self._jobs, deque()
            self._changed.notify()
        for _, future in jobs:
            with suppress(InvalidStateError):
                future.set_exception(ConnectionLost("the session is closed"))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._closed)
                if not self._jobs:
                    return
                job, future = self._jobs.popleft()
            _do(job, future)


def _do(job: Job, future: Future[Any]) -> None:
    if future.cancelled():
        return
    with suppress(InvalidStateError):  # cancelled meanwhile
        try:
            result = job(lambda: not future.cancelled())
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)
