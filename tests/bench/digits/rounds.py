"""Programs that take turns: each is started and warmed up once, then measured round by round.

A program calls `serve(run)`; whoever measures holds one `Contender` for each and asks them in turn,
so that what slows the machine down for a while slows all of them down.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence


def serve(run: Callable[[int], float]) -> None:
    """The program's side: `run(steps)` answers seconds per step."""
    run(10)  # compiles
    run(10)
    print("ready", flush=True)
    for line in sys.stdin:
        print(run(int(line)), flush=True)


class Contender:
    """A program that serves, and its times."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.name = name
        self.times: list[float] = []
        self._process = subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if self._answer() != "ready":
            raise RuntimeError(f"{name} did not start")

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise RuntimeError(f"{self.name} ended with exit status {self._process.wait()}")
        return line

    def measure(self, steps: int) -> None:
        """Adds one time."""
        assert self._process.stdin is not None
        print(steps, file=self._process.stdin, flush=True)
        self.times.append(float(self._answer()))

    def close(self) -> None:
        """Lets the program end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
