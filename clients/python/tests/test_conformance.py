"""The cases that hold all clients to one meaning; see clients/conformance/README.md."""

from pathlib import Path

import literals
import pytest

from tensord import _ops, errors
from tensord import dtype as dt
from tensord.base import OpRow, _given, _types
from tensord.graph import Value
from tensord.rules.common import type_text
from tensord.session.retired import DONATED

CASES = Path(__file__).parents[2] / "conformance" / "types.txt"
ROWS = {v.name: v for v in vars(_ops).values() if isinstance(v, OpRow)}


def cases():
    """(op, [(call, answer) …]) of each op."""
    by_op = {}
    for line in CASES.read_text().splitlines() if CASES.exists() else []:
        call, _, answer = line.partition(" => ")
        by_op.setdefault(call.partition(" |")[0], []).append((call, answer))
    return [pytest.param(calls, id=op) for op, calls in by_op.items() if op in ROWS]


def answer_of(call):
    name, inputs, attrs = (part.strip() for part in call.split("|"))
    row = ROWS[name]
    types = [literals.read_type(t) for t in inputs.split(";") if t.strip()]
    values = [Value(DONATED, 0, dtype, shape, 0) for dtype, shape in types]
    given = literals.read_attrs(attrs, {n: kind for n, kind, _ in row.attrs})
    try:
        attrs = _given(row, [given.get(n) for n, _, _ in row.attrs])
        found = _types(row, values, [1] * len(values), attrs)
    except errors.TensordError as error:
        return f"! {error}"
    return "; ".join(type_text(dtype, shape) for dtype, shape in found)


@pytest.mark.parametrize("calls", cases())
def test_types_and_messages_are_the_daemons(calls):
    assert [(call, answer_of(call)) for call, _ in calls] == calls


def test_the_lattice_reaches_every_stored_dtype():
    assert {dt.promote(a, b) for a in dt.STORED for b in dt.STORED} >= set(dt.STORED)
