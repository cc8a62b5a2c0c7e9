"""Every op's own examples: types found locally, and values by a real daemon."""

import json
from pathlib import Path

import literals
import numpy as np
import pytest

import tensord
from tensord import Tensor, _ops
from tensord.base import OpRow, apply

OPS_JSON = Path(__file__).parents[2] / "ops.json"
ROWS = {v.name: v for v in vars(_ops).values() if isinstance(v, OpRow)}


def examples():
    if not OPS_JSON.exists():
        return []
    rows = [r for r in json.loads(OPS_JSON.read_text())["ops"] if r["name"] in ROWS]
    return [
        pytest.param(r["name"], e, id=f"{r['name']}-{k}")
        for r in rows
        for k, e in enumerate(r["examples"])
    ]


def run(name, example):
    row = ROWS[name]
    inputs = []
    for text in example["inputs"]:
        dtype, array = literals.read_tensor(text)
        inputs.append(Tensor(array, dtype=dtype, requires_grad=False))
    given = literals.read_attrs(example["attrs"], {n: kind for n, kind, _ in row.attrs})
    return apply(row, inputs, [given.get(n) for n, _, _ in row.attrs])


@pytest.mark.parametrize(("name", "example"), examples())
def test_types_are_found_locally(name, example, fake):
    if name == "copy":
        return
    for got, text in zip(run(name, example), example["results"], strict=True):
        dtype, shape = literals.read_type(text.partition("{")[0])
        assert (got.dtype, got.shape) == (dtype, shape)


@pytest.mark.parametrize(("name", "example"), examples())
def test_values_are_the_examples(name, example, session):
    if name == "copy":
        example = {**example, "attrs": f"device={session.welcome.devices[0].number}"}
    for got, text in zip(run(name, example), example["results"], strict=True):
        _, want = literals.read_tensor(text)
        if want.dtype.kind == "f":
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(got.numpy(), want)


def test_a_row_without_a_local_rule_asks_the_daemon(session):
    row = OpRow("flip", ("x",), 1, False, (("axes", "ints", ()),), 1, "same", "custom")
    (got,) = apply(row, (Tensor([[1.0, 2.0]]),), ((1,),))
    assert got.shape == (1, 2)
    assert got.tolist() == [[2.0, 1.0]]
    assert tensord.connection() is session
