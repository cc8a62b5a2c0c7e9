"""Everything that CI checks, phase by phase: `deploy/dev test [PHASE ...]`.

Every phase writes build/logs/<phase>.log and goes on to the next whatever happened; a failure
prints what failed and the tail of the log. The closing table counts single tests: the cases of each
gtest program, pytest's, each linter. Exit status 1 when anything failed.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
VENV = ROOT / ".venv" / "bin"
JOBS = os.environ.get("DEV_JOBS") or str(len(os.sched_getaffinity(0)))
FUZZ_SECONDS = os.environ.get("DEV_FUZZ_SECONDS", "60")
SOAK_MINUTES = 0.2
SUBSET_SECONDS = 180
TIDY_SECONDS = 120
TAIL_LINES = 40

# What the instrumented and the LLVM-off builds run: programs test_<name>, without the suites and
# cases that carry one of the words below in their names. Device llvm is built into none of them.
# Each is to build from nothing and run within SUBSET_SECONDS; asan_all and tsan_all run every
# program. (The session core runs under asan in the fuzzers. Tests of child processes wait for
# seconds, and what those do is tested in process too.)
SUBSETS = {
    "asan": ["ir", "kernel"],
    "tsan": ["base", "server"],
    "nollvm": ["ir", "hard_five", "device_conformance"],
}
SLOW_CASES = (
    "-*Slow*:*Exhaustive*:DaemonTest.*:CheckConfigTest.*:ServiceManagerTest.*"
    ":TlsGarbageTest.*:HostileTest.AWellBehaved*"
)
RUFF_FOLDERS = [["clients"], ["--config", "deploy/ruff.toml", "deploy", "tests"]]


@dataclass
class Result:
    """How a phase went: single tests counted, failures named."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Result") -> None:
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def check(self, ok: bool, name: str) -> bool:
        """Counts one test."""
        self.add(Result(passed=1) if ok else Result(failed=1, failures=[name]))
        return ok


class Phase:
    """One phase's log, and the commands it runs."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.log = LOGS / f"{name}.log"
        self.reports = LOGS / name
        shutil.rmtree(self.reports, ignore_errors=True)
        self.reports.mkdir(parents=True)
        self.log.write_text("")

    def run(
        self,
        *command: object,
        env: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Whether the command exits 0 in time; its output goes to the log."""
        words = [str(word) for word in command]
        with self.log.open("a") as log:
            print("$", *words, file=log, flush=True)
            try:
                process = subprocess.Popen(
                    words,
                    cwd=ROOT,
                    env=os.environ | (env or {}),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                print(error, file=log)
                return False
            try:
                return process.wait(timeout) == 0
            except subprocess.TimeoutExpired as error:
                print(error, file=log)
                return False
            finally:
                if process.poll() is None:  # timed out or interrupted: its children go too
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])


def read_junit(path: Path, program: str = "") -> Result:
    """The cases of a JUnit or gtest XML report, each counted once."""
    result = Result()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = ".".join(filter(None, [program, case.get("classname"), case.get("name")]))
        problem = case.find("failure")
        problem = case.find("error") if problem is None else problem
        skipped = case.find("skipped") is not None or case.get("status") == "notrun"
        if problem is not None:
            text = (problem.get("message") or problem.text or "").split("\n")
            result.add(Result(failed=1, failures=[f"{name}: {' '.join(text[:4])[:300]}"]))
        elif skipped or case.get("result") in ("skipped", "suppressed"):
            result.add(Result(skipped=1))
        else:
            result.add(Result(passed=1))
    return result


def read_ctest(junit: Path, reports: Path) -> Result:
    """ctest's verdicts, each gtest program replaced by the cases of its own report.

    A program that crashed wrote no report, or one without a failure: its verdict counts then.
    """
    result = Result()
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        name = case.get("name", "")
        ok = case.find("failure") is None and case.get("status") in ("run", None)
        own = re.compile(rf"test_{re.escape(name)}(_\d+)?\.xml")
        found = [report for report in sorted(reports.iterdir()) if own.fullmatch(report.name)]
        cases = Result()
        for report in found:
            cases.add(read_junit(report, name))
        result.add(cases)
        if case.find("skipped") is not None and not found:
            result.add(Result(skipped=1))
        elif not found or (not ok and cases.failed == 0):
            result.check(ok, f"{name}: the program failed or timed out")
    return result


