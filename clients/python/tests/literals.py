"""Reads the engine's text forms, as in ops.json: "f32[2,2] {1, 2, 3, 4}", "axes=[1], mode=max"."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tensord import dtype as dt
from tensord.symbolic import Shape


def read_type(text: str) -> tuple[dt.DType, Shape]:
    """ "f32[2,3]"."""
    match = re.fullmatch(r"(\w+)\[([\d,]*)\]", text.strip())
    assert match is not None, text
    dims = tuple(int(d) for d in match[2].split(",") if d)
    return dt.BY_NAME[match[1]], dims


def read_number(text: str) -> Any:
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    return int(text) if re.fullmatch(r"-?\d+", text) else float(text)


def read_tensor(text: str) -> tuple[dt.DType, Any]:
    """The dtype and a numpy array (f32 for bf16)."""
    head, _, body = text.partition("{")
    dtype, shape = read_type(head)
    numbers = [read_number(n) for n in body.rstrip("} ").split(",") if n.strip()]
    host = np.dtype(np.float32) if dtype is dt.bfloat16 else dtype.np
    if len(numbers) == 1:  # of all elements
        return dtype, np.full(shape, numbers[0], host)
    return dtype, np.array(numbers, host).reshape(shape)


def read_attrs(text: str, kinds: dict[str, str]) -> dict[str, Any]:
    """name=value pairs, separated by commas outside brackets and quotes."""
    out: dict[str, Any] = {}
    for part in re.findall(r"\w+\s*=\s*(?:\[[^\]]*\]|\"[^\"]*\"|[^,]+)", text):
        name, _, value = (p.strip() for p in part.partition("="))
        out[name] = read_value(value, kinds[name])
    return out


def read_value(text: str, kind: str) -> Any:
    if kind in ("ints", "dims", "floats"):
        return tuple(read_number(n) for n in text.strip("[]").split(",") if n.strip())
    if kind == "dtype":
        return dt.BY_NAME[text]
    if kind == "string":
        return text.strip('"')
    if kind == "scalar":
        return read_number(text.rpartition(":")[2])
    return float(text) if kind == "float" else read_number(text)
