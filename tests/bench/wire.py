"""The wire: round trips, bulk bytes and nodes of a daemon in a process of its own, against gRPC
servers that hold no other service (the faster of completion queue and callback is the peer), over a
Unix socket and TCP.

    deploy/dev bench wire --json FILE

Every row of ROWS must come out; a missing one fails. All ends are processes of their own and take
turns; figures are medians.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digits.rounds import Contender
from rows import BUILD, FIELDS, describe, missing, row

PROGRAM = BUILD / "tests/bench/bench_wire"
TOKEN = "bench-token-of-32-bytes-00000000"
ROUNDS, BULK_ROUNDS = 7, 7
# What is measured, its unit, how often, and the bar of its row over each transport.
MEASUREMENTS: dict[str, tuple[str, int, str]] = {
    "round_trip": ("s", ROUNDS, "execute + fetch of 4 bytes"),
    "after_silence": ("s", ROUNDS, "execute + fetch after 2 s of silence"),
    "upload": ("B/s", BULK_ROUNDS, "upload of 256 MiB"),
    "download": ("B/s", BULK_ROUNDS, "download of 256 MiB"),
}
ALONE = {"ping_beside": ("s", "ping p99 beside transfers"), "nodes": ("nodes/s", "nodes, C++")}
BARS: dict[str, tuple[str, float]] = {
    "round_trip": ("beyond_peer", 60e-6),
    "after_silence": ("ratio", 0.5),
    "upload": ("ratio", 0.8),
    "download": ("ratio", 0.8),
    "ping_beside": ("at_most", 10e-3),
    "nodes": ("ours", 0.8e6),
}
TRANSPORTS = ["Unix socket", "TCP"]


def name_of(measurement: str, transport: str) -> str:
    text = MEASUREMENTS[measurement][2] if measurement in MEASUREMENTS else ALONE[measurement][1]
    return f"{text}, {transport}"


ROWS: dict[str, tuple[str, float] | None] = {
    name_of(m, t): BARS[m] for t in TRANSPORTS for m in [*MEASUREMENTS, *ALONE]
}
SHARED = {"upload": "upload of 256 MiB, shared memory",
          "download": "download of 256 MiB, shared memory"}  # fmt: skip
ROWS.update({name: ("ratio", 0.8) for name in SHARED.values()})
NETS = ["digits", "mnist"]
TRAINING_ROUNDS, TRAINING_STEPS = 11, {"digits": 100, "mnist": 10}
ROWS.update({f"training step of {net}, remote": ("ratio", 1 / 1.05) for net in NETS})
ROWS["Python Tensor expressions"] = ("ours", 1e5)
ROWS["idle session, memory of each"] = ("at_most", 64 << 10)
ROWS["idle sessions, share of a processor"] = ("at_most", 0.01)
SESSIONS, IDLE_SECONDS = 10_000, 20
ACTIVE, ACTIVE_SECONDS, MILLIONS = 1000, 20, 10
for name, bar in {
    "round trip, median": None,
    "round trip, p99": None,
    "round trips, all": None,
    "fairness (Jain)": ("ours", 0.9),
    "round trips, least in 5 s": ("ours", 1),
}.items():
    ROWS[f"{ACTIVE} active sessions, {name}"] = bar
ROWS["nodes streamed and freed"] = BARS["nodes"]
ROWS["memory after millions of nodes, beyond the first"] = ("at_most", 4 << 20)
ROWS["nodes left of millions"] = ("at_most", 0)


@dataclass
class End:
    """One end of the wire: a client process, and the server that it talks to."""

    name: str
    process: subprocess.Popen[str]
    values: dict[str, list[float]] = field(default_factory=dict)

    @staticmethod
    def start(name: str, *arguments: str) -> End:
        process = subprocess.Popen(
            [str(PROGRAM), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return End(name, process)

    def measure(self, what: str) -> float:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(what + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name}: no answer to {what}")
        self.values.setdefault(what, []).append(float(line))
        return self.values[what][-1]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Servers:
    """Server processes that end with the block."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, ready: str, *command: object) -> int:
        """The process number of a server that has said that it is ready."""
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        if not process.stdout.readline().startswith(ready):
            raise RuntimeError(f"{command[0]} does not start")
        return process.pid

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def addresses(folder: Path, transport: str, name: str) -> tuple[str, str]:
    """The address of a server as the daemon and as gRPC writes it."""
    if transport == "TCP":
        port = free_port()
        return f"tcp://127.0.0.1:{port}", f"127.0.0.1:{port}"
    return f"unix://{folder}/{name}.sock", f"unix:{folder}/{name}.sock"


def start_daemon(servers: Servers, folder: Path, transport: str) -> str:
    """The address of a daemon with the devices null and llvm."""
    tokens = folder / "tokens"
    tokens.write_text(f"bench {TOKEN}\n")
    tokens.chmod(0o600)
    url, _ = addresses(folder, transport, "daemon")
    servers.start(
        "listening", BUILD / "server/tensord", f"--listen={url}", f"--token-file={tokens}",
        "--device=null,llvm", "--cache-dir=off", "--metrics-listen=off",
    )  # fmt: skip
    return url


def start_ends(servers: Servers, folder: Path, transport: str) -> tuple[End, list[End]]:
    url = start_daemon(servers, folder, transport)
    peers = []
    for api, name in (("cq", "completion queue"), ("callback", "callback API")):
        _, target = addresses(folder, transport, api)
        servers.start("ready", BUILD / "tests/bench/bench_wire_bare", api, target)
        peers.append(End.start(name, "bare", target))
    return End.start("tensord", "daemon", url, TOKEN), peers


