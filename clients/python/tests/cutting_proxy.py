"""A proxy between a client and a Unix socket that cuts connections, on command or by itself."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from typing import Any


class CuttingProxy:
    """Listens at `path` and passes bytes to and from `target`.

    `cut_after` (low, high): each connection ends by itself after so many bytes, drawn anew.
    """

    def __init__(self, path: str, target: str, seed: int = 0) -> None:
        self.target = target
        self.cuts = 0
        self.cut_after: tuple[int, int] | None = None
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(16)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends every connection there is."""
        with self._lock:
            pairs, self._open = self._open, []
        for pair in pairs:
            self.cuts += 1
            _end(*pair)

    def close(self) -> None:
        self.cut_after = None
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(self.target)
                except OSError:
                    client.close()
                    server.close()
                    continue
                with self._lock:
                    self._open.append((client, server))
                limit = self._random.randint(*self.cut_after) if self.cut_after else None
                budget = [limit] if limit is not None else None
                for a, b in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(a, b, budget), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, budget: Any) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if budget is not None:
                    budget[0] -= len(data)
                    if budget[0] < 0:
                        self.cuts += 1
                        data = data[: max(0, len(data) + budget[0])]
                        sink.sendall(data)
                        break
                sink.sendall(data)
        _end(source, sink)


def _end(*sockets: socket.socket) -> None:
    for s in sockets:
        with contextlib.suppress(OSError):
            s.shutdown(socket.SHUT_RDWR)
        s.close()
