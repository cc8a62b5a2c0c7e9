"""The rows of deploy/dev bench: their fields, what a person reads of them, which are missing."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

BUILD = Path(__file__).resolve().parents[2] / "build/release"
FIELDS = ["name", "unit", "threads", "ours", "peer", "peer_name", "peer_version", "ratio", "limit",
          "of_limit", "max_error", "allowed", "spread"]  # fmt: skip
# A bar: which field, and at least what; "at_most": `ours`, and no more than that; "beyond_peer":
# `ours`, and no more than that above `peer`.
Bar = tuple[str, float]


def row(name: str, unit: str, values: Sequence[float], **fields: Any) -> dict[str, Any]:
    """A row whose `ours` is the median of the values."""
    middle = statistics.median(values)
    low, _, high = statistics.quantiles(values, n=4)
    known = {"name": name, "unit": unit, "threads": 1, "ours": middle,
             "spread": (high - low) / middle, **fields}  # fmt: skip
    return {key: known.get(key) for key in FIELDS}


def meets(found: dict[str, Any], bar: Bar) -> bool:
    kind, value = bar
    if kind == "at_most":
        return bool(found["ours"] <= value)
    if kind == "beyond_peer":
        return bool(found["ours"] <= found["peer"] + value)
    return found[kind] is not None and bool(found[kind] >= value)


def describe(found: dict[str, Any], bar: Bar | None) -> str:
    """A line for people: the row, and how it stands to its bar."""
    text = f"{found['name']:<46}{found['ours']:>14.6g} {found['unit']:<8}"
    if found["peer"] is not None:
        text += f"{found['peer_name']} {found['peer']:.6g}  "
    for key in ("ratio", "of_limit"):
        if found[key] is not None:
            text += f"{key} {found[key]:.3f}"
    if bar is not None:
        text += f"  ({'meets' if meets(found, bar) else 'BELOW'} {bar[0]} {bar[1]:g})"
    if found["allowed"] is not None:
        bounded = found["ours"] if found["max_error"] is None else found["max_error"]
        text += f"  ({'within' if bounded <= found['allowed'] else 'BEYOND'} {found['allowed']:g})"
    return text


def missing(rows: Iterable[dict[str, Any]], expected: Iterable[str]) -> int:
    """1, and their names, when rows of the list did not come out; else 0."""
    names = set(expected) - {found["name"] for found in rows}
    if names:
        print("missing rows:", ", ".join(sorted(names)), file=sys.stderr)
    return 1 if names else 0
