"""Which daemon to talk to when nobody says: environment, config file, default socket."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Final

from tensord.errors import ValueProblem

__all__ = ["config_path", "default_sockets", "find_address", "listens", "token_for"]

_SYSTEM: Final = "/run/tensord/tensord.sock"


def find_address() -> str | None:
    """$TENSORD_ADDR, the config file's `address`, or a default socket that somebody serves."""
    given = os.environ.get("TENSORD_ADDR") or read_config().get("address")
    if given:
        return given
    for path in default_sockets():
        if listens(path):
            return f"unix://{path}"
    return None


def token_for(given: str | None) -> str:
    """The bearer token: the argument, $TENSORD_TOKEN, or the config file's; "" for none."""
    if given is not None:
        return given
    return os.environ.get("TENSORD_TOKEN") or read_config().get("token", "")


def config_path() -> Path:
    """$TENSORD_CLIENT_CONFIG, or client.conf in the user's config folder."""
    given = os.environ.get("TENSORD_CLIENT_CONFIG")
    if given:
        return Path(given)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return Path(base) / "tensord" / "client.conf"


def read_config() -> dict[str, str]:
    """`name = value` lines; # begins a comment. Unknown names are refused."""
    path = config_path()
    try:
        text = path.read_text()
    except OSError:
        return {}
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        content = line.split("#", 1)[0].strip()
        if not content:
            continue
        name, equals, value = (part.strip() for part in content.partition("="))
        if not equals or name not in ("address", "token"):
            raise ValueProblem(f"{path}:{number}: expected `address = …` or `token = …`")
        values[name] = value
    return values


def default_sockets() -> list[str]:
    """Where a daemon of the user's, or of the system's, listens by default."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    own = [f"{runtime}/tensord.sock"] if runtime.startswith("/") else []
    return [*own, _SYSTEM]


def listens(path: str) -> bool:
    """Whether somebody accepts connections on a Unix socket."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            return False
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            probe.connect(path)
        return True
    except OSError:
        return False
