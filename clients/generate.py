#!/usr/bin/env python3
"""Makes what the clients share with the server: protobuf modules and typed op builders.

    python3 clients/generate.py            # writes
    python3 clients/generate.py --check    # exits 1 and names what is stale

Reads proto/tensord/v1/*.proto and clients/ops.json (the daemon's own description of its ops, see
engine/ops/registry.h), writes clients/python/tensord/_proto/*_pb2.py{,i},
clients/python/tensord/_ops.py and clients/cpp/tensord/ops.{h,cc}. Protobuf modules are made by the pinned grpcio-tools in a virtual
environment under build/, so that everybody's are the same; needs Python 3.10 and, once, PyPI.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import keyword
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from generate_cpp import cpp_builders

ROOT = Path(__file__).resolve().parent.parent
PROTO = ROOT / "proto"
OPS_JSON = ROOT / "clients" / "ops.json"
PYTHON = ROOT / "clients" / "python" / "tensord"
CPP = ROOT / "clients" / "cpp" / "tensord"
TOOLS = "grpcio-tools==1.71.2"  # protobuf 5.29: its modules run on every later runtime
FILES = ("types", "graph", "session", "compute", "shared_memory")

# Rows that no user calls: the session core's own.
INTERNAL = frozenset(("const", "get", "param"))
TYPES = {
    "int": "int",
    "float": "float",
    "bool": "bool",
    "string": "str",
    "ints": "Sequence[int]",
    "dims": "Sequence[Dim]",
    "dtype": "DType",
    "scalar": "float",
    "floats": "Sequence[float]",
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing, fail when stale"
    )
    parser.add_argument("--only", choices=("proto", "ops"), help="one of the two parts")
    options = parser.parse_args()
    made: dict[Path, str] = {}
    if options.only != "ops":
        made.update(proto_modules())
    if options.only != "proto":
        ops = json.loads(OPS_JSON.read_text())
        digest = hashlib.sha256(OPS_JSON.read_bytes()).hexdigest()
        made[PYTHON / "_ops.py"] = builders(ops)
        made[CPP / "ops.h"], made[CPP / "ops.cc"] = cpp_builders(ops, digest)
    return check(made) if options.check else write(made)


def write(made: dict[Path, str]) -> int:
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path.relative_to(ROOT)}")
    return 0


def check(made: dict[Path, str]) -> int:
    stale = [p for p, text in made.items() if not p.exists() or p.read_text() != text]
    for path in stale:
        print(
            f"{path.relative_to(ROOT)} is stale; run python3 clients/generate.py",
            file=sys.stderr,
        )
    return 1 if stale else 0


# ---------------------------------------------------------------------------- protobuf


def tools_python() -> Path:
    """The interpreter of an environment that has the pinned tools."""
    place = ROOT / "build" / "venv-protoc"
    python = place / "bin" / "python"
    mark = place / "made-for"
    if not mark.exists() or mark.read_text() != TOOLS:
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", TOOLS], check=True)
        mark.write_text(TOOLS)
    return python


def proto_modules() -> dict[Path, str]:
    made = {
        PYTHON / "_proto" / "__init__.py": '"""Generated from proto/tensord/v1."""\n'
    }
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [
                tools_python(),
                "-m",
                "grpc_tools.protoc",
                f"-I{PROTO}",
                f"--python_out={out}",
                f"--pyi_out={out}",
                *(f"tensord/v1/{name}.proto" for name in FILES),
            ],
            check=True,
        )
        for path in sorted(Path(out).glob("tensord/v1/*")):
            text = re.sub(
                r"from tensord\.v1 import",
                "from tensord._proto import",
                path.read_text(),
            )
            made[PYTHON / "_proto" / path.name] = text
    return made


# ---------------------------------------------------------------------------- builders

HEADER = '''\
"""Typed builders of every op. Generated from clients/ops.json by clients/generate.py.

Inputs are tensors or Python numbers (weak: they take the dtype of what they meet); an attribute
left at None takes the server's default. Errors are raised here, on the caller's line: ShapeError,
DTypeError, IndexOutOfRange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensord import dtype as dt
from tensord.base import REQUIRED, OpRow, apply, elementwise
from tensord.dtype import DType
from tensord.symbolic import Dim

if TYPE_CHECKING:
    from tensord.base import Operand
    from tensord.tensor import Tensor

OP_SET_DIGEST = "{digest}"

