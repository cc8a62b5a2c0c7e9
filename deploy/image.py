"""What the Dockerfile says, without a container engine: `deploy/dev image [--target cpu] [--keep]`.

Each stage is a fresh Debian (debootstrap) in build/image, in which the Dockerfile's own steps run
by chroot, in namespaces of their own. Then the image is started as a careful user would start it:
as its USER, on a read-only root, with only its VOLUMEs writable, without new privileges; its
HEALTHCHECK must pass, a graph must be computed by a compiled kernel, SIGTERM must end it with 0.

The only difference to `docker build`: ccache's folder is shared with the build outside (it hits
from fresh build folders: a precompiled header that is there already is another input). Exit status
77: this machine can't (no root, no debootstrap, no right to mount), and why.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "build" / "image"
BASE = "debian:bookworm-slim"
MIRROR = "http://deb.debian.org/debian"
SOURCES = f"""deb {MIRROR} bookworm main
deb {MIRROR} bookworm-updates main
deb {MIRROR}-security bookworm-security main
"""  # as the image has them
CANNOT = 77
PROXIES = [f"{name}_proxy" for name in ("http", "https", "no")]
LANGUAGE = ("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES")  # ccache hashes them too
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

GRAPH = "function(%0: f32[4]) -> (%1) {\n  %1 = mul %0, %0 : f32[4]\n}\n"


class ImageError(Exception):
    """A step failed, or the Dockerfile says something that is not known here."""


@dataclass
class Stage:
    """A stage of the Dockerfile, as far as it was read."""

    root: Path
    workdir: str = "/"
    user: str = "0:0"
    env: dict[str, str] = field(default_factory=dict)
    volumes: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)


def run(*words: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [str(word) for word in words]
    done = subprocess.run(command, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode != 0:
        raise ImageError(f"exit status {done.returncode}: {shlex.join(command)[:2000]}")
    return done


def why_not() -> str:
    """What this machine lacks; empty when nothing."""
    if os.geteuid() != 0:
        return "debootstrap and chroot need root"
    for tool in ("debootstrap", "unshare", "chroot"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    PLACE.mkdir(parents=True, exist_ok=True)
    probe = PLACE / "probe"
    probe.mkdir(exist_ok=True)
    script = (
        f"mount -t proc proc {probe}; mount -t tmpfs -o dev tmpfs {probe}; mknod {probe}/n c 1 3"
    )
    done = subprocess.run(in_namespaces(script), capture_output=True, text=True, check=False)
    return f"no right to mount: {done.stderr.strip()}" if done.returncode else ""


def in_namespaces(script: str) -> list[str]:
    """The words that run a shell script whose mounts and processes end with it."""
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
        *("sh", "-euc", script),
    ]


def steps_of(dockerfile: str) -> list[tuple[str, str]]:
    """(INSTRUCTION, rest) of each step, continued lines joined, comments left out."""
    lines = [line for line in dockerfile.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n", " ", "\n".join(lines))
    steps = []
    for line in joined.splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            steps.append((name.upper(), rest.strip()))
    return steps


def make_base() -> Path:
    """A minimal Debian; made once, and never changed."""
    base = PLACE / "base"
    if not (base / "etc/debian_version").exists():
        shutil.rmtree(base, ignore_errors=True)
        making = PLACE / "base.part"
        shutil.rmtree(making, ignore_errors=True)
        run("debootstrap", "--variant=minbase", "bookworm", making, MIRROR)
        (making / "etc/apt/sources.list").write_text(SOURCES)
        # Nobody minds these roots after a power cut.
        (making / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")
        making.rename(base)
    return base


def copy_root(source: Path, to: Path) -> None:
    shutil.rmtree(to, ignore_errors=True)
    run("cp", "-a", "--reflink=auto", source, to)


def enter(stage: Stage, command: list[str], user: str = "") -> str:
    """The shell words that run a command in the stage's root, with its environment alone."""
    env = {"PATH": PATH, "HOME": "/root" if not user else "/", **stage.env}
    words = ["chroot", *([f"--userspec={user}"] if user else []), str(stage.root)]
    words += ["env", "-i", *(f"{name}={value}" for name, value in env.items())]
    return shlex.join([*words, "sh", "-c", 'cd "$0" && exec "$@"', stage.workdir, *command])


