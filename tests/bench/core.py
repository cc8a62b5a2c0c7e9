"""The core bars: memory-bound kernels against a hand-written loop, matmul on one core against
OpenBLAS, the digits training step against PyTorch and tinygrad, nodes through the session core,
compile workers, planning.

    deploy/dev bench core --json FILE

Every row of ROWS must come out; a missing one fails. Peers run in the same run, turn by turn;
figures are medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from digits.rounds import Contender
from rows import BUILD, FIELDS, Bar, describe, missing

HERE = Path(__file__).resolve().parent
# The rows, and the bar of each: which field, and at least what.
ROWS: dict[str, Bar | None] = {
    "elementwise chain, 16 Mi": ("of_limit", 0.85),
    "sum, 16 Mi": ("of_limit", 0.85),
    "matmul 1008 x 1024 x 960, f32": ("ratio", 0.9),
    "digits training step, PyTorch eager": ("ratio", 0.7),
    "digits training step, tinygrad DEV=CPU": ("ratio", 5),
    "session nodes": ("ours", 1e6),
    "planning, MNIST step": None,
    "planning, ResNet-50": None,
    "planning, ResNet-50 step": None,
    "planning, GPT-2 block step": None,
    "planning, GPT-2 step, 12 blocks": None,
    "round trip to a compile worker, 4 KiB": None,
    "smallest compile in a worker": None,
}
# Programs that print rows, one JSON object a line.
PROGRAMS = [
    ["core_loops", "2"],
    ["llvm_matmul"],
    ["session_nodes"],
    ["llvm_round_trip"],
    ["plan"],
]
ROUNDS, STEPS = 9, 50


def output(command: Sequence[str]) -> str:
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def printed_rows(program: Sequence[str]) -> list[dict[str, Any]]:
    """The rows that a benchmark program prints; none if it fails."""
    command = [str(BUILD / "tests/bench" / f"bench_{program[0]}"), *program[1:]]
    try:
        return [json.loads(line) for line in output(command).splitlines()]
    except (OSError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return []


def version(python: str, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return output([python, "-c", code]).strip()


def digits_rows() -> list[dict[str, Any]]:
    """Our step, PyTorch's and tinygrad's, taking turns at two threads."""
    python = os.environ["BENCH_PEERS_PYTHON"]
    peers = str(HERE / "digits/peers.py")
    path = f"{BUILD / 'server'}:{os.environ['PATH']}"
    ours = Contender(
        "ours",
        [sys.executable, str(HERE / "digits/ours.py")],
        {"PATH": path, "TENSORD_THREADS": "2", "TENSORD_DEVICE": "llvm"},
    )
    torch = Contender("PyTorch eager", [python, peers, "torch"], {"OMP_NUM_THREADS": "2"})
    tiny_env = {"DEV": "CPU", "NUM_CPU_THREADS": "2", "PATH": f"{Path(python).parent}:{path}"}
    tinygrad = Contender("tinygrad DEV=CPU", [python, peers, "tinygrad"], tiny_env)
    for _ in range(ROUNDS):
        for contender in (ours, torch, tinygrad):
            contender.measure(STEPS)
    for contender in (ours, torch, tinygrad):
        contender.close()
    middle = statistics.median(ours.times)
    low, _, high = statistics.quantiles(ours.times, n=4)
    rows = []
    for peer, package in ((torch, "torch"), (tinygrad, "tinygrad")):
        ratios = [theirs / mine for theirs, mine in zip(peer.times, ours.times, strict=True)]
        rows.append(
            {
                "name": f"digits training step, {peer.name}",
                "unit": "s",
                "threads": 2,
                "ours": middle,
                "peer": statistics.median(peer.times),
                "peer_name": peer.name,
                "peer_version": version(python, package),
                "ratio": statistics.median(ratios),
                "spread": (high - low) / middle,
            }
        )
    return rows


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    found = [row for program in PROGRAMS for row in printed_rows(program)]
    found += digits_rows()
    rows = [{field: row.get(field) for field in FIELDS} for row in found]
    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    for row in rows:
        print(describe(row, ROWS.get(row["name"])))
    return missing(rows, ROWS)


if __name__ == "__main__":
    sys.exit(main())
