"""Mixed load on one daemon for minutes: it must not grow, and at the end hold nothing.

    deploy/dev soak [--minutes N] [--json FILE]

tests/soak/README.md says what is done and what fails.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from drift import Drift, drift_of

BUILD = Path(__file__).resolve().parents[2] / "build/release"
DAEMON, LOAD = BUILD / "server/tensord", BUILD / "tests/soak/soak_load"
ROLES = ["train", "graphs", "transfers", "share", "fail", "give_up", "come_and_go", "lose_streams"]
KILLED = ["train", "graphs", "transfers", "share"]  # now and then, in the middle of something
KILL_EVERY = 7.0
WARM_UP = 0.2  # of the time
LEAST_MINUTES = 2.0  # for slopes to mean something
PAGE = 4096
MIB = 1 << 20
# What may grow by how much a minute: the unit to print it in, and the bound.
BOUNDS = {
    "daemon RSS": (MIB, 1.0 * MIB),
    "workers RSS": (MIB, 1.0 * MIB),
    "descriptors": (1, 1.0),
    "threads": (1, 1.0),
}
SPARE = {"threads": 2.0}  # one that is being made has no name yet
# gRPC's own threads, which come and go: as /proc cuts their names.
GRPC_THREADS = {"default-executo", "event_engine", "grpc_global_tim", "resolver-execut"}
GAUGE = re.compile(
    r"^(tensord_(?:sessions|session_streams|transfers|watchers|publications|resident_bytes"
    r"|staging_bytes|principal_(?:sessions|resident_bytes|staging_bytes|nodes|in_flight)))"
    r"(?:{.*})? (\S+)$",
    re.MULTILINE,
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Daemon:
    """A daemon of its own, on a socket in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.url = f"unix://{folder}/soak.sock"
        self.metrics = f"127.0.0.1:{free_port()}"
        self.log = folder / "daemon.log"
        command = [str(DAEMON), f"--listen={self.url}", "--device=llvm", "--cache-dir=off",
                   f"--metrics-listen={self.metrics}", "--lease=5s", "--log-level=warning",
                   "--drain-delay=0"]  # fmt: skip
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        if not self.process.stdout.readline().startswith("listening"):
            raise RuntimeError("the daemon does not start: " + self.log.read_text())

    def gauges(self) -> dict[str, float]:
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=20) as reply:
            text = reply.read().decode()
        return {name: float(value) for name, value in GAUGE.findall(text)}

    def usage(self) -> dict[str, float]:
        process = Path(f"/proc/{self.process.pid}")
        tasks = list((process / "task").iterdir())
        children = {pid for task in tasks for pid in read(task / "children").split()}
        return {
            "daemon RSS": resident(process),
            "workers RSS": sum(resident(Path("/proc") / pid) for pid in children),
            "descriptors": float(len(list((process / "fd").iterdir()))),
            "threads": float(sum(read(t / "comm").strip() not in GRPC_THREADS for t in tasks)),
        }

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def read(path: Path) -> str:
    """What a file of /proc says; nothing once its process or thread is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


def resident(process: Path) -> float:
    fields = read(process / "statm").split()
    return float(fields[1]) * PAGE if fields else 0.0


@dataclass
class Load:
    """The client processes, one of each role at a time."""

    url: str
    seconds: float
    started: float = field(default_factory=time.monotonic)
    running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    rounds: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    kills: int = 0
    choice: random.Random = field(default_factory=lambda: random.Random(11))

    def left(self) -> float:
        return self.started + self.seconds - time.monotonic()

    def start(self, role: str) -> None:
        seconds = max(1, round(self.left()))
        command = [str(LOAD), self.url, role, str(seconds), str(self.choice.randrange(1 << 30))]
        self.running[role] = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def kill_one(self) -> None:
        role = self.choice.choice(KILLED)
        process = self.running[role]
        if process.poll() is not None or self.left() < 5:
            return
        process.kill()
        process.communicate()
        self.kills += 1
        self.start(role)

    def look(self) -> None:
        """Notes those that ended too early."""
        for role, process in list(self.running.items()):
            if process.poll() not in (None, 0):
                self.problems.append(f"{role}: {process.communicate()[1].strip()}")
                del self.running[role]

    def give_up(self) -> None:
        for process in self.running.values():
            process.kill()
            process.communicate()
        self.running.clear()

    def finish(self) -> None:
        for role, process in self.running.items():
            try:
                out, error = process.communicate(timeout=max(0.0, self.left()) + 60)
            except subprocess.TimeoutExpired:
                process.kill()
                self.problems.append(f"{role}: does not come to its end")
                process.communicate()
                continue
            if process.returncode != 0:
                self.problems.append(f"{role}: {error.strip()}")
            else:
                self.rounds[role] += int(out)
        self.running.clear()


def run_load(daemon: Daemon, seconds: float, every: float) -> tuple[Load, list[dict[str, float]]]:
    """All roles for so long; what was measured meanwhile."""
    load = Load(daemon.url, seconds)
    for role in ROLES:
        load.start(role)
    samples: list[dict[str, float]] = []
    next_kill = KILL_EVERY
    while load.left() > 0 and daemon.process.poll() is None and not load.problems:
        time.sleep(min(every, max(0.0, load.left())))
        at = time.monotonic() - load.started
        try:
            samples.append({"seconds": at, **daemon.usage(), **daemon.gauges()})
        except OSError as error:
            load.problems.append(f"after {at:.0f} s /metrics is silent: {error}")
        load.look()
        if at >= next_kill:
            load.kill_one()
            next_kill = at + KILL_EVERY
    if load.problems:
        load.give_up()
    load.finish()
    return load, samples


def await_rest(daemon: Daemon, before: dict[str, float]) -> dict[str, tuple[float, float]]:
    """What is above `before` when time has been given for leases to end: before and after."""
    until = time.monotonic() + 30
    while True:
        now = {**daemon.gauges(), **daemon.usage()}
        above = {
            name: (value, now[name])
            for name, value in before.items()
            if now[name] > value + SPARE.get(name, 0.0) and not name.endswith("RSS")
        }
        if not above or time.monotonic() > until:
            return above
        time.sleep(0.5)


def drifts(samples: list[dict[str, float]], seconds: float) -> dict[str, Drift]:
    late = [sample for sample in samples if sample["seconds"] >= WARM_UP * seconds]
    if len(late) < 3:
        return {}  # it ended early, which is told elsewhere
    times = [sample["seconds"] for sample in late]
    return {name: drift_of(times, [sample[name] for sample in late]) for name in BOUNDS}


def print_table(samples: list[dict[str, float]], found: dict[str, Drift], load: Load) -> None:
    print(f"{'':<14}{'first':>10}{'last':>10}{'most':>10}{'a minute':>11}{'± error':>10}{'t':>8}")
    for name, drift in found.items():
        unit, bound = BOUNDS[name]
        values = [sample[name] / unit for sample in samples]
        line = f"{name:<14}{values[0]:>10.1f}{values[-1]:>10.1f}{max(values):>10.1f}"
        line += f"{drift.per_minute / unit:>11.3f}{drift.error / unit:>10.3f}{drift.t:>8.1f}"
        print(line + f"  at most {bound / unit:g}{' MiB' if unit == MIB else ''}")
    print("rounds:", ", ".join(f"{role} {count}" for role, count in sorted(load.rounds.items())))
    print(f"clients killed: {load.kills}")


def soak(minutes: float, report: Path | None) -> list[str]:
    """What went wrong."""
    seconds = 60 * minutes
    with tempfile.TemporaryDirectory(prefix="tensord-soak.") as folder:
        daemon = Daemon(Path(folder))
        try:
            first, _ = run_load(daemon, 2, 1)  # what the first clients bring about
            time.sleep(6)  # a lease
            before = {**daemon.gauges(), **daemon.usage()}
            load, samples = run_load(daemon, seconds, min(3.0, max(0.5, seconds / 100)))
            problems = first.problems + load.problems
            above = await_rest(daemon, before) if daemon.process.poll() is None else {}
        finally:
            status = daemon.stop()
        log = daemon.log.read_text()
    if status != 0:
        problems.append(f"the daemon ended with {status}: {log[-2000:]}")
    problems += [f"{name} is {now:g}, was {was:g}" for name, (was, now) in above.items()]
    found = drifts(samples, seconds)
    for name, drift in found.items():
        unit, bound = BOUNDS[name]
        if minutes >= LEAST_MINUTES and drift.exceeds(bound):
            problems.append(f"{name} grows by {drift.per_minute / unit:.3f} a minute")
    print_table(samples, found, load)
    if report is not None:
        slopes = {name: [drift.per_minute, drift.error] for name, drift in found.items()}
        report.write_text(
            json.dumps(
                {"minutes": minutes, "per_minute": slopes, "rounds": load.rounds,
                 "kills": load.kills, "problems": problems, "samples": samples},
                indent=1,
            )
        )  # fmt: skip
    return problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    problems = soak(options.minutes, options.json)
    for problem in problems:
        print("soak:", problem, file=sys.stderr)
    print("soak:", "failed" if problems else "clean")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