def run_ctest(
    phase: Phase,
    preset: str,
    *selection: str,
    slow: bool = True,
    limit: float | None = None,
) -> Result:
    """Runs the selected ctest programs of a built preset and counts their cases."""
    junit = phase.reports / "ctest.xml"
    env = {
        "GTEST_OUTPUT": f"xml:{phase.reports}/",
        "GTEST_COLOR": "no",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    }
    if not slow:
        env["GTEST_FILTER"] = SLOW_CASES
    command = [
        "ctest",
        "--test-dir",
        ROOT / "build" / preset,
        "-j",
        JOBS,
        "--output-on-failure",
    ]
    command += ["--no-tests=error", "--output-junit", junit, *selection]
    ok = phase.run(*command, env=env, timeout=limit)
    if not junit.exists():
        return Result(
            failed=1,
            failures=[f"ctest {preset}: no report (timed out, or nothing built)"],
        )
    result = read_ctest(junit, phase.reports)
    if not ok and result.failed == 0:
        result.check(False, f"ctest {preset}: exited with an error")
    return result


def build(phase: Phase, preset: str, *arguments: str) -> bool:
    return phase.run("cmake", "--preset", preset) and phase.run(
        "cmake", "--build", "--preset", preset, "-j", JOBS, *arguments
    )


def phase_setup(phase: Phase) -> Result:
    result = Result()
    result.check(phase.run("deploy/dev", "setup"), "deploy/dev setup")
    return result


def phase_format(phase: Phase) -> Result:
    result = Result()
    result.check(phase.run("tests/lint/format.sh", "--check"), "clang-format")
    for folders in RUFF_FOLDERS:
        command = [VENV / "ruff", "format", "--check", *folders]
        result.check(phase.run(*command), f"ruff format {folders[-1]}")
    return result


def phase_lint(phase: Phase) -> Result:
    """The linters, and the test that they can fail."""
    result = Result()
    for script in ("layers", "sizes", "words"):
        result.check(phase.run(sys.executable, f"tests/lint/{script}.py"), f"{script}.py")
    result.check(phase.run(VENV / "hadolint", "Dockerfile"), "hadolint Dockerfile")
    before = len(phase.log.read_text())
    ok = phase.run(sys.executable, "tests/lint/lint_test.py")
    ran = re.search(r"^Ran (\d+) tests?", phase.log.read_text()[before:], re.MULTILINE)
    if ok and ran:
        result.passed += int(ran[1])
    else:
        result.check(False, "lint_test.py")
    return result


def phase_build(phase: Phase) -> Result:
    result = Result()
    result.check(build(phase, "release"), "release build")
    result.check(build(phase, "release", "--target", "benchmarks"), "benchmarks")
    return result


def phase_ctest(phase: Phase) -> Result:
    return run_ctest(phase, "release", "-LE", "lint")


def phase_python(phase: Phase) -> Result:
    """The Python client: types, style, tests against the release daemon."""
    result = Result()
    if not (ROOT / "clients/python/tests").is_dir():
        return result
    env = {"PATH": f"{ROOT / 'build/release/server'}:{os.environ['PATH']}"}
    for folders in RUFF_FOLDERS:
        result.check(phase.run(VENV / "ruff", "check", *folders), f"ruff check {folders[-1]}")
    config = ["--config-file", "clients/python/pyproject.toml"]
    result.check(phase.run(VENV / "mypy", *config, "clients/python"), "mypy")
    report = phase.reports / "pytest.xml"
    command = [VENV / "pytest", "-q", "clients/python/tests", f"--junitxml={report}"]
    ok = phase.run(*command, env=env)
    if report.exists():
        result.add(read_junit(report))
    if not ok and not any(failure.count(".") for failure in result.failures):
        result.check(False, "pytest: exited with an error")
    return result


def phase_generated(phase: Phase) -> Result:
    """Whether what clients/generate.py writes is what is checked in."""
    result = Result()
    if (ROOT / "clients/generate.py").exists():
        command = [VENV / "python", "clients/generate.py", "--check"]
        result.check(phase.run(*command), "generated files are stale: run clients/generate.py")
    return result


def phase_tidy(phase: Phase) -> Result:
    result = Result()
    result.check(
        phase.run("deploy/dev", "tidy", "--all", "--seconds", TIDY_SECONDS),
        "clang-tidy",
    )
    return result


def subset_phase(preset: str) -> Callable[[Phase], Result]:
    """A phase that builds and runs a part of the tests under another preset."""

    def run(phase: Phase) -> Result:
        result = Result()
        names = SUBSETS[preset]
        targets = [f"test_{name}" for name in names]
        if result.check(build(phase, preset, "--target", *targets), f"{preset} build"):
            pattern = f"^({'|'.join(names)})$"
            found = run_ctest(phase, preset, "-R", pattern, slow=False, limit=SUBSET_SECONDS)
            result.add(found)
        return result

    return run


def whole_phase(preset: str) -> Callable[[Phase], Result]:
    """A phase that builds and runs every test program under another preset."""

    def run(phase: Phase) -> Result:
        result = Result()
        if result.check(build(phase, preset), f"{preset} build"):
            result.add(run_ctest(phase, preset, "-LE", "lint", slow=False))
        return result

    return run


