"""Files of at most 500 lines, functions of at most 60; prints the table of lines per folder.

A file or function may be longer when tests/lint/sizes.allow lists it with a reason, one a line:
    path/to/file.cc             why it is one piece
    path/to/file.cc:Function    why it is one piece
Headers over 150 lines are reported and do not fail. Python functions count from def to their end,
C++ functions from their first line to the closing brace.
"""

import ast
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from tree import CPP, ROOT, code_only, files, read, without_preprocessor

MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 60
HEADER_TARGET = 150
ALLOW = "tests/lint/sizes.allow"
COUNTED = (".cc", ".h", ".py", ".proto", ".cmake", "CMakeLists.txt", ".sh")

CONTAINER = re.compile(
    r"^(?:template\s*<.*>\s*|typedef\s+|static\s+|const\s+|inline\s+|\[\[.*?\]\]\s*)*"
    r"(?:(?:inline\s+)?namespace\b|class\b|struct\b|union\b|enum\b|extern\s*\"\")",
    re.DOTALL,
)
NAME = re.compile(r"([~\w:]+|operator\s*[^\s(]+|operator\(\))\s*\(")


@dataclass(frozen=True)
class Function:
    name: str
    first: int
    last: int

    @property
    def lines(self) -> int:
        return self.last - self.first + 1


def is_container(header: str) -> bool:
    """Whether a brace after this text opens a namespace or a type, not a body."""
    return bool(CONTAINER.match(header)) and not re.search(
        r"\)\s*(?:const|noexcept|->.*)?\s*$", header
    )


def is_body(header: str) -> bool:
    """Whether it opens a function, or a lambda at namespace scope; else it is data."""
    return "(" in header and not header.endswith("=")


def cpp_functions(text: str) -> list[Function]:
    """Outermost functions of a C++ file, by counting braces."""
    code = without_preprocessor(code_only(text))
    found: list[Function] = []
    stack: list[tuple[bool, str, int]] = []  # open braces: (container?, header, line of the header)
    header_start = 0
    for match in re.finditer(r"[{};]", code):
        inside_body = any(not container for container, _, _ in stack)
        if match[0] == "{":
            raw = code[header_start : match.start()]
            header = re.sub(r"^\s*(?:public|private|protected)\s*:\s*", "", raw).strip()
            start = header_start + len(raw) - len(raw.lstrip())
            stack.append((not inside_body and is_container(header), header, start))
        elif match[0] == "}" and stack:
            container, header, start = stack.pop()
            outermost = all(open_container for open_container, _, _ in stack)
            if not container and outermost and is_body(header):
                name = NAME.search(header)
                first = code.count("\n", 0, start) + 1
                last = code.count("\n", 0, match.start()) + 1
                found.append(Function(name[1] if name else "?", first, last))
        header_start = match.end()
    return found


def python_functions(text: str) -> list[Function]:
    try:
        module = ast.parse(text)
    except SyntaxError as error:
        raise SystemExit(f"not Python: {error}") from error
    return [
        Function(node.name, node.lineno, node.end_lineno or node.lineno)
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def functions_of(path: Path, text: str) -> list[Function]:
    if path.suffix == ".py":
        return python_functions(text)
    return cpp_functions(text) if path.suffix in CPP else []


def read_allowed(root: Path) -> dict[str, str]:
    """What may be longer, and why."""
    allowed = {}
    path = root / ALLOW
    for line in read(path).splitlines() if path.exists() else []:
        if line.strip() and not line.startswith("#"):
            name, _, reason = line.strip().partition(" ")
            allowed[name] = reason.strip()
    return allowed


def faults_of(root: Path) -> list[str]:
    allowed = read_allowed(root)
    faults = [f"{ALLOW}: {name} has no reason" for name, reason in allowed.items() if not reason]
    unused = set(allowed)
    for path in files(root, COUNTED):
        name, text = path.relative_to(root).as_posix(), read(path)
        lines = text.count("\n")
        if lines > MOST_FILE_LINES:
            unused.discard(name)
            if name not in allowed:
                faults.append(f"{name}: {lines} lines, at most {MOST_FILE_LINES}")
        for function in functions_of(path, text):
            if function.lines > MOST_FUNCTION_LINES:
                key = f"{name}:{function.name}"
                unused.discard(key)
                if key not in allowed:
                    at = f"{name}:{function.first}: {function.name}"
                    faults.append(f"{at}: {function.lines} lines, at most {MOST_FUNCTION_LINES}")
    return faults + [
        f"{ALLOW}: {name} is short enough now: drop the line" for name in sorted(unused)
    ]


def print_table(root: Path) -> None:
    """Files and lines of each folder, two levels deep, and the headers over their target."""
    table: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    long_headers = []
    for path in files(root, COUNTED):
        name = path.relative_to(root)
        lines = read(path).count("\n")
        row = table["/".join(name.parts[:-1][:2]) or "."]
        row[0] += 1
        row[1] += lines
        if name.suffix == ".h" and lines > HEADER_TARGET:
            long_headers.append(
                f"{name.as_posix()}: {lines} lines, a header aims at {HEADER_TARGET}"
            )
    print(f"{'folder':<24}{'files':>7}{'lines':>8}")
    for folder, (count, lines) in sorted(table.items()):
        print(f"{folder:<24}{count:>7}{lines:>8}")
    count, lines = (sum(row[i] for row in table.values()) for i in (0, 1))
    print(f"{'all':<24}{count:>7}{lines:>8}")
    print(*long_headers, sep="\n")


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    print_table(root)
    faults = faults_of(root)
    for fault in faults:
        print(fault)
    print(f"sizes: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