'''


def builders(ops: dict[str, Any]) -> str:
    rows = [r for r in ops["ops"] if r["name"] not in INTERNAL and not has_function(r)]
    table = "".join(row_text(r) for r in rows)
    functions = "\n\n".join(builder_text(r) for r in rows)
    names = ",\n".join(f'    "{function_name(r)}"' for r in rows)
    checked = promotion_text(ops)
    return (
        HEADER.replace("{digest}", ops.get("digest", ""))
        + f"__all__ = [\n{names},\n]\n\n"
        + checked
        + table
        + "\n\n"
        + functions
    )


def has_function(row: dict[str, Any]) -> bool:
    return any(a["kind"] in ("function", "sym", "mask") for a in row["attrs"])


def promotion_text(ops: dict[str, Any]) -> str:
    """The server's lattice as data; tests compare it with dtypes.PROMOTION."""
    names = [d["name"] for d in ops["dtypes"]]
    lines = [
        "# Row a, column b: what dtypes a and b promote to.",
        "DTYPES = " + wrapped(repr(tuple(names))),
        "PROMOTION = (",
    ]
    lines += ["    " + wrapped(repr(tuple(row)), 96) + "," for row in ops["promotion"]]
    return "\n".join([*lines, ")", "", ""])


def wrapped(text: str, width: int = 88) -> str:
    return "\n    ".join(textwrap.wrap(text.replace("'", '"'), width))


def function_name(row: dict[str, Any]) -> str:
    name: str = row["name"]
    return name + "_" if keyword.iskeyword(name) else name


def argument(name: str) -> str:
    return name + "_" if keyword.iskeyword(name) else name


def constant_name(row: dict[str, Any]) -> str:
    return "_" + row["name"].upper()


def default_value(kind: str, text: str) -> str:
    """The Python literal of a default in the engine's text form."""
    if text == "none":
        return "None"
    if kind == "bool":
        return text.capitalize()
    if kind == "string":
        return repr(text.strip('"'))
    if kind == "dtype":
        return f'dt.BY_NAME["{text}"]'
    if kind == "float":
        return float_literal(text)
    if kind in ("ints", "dims", "floats"):
        return repr(tuple(json.loads(text)))
    if kind == "scalar":
        return float_literal(text.rpartition(":")[2])
    return str(int(text))


def float_literal(text: str) -> str:
    return (
        f'float("{text}")' if text.lstrip("-") in ("inf", "nan") else repr(float(text))
    )


def row_text(row: dict[str, Any]) -> str:
    attrs = []
    for a in row["attrs"]:
        value = (
            "REQUIRED"
            if a["default"] is None
            else default_value(a["kind"], a["default"])
        )
        attrs.append(f'("{a["name"]}", "{a["kind"]}", {value})')
    attr_text = "(" + ", ".join(attrs) + ("," if len(attrs) == 1 else "") + ")"
    names = tuple(i["name"] for i in row["inputs"])
    least = sum(not i.get("optional") for i in row["inputs"])
    text = (
        f'{constant_name(row)} = OpRow("{row["name"]}", {names!r}, {least}, '
        f'{row["variadic"]}, {attr_text}, {row["results"]}, "{row["dtype_rule"]}", '
        f'"{row["shape_rule"]}")'
    )
    return (
        "\n".join(
            textwrap.wrap(
                text,
                98,
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
        + "\n"
    )


def builder_text(row: dict[str, Any]) -> str:
    result = (
        "Tensor"
        if row["results"] == 1
        else ("tuple[" + ", ".join(["Tensor"] * row["results"]) + "]")
    )
    head = f"def {function_name(row)}({signature(row)}) -> {result}:"
    if len(head) > 98:
        head = (
            f"def {function_name(row)}(\n"
            + "".join(f"    {p},\n" for p in parameters(row))
            + f") -> {result}:"
        )
    return f"{head}\n{docstring(row)}    return {call(row)}\n"


def parameters(row: dict[str, Any]) -> list[str]:
    out = []
    for k, i in enumerate(row["inputs"]):
        if row["variadic"] and k == len(row["inputs"]) - 1:
            out.append(f"{argument(i['name'])}: Sequence[Operand]")
        elif i.get("optional"):
            out.append(f"{argument(i['name'])}: Operand | None = None")
        else:
            out.append(f"{argument(i['name'])}: Operand")
    required = [a for a in row["attrs"] if a["default"] is None]
    others = [a for a in row["attrs"] if a["default"] is not None]
    if row["attrs"]:
        out.append("*")
    out += [f"{argument(a['name'])}: {TYPES[a['kind']]}" for a in required]
    out += [f"{argument(a['name'])}: {TYPES[a['kind']]} | None = None" for a in others]
    return out if row["inputs"] else [*out, "device: int = 0"]


def signature(row: dict[str, Any]) -> str:
    return ", ".join(parameters(row))


def call(row: dict[str, Any]) -> str:
    names = [argument(i["name"]) for i in row["inputs"]]
    plain = (
        row["shape_rule"] in ("broadcast", "same")
        and not row["attrs"]
        and row["results"] == 1
        and not row["variadic"]
        and not any(i.get("optional") for i in row["inputs"])
        and row["dtype_rule"] != "custom"
        and names
    )
    if plain and (row["shape_rule"] == "broadcast" or len(names) == 1):
        return f"elementwise({constant_name(row)}, {', '.join(names)})"
    inputs = "(" + ", ".join(names) + ("," if len(names) == 1 else "") + ")"
    if row["variadic"]:
        inputs = "(" + "".join(f"{n}, " for n in names[:-1]) + f"*{names[-1]},)"
    attrs = "".join(f"{argument(a['name'])}, " for a in row["attrs"])
    device = "" if names else ", device"
    text = f"apply({constant_name(row)}, {inputs if names else '()'}, ({attrs.strip()}){device})"
    if row["results"] == 1:
        return text + "[0]"
    return text + "  # type: ignore[return-value]"


def docstring(row: dict[str, Any]) -> str:
    parts = [row["doc"].strip().replace("\\", "\\\\")]
    given = [
        (argument(x["name"]), x["doc"])
        for x in (*row["inputs"], *row["attrs"])
        if x.get("doc")
    ]
    lines = textwrap.wrap(parts[0], 92)
    if given:
        lines += [""] + [
            line
            for name, doc in given
            for line in textwrap.wrap(f"{name}: {doc}", 92, subsequent_indent="    ")
        ]
    if len(lines) == 1 and len(lines[0]) < 88:
        return f'    """{lines[0]}"""\n'
    body = "\n".join(f"    {line}".rstrip() for line in lines)
    return f'    """{body.strip()}\n    """\n'


if __name__ == "__main__":
    sys.exit(main())