def phase_units(phase: Phase) -> Result:
    """`deploy/dev install`, and what systemd says of the units it puts in place."""
    result = Result()
    root = phase.reports / "root"
    if not result.check(phase.run("deploy/dev", "install", root), "deploy/dev install"):
        return result
    for name, unit in (("tensord", "tensord"), ("tensord@", "tensord@tenant")):
        text = (root / f"usr/local/lib/systemd/system/{name}.service").read_text()
        here = phase.reports / f"{unit}.service"
        here.write_text(text.replace("/usr/local/bin", f"{root}/usr/local/bin"))
        if shutil.which("systemd-analyze") is None:
            result.add(Result(skipped=1))
            continue
        # A key that systemd does not know is a line of output, and its exit status may be 0.
        before = len(phase.log.read_text().splitlines())
        ok = phase.run("systemd-analyze", "verify", "--man=no", here)
        said = phase.log.read_text().splitlines()[before + 1 :]
        result.check(ok and not said, f"systemd-analyze verify {name}.service")
    return result


def phase_image(phase: Phase) -> Result:
    """The Dockerfile without a container engine; skipped where the machine can't."""
    result = Result()
    ok = phase.run("deploy/dev", "image")
    log = phase.log.read_text()
    if reason := re.search(r"^image: skipped: (.*)$", log, re.MULTILINE):
        print(f"image: skipped: {reason[1]}")
        return Result(skipped=1)
    for target in re.findall(r"^image: (\w+) is healthy", log, re.MULTILINE):
        result.check(True, target)
    result.check(ok, "deploy/dev image")
    return result


def phase_fuzz(phase: Phase) -> Result:
    result = Result()
    ok = phase.run("deploy/dev", "fuzz", FUZZ_SECONDS)
    verdicts = re.findall(r"^fuzz: (\w+) (clean|failed)$", phase.log.read_text(), re.MULTILINE)
    for target, verdict in verdicts:
        result.check(verdict == "clean", target)
    if not ok and not result.failed:
        result.check(False, "the fuzzers did not build")
    return result


def phase_soak(phase: Phase) -> Result:
    """A short soak: answers and gauges, not yet growth; and what counts as growth."""
    result = Result()
    result.check(phase.run(sys.executable, "tests/soak/drift_test.py"), "drift_test.py")
    result.check(phase.run("deploy/dev", "soak", "--minutes", SOAK_MINUTES), "deploy/dev soak")
    return result


PHASES: dict[str, Callable[[Phase], Result]] = {
    "setup": phase_setup,
    "format": phase_format,
    "lint": phase_lint,
    "build": phase_build,
    "ctest": phase_ctest,
    "python": phase_python,
    "generated": phase_generated,
    "tidy": phase_tidy,
    "asan": subset_phase("asan"),
    "tsan": subset_phase("tsan"),
    "nollvm": subset_phase("nollvm"),
    "units": phase_units,
    "image": phase_image,
    "fuzz": phase_fuzz,
    "soak": phase_soak,
    "asan_all": whole_phase("asan"),
    "tsan_all": whole_phase("tsan"),
}

# What a plain `deploy/dev test` runs; the others by name: `deploy/dev test asan_all`.
DEFAULT = [name for name in PHASES if not name.endswith("_all")]


def run_phase(name: str) -> Result:
    phase = Phase(name)
    print(f"{name} …", flush=True)
    start = time.monotonic()
    try:
        result = PHASES[name](phase)
    except (OSError, ElementTree.ParseError, subprocess.SubprocessError) as error:
        result = Result(failed=1, failures=[f"{name}: {error}"])
    result.seconds = time.monotonic() - start
    if result.failed:
        print(f"--- {name} failed; the end of {phase.log.relative_to(ROOT)}:")
        print(phase.tail())
        print("---", *result.failures[:30], sep="\n  ", flush=True)
    return result


def summary(results: dict[str, Result]) -> Result:
    total = Result()
    print(f"\n{'phase':<10}{'seconds':>9}{'passed':>9}{'failed':>9}{'skipped':>9}")
    for name, result in results.items():
        counts = f"{result.passed:>9}{result.failed:>9}{result.skipped:>9}"
        print(f"{name:<10}{result.seconds:>9.1f}{counts}")
        total.add(result)
    seconds = sum(result.seconds for result in results.values())
    print(f"{'all':<10}{seconds:>9.1f}{total.passed:>9}{total.failed:>9}{total.skipped:>9}\n")
    for failure in total.failures:
        print("failed:", failure)
    return total


def main(arguments: Sequence[str]) -> int:
    unknown = [name for name in arguments if name not in PHASES]
    if unknown:
        print(
            f"no phase {', '.join(unknown)}; there are: {', '.join(PHASES)}",
            file=sys.stderr,
        )
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    total = summary({name: run_phase(name) for name in arguments or DEFAULT})
    skipped = f", {total.skipped} skipped" if total.skipped else ""
    print(f"{total.passed} passed, {total.failed} failed{skipped}")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
