"""How many operations a second Python `Tensor` expressions record, against tinygrad building the
same graph.

    BENCH_PEERS_PYTHON=build/bench-venv/bin/python .venv/bin/python tests/bench/wire_python.py

Prints one row of `deploy/dev bench wire`. Our side records into a session with a daemon that has
the device `null` alone: each operation's shape and dtype are found, its node is sent, checked and
applied, and what an expression leaves behind is freed; the clock stops when the daemon has applied
everything. tinygrad builds the expression in its process and drops it. Both take turns.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from digits.rounds import Contender, serve

ROOT = Path(__file__).resolve().parents[2]
ROUNDS, EXPRESSIONS = 15, 4000
OPERATIONS = 13  # of an expression


def expression(x: Any, y: Any) -> Any:
    """Elementwise and shape operations on two tensors of f32[8,16]."""
    a = x * y + x
    b = (a - y).sqrt()
    c = b.reshape(16, 8).permute(1, 0)
    d = (c + x).reshape(8, 1, 16).expand(8, 4, 16)
    e = (d * 2.0 + 1.0).maximum(d)
    return -e


def timed(expressions: int, x: Any, y: Any, finish: Callable[[], object]) -> float:
    """Seconds per expression."""
    start = time.perf_counter()
    for _ in range(expressions):
        expression(x, y)
    finish()
    return (time.perf_counter() - start) / expressions


def serve_ours() -> None:
    import tensord
    from tensord.session.daemon import PrivateDaemon

    daemon = PrivateDaemon(arguments=("--device=null", "--cache-dir=off", "--drain-delay=0s"))
    session = tensord.connect(daemon.address)
    x, y = (tensord.Tensor(np.ones((8, 16), np.float32)) for _ in range(2))
    expression(x, y)  # makes the constants
    first = session.next_id
    expression(x, y)
    if session.next_id - first != OPERATIONS:
        raise SystemExit(f"{session.next_id - first} nodes recorded, expected {OPERATIONS}")
    serve(lambda expressions: timed(expressions, x, y, session.synchronize))
    session.close()
    daemon.stop()


def serve_tinygrad() -> None:
    from tinygrad import Tensor

    x, y = Tensor.empty(8, 16), Tensor.empty(8, 16)
    serve(lambda expressions: timed(expressions, x, y, lambda: None))


def peers_python() -> str:
    return os.environ.get("BENCH_PEERS_PYTHON", str(ROOT / "build/bench-venv/bin/python"))


def tinygrad_version(python: str) -> str:
    code = "from importlib.metadata import version; print(version('tinygrad'))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def row() -> dict[str, Any]:
    """Operations per second, medians over rounds in turn."""
    binary = ROOT / "build/release/server/tensord"
    me = str(Path(__file__).resolve())
    ours = Contender("ours", [sys.executable, me, "ours"], {"TENSORD_BIN": str(binary)})
    python = peers_python()
    peer = Contender("tinygrad", [python, me, "tinygrad"], {"DEV": "CPU"})
    for _ in range(ROUNDS):
        ours.measure(EXPRESSIONS)
        peer.measure(EXPRESSIONS // 10)
    ours.close()
    peer.close()
    middle = statistics.median(ours.times)
    low, _, high = statistics.quantiles(ours.times, n=4)
    ratios = [theirs / mine for theirs, mine in zip(peer.times, ours.times, strict=True)]
    return {
        "name": "Python Tensor expressions",
        "unit": "op/s",
        "threads": 1,
        "ours": OPERATIONS / middle,
        "peer": OPERATIONS / statistics.median(peer.times),
        "peer_name": "tinygrad, building the same graph",
        "peer_version": tinygrad_version(python),
        "ratio": statistics.median(ratios),
        "spread": (high - low) / middle,
    }


if __name__ == "__main__":
    side = sys.argv[1] if len(sys.argv) > 1 else ""
    if side == "ours":
        serve_ours()
    elif side == "tinygrad":
        serve_tinygrad()
    else:
        print(json.dumps(row()))