class Builder:
    """Applies the Dockerfile's steps, stage by stage."""

    def __init__(self) -> None:
        self.stages: dict[str, Stage] = {}
        self.stage: Stage | None = None

    def apply(self, name: str, rest: str) -> None:
        step = getattr(self, f"do_{name.lower()}", None)
        if step is None:
            raise ImageError(f"a Dockerfile step that is not known here: {name}")
        print(f"--- {name} {rest}", flush=True)
        step(rest)

    @property
    def now(self) -> Stage:
        if self.stage is None:
            raise ImageError("a step before FROM")
        return self.stage

    def do_from(self, rest: str) -> None:
        source, _, name = rest.split()
        root = PLACE / f"stage-{name}"
        if source in self.stages:
            below = self.stages[source]
            self.stage = replace(below, root=root, env=dict(below.env), volumes=list(below.volumes))
            copy_root(below.root, root)
        elif source == BASE:
            self.stage = Stage(root)
            copy_root(make_base(), root)
        else:
            raise ImageError(f"FROM {source}: only {BASE} and stages are known here")
        self.stages[name] = self.stage

    def do_run(self, rest: str) -> None:
        mounts = [f"mount -t proc proc {self.now.root}/proc"]
        for name in ("/etc/resolv.conf", "/etc/hosts"):
            inside = self.now.root / name[1:]
            inside.touch()
            mounts.append(f"mount --bind {name} {inside}")
        proxies = {name: os.environ[name] for name in PROXIES if name in os.environ}
        stage = replace(self.now, env={**proxies, **self.cache(mounts), **self.now.env})
        run(*in_namespaces("\n".join([*mounts, enter(stage, ["sh", "-c", rest])])))

    def cache(self, mounts: list[str]) -> dict[str, str]:
        """Shares ccache's folder, if there is one."""
        if shutil.which("ccache") is None:
            return {}
        outside = run("ccache", "--get-config", "cache_dir", capture_output=True).stdout.strip()
        if not Path(outside).is_dir():
            return {}
        inside = self.now.root / "ccache"
        inside.mkdir(exist_ok=True)
        mounts.append(f"mount --bind {shlex.quote(outside)} {inside}")
        language = {name: os.environ[name] for name in LANGUAGE if name in os.environ}
        return {"CCACHE_DIR": "/ccache", **language}

    def do_copy(self, rest: str) -> None:
        words = rest.split()
        source = ROOT
        if words[0].startswith("--from="):
            source = self.stages[words.pop(0).removeprefix("--from=")].root
        *paths, to = words
        inside = self.now.root / os.path.join(self.now.workdir, to).lstrip("/")
        for path in paths:
            origin = source / path.lstrip("/")
            if origin.is_dir():  # its contents, as Docker does
                ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
                shutil.copytree(origin, inside, ignore=ignored, symlinks=True, dirs_exist_ok=True)
            else:
                target = inside / origin.name if to.endswith("/") else inside
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(origin, target)

    def do_workdir(self, rest: str) -> None:
        self.now.workdir = rest
        (self.now.root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)

    def do_env(self, rest: str) -> None:
        self.now.env.update(word.split("=", 1) for word in shlex.split(rest))

    def do_volume(self, rest: str) -> None:
        self.now.volumes += json.loads(rest)

    def do_user(self, rest: str) -> None:
        self.now.user = rest

    def do_stopsignal(self, rest: str) -> None:
        if rest != "SIGTERM":
            raise ImageError(f"STOPSIGNAL {rest}: the daemon drains on SIGTERM")

    def do_entrypoint(self, rest: str) -> None:
        self.now.entrypoint = json.loads(rest)

    def do_cmd(self, rest: str) -> None:
        self.now.command = json.loads(rest)

    def do_healthcheck(self, rest: str) -> None:
        self.now.health = json.loads(rest.split(" CMD ", 1)[1])


def start_script(stage: Stage) -> str:
    """Runs the image as it is meant to be run, and judges it."""
    root = stage.root
    daemon = enter(stage, [*stage.entrypoint, *stage.command], stage.user)
    health = enter(stage, stage.health, stage.user)
    graph = f"{stage.volumes[0]}/square.ir"
    lines = [f"mount --bind {root} {root}", f"mount -o remount,bind,ro {root}"]
    lines.append(f"mount -t proc proc {root}/proc")
    for volume in stage.volumes:
        info = (root / volume.lstrip("/")).stat()
        own = f"uid={info.st_uid},gid={info.st_gid},mode={info.st_mode & 0o7777:o}"
        lines.append(f"mount -t tmpfs -o {own} tmpfs {root}{volume}")
    refused = "image: the root can be written"
    lines += [
        f"if touch {root}/usr/written 2>/dev/null; then echo '{refused}'; exit 1; fi",
        enter(stage, [*stage.entrypoint, "--check-config", *stage.command], stage.user),
        f"setpriv --no-new-privs {daemon} & daemon=$!",
        f"for i in $(seq 150); do if {health} >/dev/null 2>&1; then break; fi; sleep 0.2; done",
        health,
        f"printf %s {shlex.quote(GRAPH)} > {root}{graph}",
        enter(stage, ["tensorctl", "run", graph, "-i", "1,2,3,4"], stage.user),
        enter(stage, ["sh", "-c", 'test -n "$(ls /var/cache/tensord)"'], stage.user),
        "kill -TERM $daemon",
        "wait $daemon",
    ]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", action="append", help="a stage to start; else cpu and nvidia")
    parser.add_argument("--keep", action="store_true", help="leave the roots in build/image")
    options = parser.parse_args()
    if reason := why_not():
        print(f"image: skipped: {reason}")
        return CANNOT
    start = time.monotonic()
    builder = Builder()
    try:
        for name, rest in steps_of((ROOT / "Dockerfile").read_text()):
            builder.apply(name, rest)
        for target in options.target or ["cpu", "nvidia"]:
            if target not in builder.stages:
                raise ImageError(f"no stage {target}: there are {', '.join(builder.stages)}")
            print(f"--- start {target}", flush=True)
            run(*in_namespaces(start_script(builder.stages[target])))
            print(f"image: {target} is healthy, computed, drained", flush=True)
    except ImageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    finally:
        if not options.keep:
            shutil.rmtree(PLACE, ignore_errors=True)
    print(f"image: {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
