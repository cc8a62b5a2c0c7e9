"""The core bars: memory-bound kernels against a hand-written loop, the digits training step against
PyTorch and tinygrad, and nodes through the session core.

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
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/release"
ROWS = [
    "elementwise chain, 16 Mi",
    "sum, 16 Mi",
    "digits training step, PyTorch eager",
    "digits training step, tinygrad DEV=CPU",
    "session nodes",
    "planning, MNIST step",
    "planning, ResNet-50",
    "planning, ResNet-50 step",
    "planning, GPT-2 block step",
    "planning, GPT-2 step, 12 blocks",
]
TURNS = 3

OURS = """
import sys, time
sys.path.insert(0, {examples!r})
import digits
from tensord import Context, synchronize
trainer = digits.Trainer(digits.load(0), 40, 0)
with Context(TRAINING=1):
    trainer.begin(0)
    for step in range(10 + {steps}):
        if step % trainer.steps == 0:
            trainer.begin(0)
        if step == 10:
            synchronize()
            start = time.perf_counter()
        loss = trainer.step()
        if step % 10 == 9:
            loss.item()
    synchronize()
print((time.perf_counter() - start) / {steps})
"""


def output(command: list[str], **env: str) -> str:
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, check=True
    )
    return done.stdout


def row(name: str, **fields: Any) -> dict[str, Any]:
    base = dict.fromkeys(
        ["unit", "threads", "ours", "peer", "peer_name", "peer_version", "ratio", "limit",
         "of_limit", "max_error", "allowed", "spread"]
    )  # fmt: skip
    return {"name": name, **base, **fields}


def loops() -> list[dict[str, Any]]:
    lines = output([str(BUILD / "tests/bench/bench_core_loops"), "2"]).splitlines()
    return [row(**json.loads(line)) for line in lines]


def nodes() -> dict[str, Any]:
    found = json.loads(output([str(BUILD / "tests/bench/bench_session_nodes")]))
    return row(found["name"], unit=found["unit"], threads=1, ours=found["ours"])


def planning() -> list[dict[str, Any]]:
    """Milliseconds from graph to plan; allowed: 50, or as many per 5,000 nodes of a larger one."""
    lines = output([str(BUILD / "tests/bench/bench_plan")]).splitlines()
    rows = []
    for found in map(json.loads, lines):
        limit = found["allowed"]
        rows.append(
            row(found["name"], unit=found["unit"], threads=1, ours=found["ours"], limit=limit,
                of_limit=limit / found["ours"])
        )  # fmt: skip
    return rows


def versions(python: str, *names: str) -> list[str]:
    code = "from importlib.metadata import version as v;" + ";".join(
        f"print(v({name!r}))" for name in names
    )
    return output([python, "-c", code]).split()


def digits() -> list[dict[str, Any]]:
    peers = os.environ["BENCH_PEERS_PYTHON"]
    script = str(Path(__file__).with_name("digits_peers.py"))
    code = OURS.format(examples=str(ROOT / "clients/python/examples"), steps=100)
    times: dict[str, list[float]] = {"ours": [], "torch": [], "tinygrad": []}
    for _ in range(TURNS):
        path = f"{BUILD / 'server'}:{os.environ['PATH']}"
        times["ours"].append(float(output([sys.executable, "-c", code], PATH=path)))
        times["torch"].append(float(output([peers, script, "torch", "100"])))
        times["tinygrad"].append(float(output([peers, script, "tinygrad", "20"], DEV="CPU")))
    rows = []
    names = [("torch", "PyTorch eager"), ("tinygrad", "tinygrad DEV=CPU")]
    for (key, name), version in zip(names, versions(peers, "torch", "tinygrad"), strict=True):
        ours, peer = statistics.median(times["ours"]), statistics.median(times[key])
        spread = max(times["ours"]) / min(times["ours"])
        rows.append(
            row(f"digits training step, {name}", unit="s", threads=2, ours=ours, peer=peer,
                peer_name=name, peer_version=version, ratio=peer / ours, spread=spread)
        )  # fmt: skip
    return rows


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    rows = [*loops(), *digits(), nodes(), *planning()]
    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    for r in rows:
        print(f"{r['name']:<42} ours {r['ours']:.6g} {r['unit']}", end="")
        print(f"  of limit {r['of_limit']}" if r["of_limit"] else f"  ratio {r['ratio']}")
    missing = set(ROWS) - {r["name"] for r in rows}
    if missing:
        print("missing rows:", ", ".join(sorted(missing)))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
