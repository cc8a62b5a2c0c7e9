"""A daemon of one's own: started, waited for, and gone with this process."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from tensord.errors import ConnectionLost, DaemonNotFound

__all__ = ["PrivateDaemon", "find_binary", "is_private", "spawn_private"]

_READY: Final = "listening "
_PATIENCE: Final = 30.0  # seconds until a daemon that says nothing is given up


def find_binary() -> str | None:
    """$TENSORD_BIN, `tensord` on PATH, or what this source tree built."""
    given = os.environ.get("TENSORD_BIN")
    if given:
        return given
    on_path = shutil.which("tensord")
    if on_path:
        return on_path
    for parent in Path(__file__).resolve().parents:
        for preset in ("release", "dev"):
            built = parent / "build" / preset / "server" / "tensord"
            if built.is_file() and os.access(built, os.X_OK):
                return str(built)
    return None


class PrivateDaemon:
    """A child process that serves a Unix socket in a folder of its own.

    Ends at `stop`, at the end of this process, or when this process dies. Raises DaemonNotFound
    without a binary and ConnectionLost, with what it wrote, if it does not come up.
    """

    def __init__(
        self,
        binary: str | None = None,
        arguments: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        self.binary = binary or find_binary()
        if self.binary is None:
            raise DaemonNotFound(
                "no daemon listens and no binary was found to start one; set "
                "$TENSORD_ADDR or $TENSORD_BIN, or put tensord on PATH"
            )
        self.owner = os.getpid()
        self._arguments, self._environment = arguments, environment or {}
        self.start()
        atexit.register(self.stop)

    def start(self) -> None:
        """Starts the process, in a new folder; done by the constructor."""
        self.folder = tempfile.mkdtemp(prefix="tensord-")
        self.log = Path(self.folder) / "log"
        address = f"unix://{self.folder}/tensord.sock"
        command = [str(self.binary), f"--listen={address}", "--exit-with-parent", *self._arguments]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._environment},
                start_new_session=True,
            )
        self.address = self._await_ready()

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def _await_ready(self) -> str:
        assert self.process.stdout is not None
        lines: list[str] = []
        ready = threading.Event()
        reader = threading.Thread(
            target=_read_lines, args=(self.process.stdout, lines, ready), daemon=True
        )
        reader.start()
        deadline = time.monotonic() + _PATIENCE
        while not ready.wait(0.05):
            if self.process.poll() is not None or time.monotonic() > deadline:
                break
        address = next(
            (x[len(_READY) :].strip() for x in list(lines) if x.startswith(_READY)), None
        )
        if address is None:
            said = self.log.read_text(errors="replace")[-2000:]
            self.stop()
            raise ConnectionLost(f"{self.binary} did not come up; it wrote:\n{said}")
        return address

    def stop(self, timeout: float = 5.0) -> None:
        """Ends the daemon and removes its folder. Only in the process that started it."""
        if os.getpid() != self.owner:
            return
        atexit.unregister(self.stop)
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _read_lines(stream: IO[bytes], lines: list[str], ready: threading.Event) -> None:
    try:
        for raw in stream:
            line = raw.decode(errors="replace")
            lines.append(line)
            if line.startswith(_READY):
                ready.set()
    except ValueError:  # closed by stop
        return


_private: list[PrivateDaemon] = []


def spawn_private() -> str:
    """The address of this process's private daemon, started if need be."""
    alive = [d for d in _private if d.owner == os.getpid() and d.alive]
    if not alive:
        alive = [PrivateDaemon(arguments=("--drain-delay=0s",))]
        _private[:] = alive
    return alive[0].address


def is_private(address: str) -> bool:
    """Whether it is that of a private daemon of this process."""
    return any(d.address == address for d in _private)
