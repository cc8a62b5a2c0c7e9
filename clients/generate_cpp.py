"""The C++ builders, ops.h and ops.cc, from the rows of ops.json; called by generate.py."""

from __future__ import annotations

import textwrap
from typing import Any

# Rows that no user calls: the session core's own.
INTERNAL = frozenset(("const", "get", "param"))
RESERVED = """
and and_eq asm auto bitand bitor bool break case catch char class const continue default delete do
double else enum explicit export extern false float for friend goto if inline int long mutable
namespace new not operator or private protected public register return short signed sizeof static
struct switch template this throw true try typedef typeid typename union unsigned using virtual void
volatile while xor
"""
KEYWORDS = frozenset(RESERVED.split())
TAKEN = frozenset(("graph", "options", "where"))  # parameters of every builder

# kind: (the type of a field, the type of a parameter)
TYPES = {
    "int": ("int64_t", "int64_t"),
    "float": ("double", "double"),
    "bool": ("bool", "bool"),
    "string": ("std::string", "const std::string&"),
    "ints": ("std::vector<int64_t>", "const std::vector<int64_t>&"),
    "floats": ("std::vector<double>", "const std::vector<double>&"),
    "dims": ("Dims", "const Dims&"),
    "dtype": ("DType", "DType"),
    "scalar": ("Scalar", "const Scalar&"),
}
DTYPES = {
    "bool": "kBool",
    "weak_int": "kWeakInt",
    "weak_float": "kWeakFloat",
    "bf16": "kBF16",
}

GENERATED = "// Generated from clients/ops.json by clients/generate.py. Do not edit."
HEADER = """\
// A function for every op, in the order of the reference (ListOps).
//
//   Tensor y = ops::Softmax(x, {.axis = 0});
//   Tensor z = ops::Linear(y, weight, bias);
//
// An input is a Tensor or a number (weak: it takes the dtype of what it meets); attributes that the
// daemon has a default for are fields of the options. A call costs no round trip: what is wrong
// with it comes out where the result is used, with the file and line of the call.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "clients/cpp/tensord/graph.h"
#include "clients/cpp/tensord/operators.h"
#include "clients/cpp/tensord/scalar.h"
#include "clients/cpp/tensord/tensor.h"
#include "clients/cpp/tensord/type.h"

// clang-format off
namespace tensord::client::ops {

// The op set that these were made from, in hexadecimal: what Welcome.op_set_digest of a daemon of the
// same version is.
inline constexpr char kOpSetDigest[] =
    "{digest}";

using Place = std::source_location;

"""
SOURCE = """\
#include "clients/cpp/tensord/ops.h"

#include "clients/cpp/tensord/call.h"

// clang-format off
namespace tensord::client::ops {

"""
END = "}  // namespace tensord::client::ops\n"


def cpp_builders(ops: dict[str, Any], digest: str) -> tuple[str, str]:
    """The texts of ops.h and ops.cc; `digest` is the SHA-256 of ops.json."""
    rows = [r for r in ops["ops"] if r["name"] not in INTERNAL and not has_function(r)]
    header = HEADER.replace("{digest}", digest)
    header += "\n".join(declaration(r) for r in rows) + "\n" + END
    source = SOURCE + "\n".join(definition(r) for r in rows) + "\n" + END
    return f"{GENERATED}\n{header}", f"{GENERATED}\n{source}"


def has_function(row: dict[str, Any]) -> bool:
    return any(a["kind"] in ("function", "sym", "mask") for a in row["attrs"])


