"""Which daemon to talk to when nobody says: environment, config file, default socket."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path
from typing import Final, NamedTuple

from tensord.errors import ValueProblem

__all__ = [
    "Tls",
    "config_path",
    "default_sockets",
    "find_address",
    "listens",
    "tls_for",
    "token_for",
]

_SYSTEM: Final = "/run/tensord/tensord.sock"
_NAMES: Final = ("address", "token", "ca", "cert", "key")


class Tls(NamedTuple):
    """PEM texts: whom to trust (None: whom gRPC trusts), and what to show of oneself."""

    ca: bytes | None = None
    cert: bytes | None = None
    key: bytes | None = None


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


def tls_for(address: str, ca: str | None, cert: str | None, key: str | None) -> Tls | None:
    """What a tls:// address needs; None for other addresses.

    The files are the arguments, $TENSORD_CA, $TENSORD_CERT and $TENSORD_KEY, or `ca`, `cert` and
    `key` of the config file. ValueError for files without TLS, a file that can't be read, or a
    certificate without its key.
    """
    if not address.startswith("tls://"):
        if ca or cert or key:
            raise ValueProblem(
                f"ca, cert and key are for tls://host:port, and the address is {address}; "
                "change it, or leave them out"
            )
        return None
    config = read_config()
    files = {
        name: given or os.environ.get(f"TENSORD_{name.upper()}") or config.get(name)
        for name, given in (("ca", ca), ("cert", cert), ("key", key))
    }
    if bool(files["cert"]) != bool(files["key"]):
        raise ValueProblem("a certificate and its key go together: give both cert and key, or none")
    return Tls(**{name: _read(name, path) for name, path in files.items() if path})


def _read(name: str, path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ValueProblem(
            f"{name}: can't read {path}: {error.strerror}; give a PEM file"
        ) from None


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
        if not equals or name not in _NAMES:
            wanted = ", ".join(_NAMES)
            raise ValueProblem(f"{path}:{number}: expected `name = value`, with a name of {wanted}")
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