def compare(measurement: str, transport: str, ours: End, peers: Sequence[End]) -> dict[str, Any]:
    unit = MEASUREMENTS[measurement][0]
    best: Callable[..., End] = min if unit == "s" else max
    peer = best(peers, key=lambda end: statistics.median(end.values[measurement]))
    pairs = list(zip(ours.values[measurement], peer.values[measurement], strict=True))
    ratios = [theirs / mine if unit == "s" else mine / theirs for mine, theirs in pairs]
    found = row(
        name_of(measurement, transport), unit, ours.values[measurement],
        peer=statistics.median(peer.values[measurement]),
        peer_name=f"bare gRPC, {peer.name}",
        peer_version=grpc_version(),
        ratio=statistics.median(ratios),
    )  # fmt: skip
    if measurement == "round_trip":
        found["allowed"] = found["peer"] + BARS[measurement][1]
    return found


def grpc_version() -> str:
    found = subprocess.run(
        ["pkg-config", "--modversion", "grpc++"], stdout=subprocess.PIPE, text=True, check=True
    )
    return found.stdout.strip()


def rows_over(transport: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, Servers() as servers:
        ours, peers = start_ends(servers, Path(folder), transport)
        ends = [ours, *peers]
        for end in ends:  # warm
            end.measure("round_trip")
            end.measure("upload")
            end.measure("download")
            end.values.clear()
        for measurement, (_, rounds, _) in MEASUREMENTS.items():
            for _ in range(rounds):
                for end in ends:
                    end.measure(measurement)
        rows = [compare(measurement, transport, ours, peers) for measurement in MEASUREMENTS]
        for measurement, (unit, _) in ALONE.items():
            values = [ours.measure(measurement) for _ in range(ROUNDS)]
            rows.append(row(name_of(measurement, transport), unit, values))
        for end in ends:
            end.close()
        return rows


def shared_rows() -> list[dict[str, Any]]:
    """Transfers through shared memory against copying as many bytes in one process."""
    with tempfile.TemporaryDirectory() as folder, Servers() as servers:
        url = start_daemon(servers, Path(folder), TRANSPORTS[0])
        ours = End.start("tensord", "shared", url, TOKEN)
        for name in ["copy", *SHARED] * BULK_ROUNDS:
            ours.measure(name)
        ours.close()
    copies = ours.values["copy"]
    rows = []
    for name, title in SHARED.items():
        ratios = [mine / copy for mine, copy in zip(ours.values[name], copies, strict=True)]
        rows.append(row(
            title, "B/s", ours.values[name],
            peer=statistics.median(copies), peer_name="memcpy", ratio=statistics.median(ratios),
        ))  # fmt: skip
    return rows


def training_row(net: str) -> dict[str, Any]:
    """A training step from Python on a daemon, against the same Program without one."""
    program = Path(__file__).parent / "training/remote.py"
    with tempfile.TemporaryDirectory() as folder:
        remote = Contender(
            "remote", [sys.executable, str(program), net, folder],
            {"TENSORD_BIN": str(BUILD / "server/tensord")},
        )  # fmt: skip
        alone = Contender("alone", [str(PROGRAM.with_name("bench_session_program")), folder], {})
        for _ in range(TRAINING_ROUNDS):
            for contender in (remote, alone):
                contender.measure(TRAINING_STEPS[net])
        remote.close()
        alone.close()
    ratios = [theirs / mine for mine, theirs in zip(remote.times, alone.times, strict=True)]
    return row(
        f"training step of {net}, remote", "s", remote.times, threads=2,
        peer=statistics.median(alone.times), peer_name="the same plan in process",
        ratio=statistics.median(ratios),
    )  # fmt: skip


def printed(program: str, *arguments: object) -> list[dict[str, Any]]:
    """The rows that a program of ours prints, also those that it fails for."""
    command = [str(PROGRAM.with_name(program)), *map(str, arguments)]
    output = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    return [json.loads(line) for line in output.splitlines()]


def session_rows() -> list[dict[str, Any]]:
    """What thousands of idle sessions cost the daemon, how a thousand active ones fare, and what
    is left of millions of nodes: each with a daemon of its own.
    """
    with tempfile.TemporaryDirectory() as folder, Servers() as servers:

        def start(device: str, *options: str) -> tuple[int, str, str]:
            url, target = addresses(Path(folder), TRANSPORTS[0], f"daemon{len(servers.processes)}")
            pid = servers.start(
                "listening", BUILD / "server/tensord", f"--listen={url}", f"--device={device}",
                "--cache-dir=off", "--log-level=warning", f"--max-sessions={2 * SESSIONS}",
                f"--principal-sessions={2 * SESSIONS}", *options,
            )  # fmt: skip
            return pid, url, target

        pid, _, target = start("null", "--metrics-listen=off")
        rows = printed("bench_wire_sessions", target, pid, SESSIONS, IDLE_SECONDS)
        _, _, target = start("llvm", "--metrics-listen=off")
        rows += printed("bench_wire_active", target, ACTIVE, ACTIVE_SECONDS)
        port = free_port()
        pid, url, _ = start("null", f"--metrics-listen=127.0.0.1:{port}")
        return rows + printed("bench_wire_nodes", url, pid, port, MILLIONS)


def python_row() -> dict[str, Any]:
    program = Path(__file__).with_name("wire_python.py")
    output = subprocess.run(
        [sys.executable, str(program)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    found: dict[str, Any] = json.loads(output)
    return {key: found.get(key) for key in FIELDS}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path, required=True)
    options = parser.parse_args()
    rows = [found for transport in TRANSPORTS for found in rows_over(transport)]
    rows += [*shared_rows(), *map(training_row, NETS), python_row(), *session_rows()]
    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    for found in rows:
        print(describe(found, ROWS.get(found["name"])))
    return missing(rows, ROWS)


if __name__ == "__main__":
    sys.exit(main())
