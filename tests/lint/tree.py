"""The source tree as the linters see it: which files, and C++ text without comments and strings."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SKIPPED_FOLDERS = {"build", "dist", "node_modules", "__pycache__", "corpus"}
CPP = (".cc", ".h")


def files(root: Path, suffixes: tuple[str, ...] = ()) -> Iterator[Path]:
    """Every file below `root` in a fixed order; hidden and generated folders are left out, and
    the file that links a work tree to its repository."""
    for folder, folders, names in os.walk(root):
        hidden = {name for name in folders if name.startswith(".") and name != ".ci"}
        folders[:] = sorted(set(folders) - SKIPPED_FOLDERS - hidden)
        for name in sorted(names):
            if name != ".git" and (not suffixes or name.endswith(suffixes)):
                yield Path(folder) / name


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


# Raw strings, strings, character literals (no digit separator), comments.
_NO_CODE = re.compile(
    r'R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'"
    r"|//(?:\\\n|[^\n])*"
    r"|/\*.*?\*/",
    re.DOTALL,
)


def code_only(text: str) -> str:
    """C++ with comments and literals blanked out; every line keeps its number."""

    def blank(match: re.Match[str]) -> str:
        found = match[0]
        empty = "''" if found.startswith("'") else '""' if found[0] in 'R"' else ""
        return empty + "\n" * found.count("\n")

    return _NO_CODE.sub(blank, text)


def without_preprocessor(code: str) -> str:
    """The same without directives, continuation lines included."""
    return re.sub(
        r"^[ \t]*#(?:\\\n|[^\n])*",
        lambda match: "\n" * match[0].count("\n"),
        code,
        flags=re.MULTILINE,
    )