def pascal(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def local(name: str) -> str:
    return name + "_" if name in KEYWORDS | TAKEN else name


def is_copy(row: dict[str, Any]) -> bool:
    """Its device is the node's, by the wire's number."""
    return bool(row["name"] == "copy")


def required(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for a in row["attrs"] if a["default"] is None and not is_copy(row)]


def optional(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [a for a in row["attrs"] if a["default"] is not None]


def has_options(row: dict[str, Any]) -> bool:
    return bool(optional(row)) or not row["inputs"]


def result(row: dict[str, Any]) -> str:
    count = row["results"]
    return "Tensor" if count == 1 else f"std::array<Tensor, {count}>"


def parameters(row: dict[str, Any], with_defaults: bool) -> list[str]:
    """Required inputs, required attributes, optional inputs, options, the place."""
    given, later = [], []
    for k, i in enumerate(row["inputs"]):
        many = row["variadic"] and k == len(row["inputs"]) - 1
        kind = "const std::vector<Tensor>&" if many else "const Operand&"
        text = f"{kind} {local(i['name'])}"
        if i.get("optional"):
            later.append(text + (" = {}" if with_defaults else ""))
        else:
            given.append(text)
    out = given if row["inputs"] else ["Graph& graph"]
    out += ["uint32_t device"] if is_copy(row) else []
    out += [f"{TYPES[a['kind']][1]} {local(a['name'])}" for a in required(row)]
    out += later
    if has_options(row):
        default = " = {}" if with_defaults else ""
        out.append(f"const {pascal(row['name'])}Options& options{default}")
    return [*out, "Place where" + (" = Place::current()" if with_defaults else "")]


def signature(row: dict[str, Any], with_defaults: bool, end: str) -> str:
    """One line, or parameters packed into lines of at most 100 columns."""
    head = f"{result(row)} {pascal(row['name'])}("
    return packed(head, parameters(row, with_defaults), ")" + end)


def packed(head: str, parts: list[str], end: str) -> str:
    line, lines = head, []
    for k, part in enumerate(parts):
        piece = part + ("," if k + 1 < len(parts) else end)
        gap = "" if line.endswith("(") else " "
        if len(line) + len(gap) + len(piece) > 100:
            lines.append(line)
            line, gap = "    ", ""
        line += gap + piece
    return "\n".join([*lines, line]) + "\n"


def comment(text: str, indent: str = "", first: str = "") -> str:
    lines = textwrap.wrap(
        first + text,
        97 - len(indent),
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
    )
    return "".join(f"{indent}// {line}\n" for line in lines)


def declaration(row: dict[str, Any]) -> str:
    text = comment(row["doc"].strip())
    for x in [*row["inputs"], *required(row)]:
        if x.get("doc"):
            text += comment(f"{local(x['name'])}: {x['doc']}", first="  ")
    return (
        text
        + (options_text(row) if has_options(row) else "")
        + signature(row, True, ";")
    )


def options_text(row: dict[str, Any]) -> str:
    fields = [field(a) for a in optional(row)]
    if not row["inputs"]:
        fields.append(
            "  uint32_t device = 0;  // where it is made; 0: the daemon's default\n"
        )
    return f"struct {pascal(row['name'])}Options {{\n{''.join(fields)}}};\n"


def field(attr: dict[str, Any]) -> str:
    kind = TYPES[attr["kind"]][0]
    if attr["default"] == "none":
        text = f"  std::optional<{kind}> {local(attr['name'])} = {{}};"
    else:
        value = cpp_value(attr["kind"], attr["default"])
        text = f"  {kind} {local(attr['name'])} = {value};"
    if not attr["doc"]:
        return text + "\n"
    if len(text) + 5 + len(attr["doc"]) <= 100:
        return f"{text}  // {attr['doc']}\n"
    return comment(attr["doc"], "  ") + text + "\n"


def cpp_value(kind: str, text: str) -> str:
    """The C++ literal of a default in the engine's text form."""
    if kind == "string":
        return '"' + text.strip('"') + '"'
    if kind == "dtype":
        return "DType::" + DTYPES.get(text, "k" + text.upper())
    if kind == "float":
        return repr(float(text))
    if kind in ("ints", "floats", "dims"):
        return "{" + ", ".join(text.strip("[]").split(",")) + "}"
    return text.rpartition(":")[2]


def definition(row: dict[str, Any]) -> str:
    chain = [f'Call("{row["name"]}", where)']
    if not row["inputs"]:
        chain.append(".On(graph, options.device)")
    if is_copy(row):
        chain.append(".To(device)")
    for k, i in enumerate(row["inputs"]):
        many = row["variadic"] and k == len(row["inputs"]) - 1
        chain.append(f".{'InAll' if many else 'In'}({local(i['name'])})")
    for a in [] if is_copy(row) else row["attrs"]:
        owner = "" if a["default"] is None else "options."
        chain.append(f'.Attr("{a["name"]}", {owner}{local(a["name"])})')
    chain.append(".One()" if row["results"] == 1 else f".Many<{row['results']}>()")
    body = "  return " + "".join(chain) + ";\n"
    if len(body) > 101:
        body = (
            "  return "
            + chain[0]
            + "".join(f"\n      {part}" for part in chain[1:])
            + ";\n"
        )
    return signature(row, False, " {") + body + "}\n"
