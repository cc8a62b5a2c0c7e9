"""clang-tidy's short list (.clang-tidy) over changed files, or over the folders below with --all.

Files are taken newest change first and checked in parallel until --seconds are over, so that a
check of a large change ends in time; the closing line says how many were left.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import ROOT

FOLDERS = ("engine/base/", "engine/types/", "engine/ir/", "server/")
CLANG_TIDY = "clang-tidy-19"


def git(root: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()


def changed_files(root: Path) -> list[str]:
    edited = git(root, "diff", "--name-only", "HEAD")
    return edited + git(root, "ls-files", "--others", "--exclude-standard")


def newest_first(root: Path, paths: list[str]) -> list[str]:
    """What is edited now, then by the last commit that touched it."""
    history = changed_files(root) + git(root, "log", "--name-only", "--pretty=format:")
    rank = {path: -at for at, path in enumerate(reversed(history))}
    return sorted(paths, key=lambda path: (rank.get(path, 1), path))


def compiled_files(root: Path, build: Path) -> list[str]:
    """What the build compiles of this tree, relative to its root."""
    commands = json.loads((build / "compile_commands.json").read_text())
    paths = {Path(command["file"]).resolve() for command in commands}
    return sorted(path.relative_to(root).as_posix() for path in paths if path.is_relative_to(root))


def check(root: Path, build: Path, path: str, deadline: float) -> str | None:
    """The findings in one file, "" for none, None when there was no time for it."""
    left = deadline - time.monotonic()
    if left <= 0:
        return None
    command = [CLANG_TIDY, "-quiet", "-p", str(build), path]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=left, check=False
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout + done.stderr if done.returncode != 0 else ""


def selected(arguments: argparse.Namespace, root: Path) -> list[str]:
    compiled = compiled_files(root, arguments.build)
    if arguments.files:
        wanted = {Path(file).resolve().relative_to(root).as_posix() for file in arguments.files}
        return [path for path in compiled if path in wanted]
    if arguments.all:
        return newest_first(root, [path for path in compiled if path.startswith(FOLDERS)])
    changed = set(changed_files(root))
    return [path for path in compiled if path in changed]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--build", type=Path, required=True, help="a configured build folder")
    parser.add_argument("--all", action="store_true", help=f"everything in {', '.join(FOLDERS)}")
    parser.add_argument("--seconds", type=float, default=3600, help="stop after this time")
    parser.add_argument("--root", type=Path, default=ROOT, help="the source tree")
    arguments = parser.parse_args()
    root, build = arguments.root.resolve(), arguments.build.resolve()
    paths = selected(arguments, root)
    deadline = time.monotonic() + arguments.seconds
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        findings = list(pool.map(lambda path: check(root, build, path, deadline), paths))
    for finding in findings:
        if finding:
            print(finding)
    bad, left = sum(map(bool, findings)), findings.count(None)
    print(f"tidy: {len(paths) - left} files checked, {left} left for time, {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
