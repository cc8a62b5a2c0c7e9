"""Types found locally: the lattice, dtype rules, shape rules and their messages."""

import json
from pathlib import Path

import pytest

from tensord import Tensor, _ops, dtypes, errors
from tensord import dtype as dt
from tensord.base import OpRow
from tensord.rules import DTYPE_RULES, SHAPE_RULES

pytestmark = pytest.mark.usefixtures("fake")
OPS_JSON = Path(__file__).parents[2] / "ops.json"


def zeros(*shape, dtype="float32"):
    return Tensor.zeros(*shape, dtype=dtype)


def test_the_lattice_is_the_servers():
    for a, row in zip(_ops.DTYPES, _ops.PROMOTION, strict=True):
        for b, joined in zip(_ops.DTYPES, row, strict=True):
            assert dt.promote(dt.BY_NAME[a], dt.BY_NAME[b]).short == joined, (a, b)


def test_the_lattice_is_commutative_and_associative():
    for a in dt.ALL:
        for b in dt.ALL:
            assert dt.promote(a, b) is dt.promote(b, a)
            for c in dt.ALL:
                assert dt.promote(dt.promote(a, b), c) is dt.promote(a, dt.promote(b, c))


@pytest.mark.skipif(not OPS_JSON.exists(), reason="a wheel's tests run without the tree's ops.json")
def test_every_rule_of_the_vocabulary_is_implemented():
    ops = json.loads(OPS_JSON.read_text())
    for row in ops["ops"]:
        assert row["dtype_rule"] in DTYPE_RULES, row["name"]
        assert row["shape_rule"] in SHAPE_RULES, row["name"]


def test_rows_with_rules_of_their_own_have_them_here():
    rows = [v for v in vars(_ops).values() if isinstance(v, OpRow)]
    missing = [r.name for r in rows if r.shape_rule is SHAPE_RULES["custom"] and r.custom is None]
    assert missing == []


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ("uint8", 1, "uint8"),
        ("uint8", 1.0, "float32"),
        ("float16", 1, "float16"),
        ("float16", 2.5, "float16"),
        ("int32", True, "int32"),
        ("bool", 1, "int32"),
        ("bool", 1.5, "float32"),
        ("bfloat16", 0.5, "bfloat16"),
        ("float64", 1, "float64"),
    ],
)
def test_python_scalars_are_weak(a, b, want):
    assert (zeros(2, dtype=a) + b).dtype is dt.to_dtype(want)
    assert (b + zeros(2, dtype=a)).dtype is dt.to_dtype(want)


@pytest.mark.parametrize(
    ("a", "b", "want"),
    [
        ("int8", "uint8", "int16"),
        ("uint32", "int32", "int64"),
        ("uint64", "int8", "float32"),
        ("float16", "bfloat16", "float32"),
        ("int64", "float16", "float16"),
        ("bool", "bool", "bool"),
    ],
)
def test_dtypes_promote(a, b, want):
    assert (zeros(2, dtype=a) * zeros(2, dtype=b)).dtype is dt.to_dtype(want)


def test_division_and_functions_give_floats():
    x = zeros(3, dtype="int32")
    assert (x / 2).dtype is dtypes.float32
    assert x.sin().dtype is dtypes.float32
    assert (x // 2).dtype is dtypes.int32
    assert (x < 2).dtype is dtypes.bool
    assert x.mean().dtype is dtypes.float32
    assert zeros(3, dtype="int8").sum().dtype is dtypes.int32
    assert zeros(3, dtype="uint8").sum().dtype is dtypes.uint32
    assert zeros(3, dtype="bool").sum().dtype is dtypes.int32
    assert zeros(3, dtype="float16").sum().dtype is dtypes.float16
    assert x.argmax().dtype is dtypes.int32


@pytest.mark.parametrize(
    ("make", "want"),
    [
        (lambda: zeros(2, 1) + zeros(1, 3), (2, 3)),
        (lambda: zeros(2, 3).sum(1), (2,)),
        (lambda: zeros(2, 3).sum(1, keepdim=True), (2, 1)),
        (lambda: zeros(2, 3).sum(), ()),
        (lambda: zeros(2, 3, 4).permute(2, 0, 1), (4, 2, 3)),
        (lambda: zeros(2, 3).T, (3, 2)),
        (lambda: zeros(2, 3).reshape(-1), (6,)),
        (lambda: zeros(2, 3).expand(4, 2, 3), (4, 2, 3)),
        (lambda: zeros(2, 3).pad(((1, 1), None)), (4, 3)),
        (lambda: zeros(2, 3).pad((1, 2)), (2, 6)),
        (lambda: zeros(2, 3) @ zeros(3, 4), (2, 4)),
        (lambda: zeros(3) @ zeros(3), ()),
        (lambda: zeros(5, 1, 2, 3) @ zeros(4, 3, 7), (5, 4, 2, 7)),
        (lambda: Tensor.einsum("ij,jk->ki", zeros(2, 3), zeros(3, 4)), (4, 2)),
        (lambda: Tensor.einsum("...ij->...ji", zeros(5, 2, 3)), (5, 3, 2)),
        (lambda: zeros(2, 3, 8, 8).conv2d(zeros(4, 3, 3, 3)), (2, 4, 6, 6)),
        (lambda: zeros(2, 3, 8, 8).conv2d(zeros(4, 3, 3, 3), stride=2, padding=1), (2, 4, 4, 4)),
        (lambda: zeros(2, 4, 8).conv2d(zeros(6, 2, 3), groups=2, dilation=2), (2, 6, 4)),
        (lambda: zeros(2, 3, 4, 4).conv_transpose2d(zeros(3, 5, 2, 2), stride=2), (2, 5, 8, 8)),
        (lambda: zeros(2, 3, 8, 8).max_pool2d(2), (2, 3, 4, 4)),
        (lambda: zeros(1, 7).max_pool2d((2,), ceil_mode=True), (1, 4)),
        (lambda: zeros(1, 7).max_pool2d((2,)), (1, 3)),
        (lambda: zeros(2, 3).stack(zeros(2, 3), dim=1), (2, 2, 3)),
        (lambda: zeros(2, 3).cat(zeros(5, 3)), (7, 3)),
        (lambda: zeros(10, 4)[zeros(2, 5, dtype="int32")], (2, 5, 4)),
        (lambda: zeros(3, dtype="int32").one_hot(7), (3, 7)),
        (lambda: zeros(10).unfold(0, 3, 2), (4, 3)),
        (lambda: zeros(2, 6).rearrange("a (b c) -> c a b", b=2), (3, 2, 2)),
        (lambda: zeros(2, 3, 4).flatten(1), (2, 12)),
        (lambda: zeros(2, 12).unflatten(1, (3, -1)), (2, 3, 4)),
        (lambda: zeros(3, 4).diagonal(1), (3,)),
        (lambda: zeros(2, 3).repeat(2, 2, 1), (2, 4, 3)),
        (
            lambda: zeros(4, 8, 16).scaled_dot_product_attention(zeros(4, 6, 16), zeros(4, 6, 5)),
            (4, 8, 5),
        ),
    ],
)
def test_shapes(make, want):
    assert make().shape == want


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: zeros(2) + zeros(3), ValueError, "do not broadcast"),
        (lambda: zeros(2, 3) @ zeros(4, 2), ValueError, "inner extents"),
        (lambda: zeros(2, 3).reshape(4), ValueError, "elements"),
        (lambda: zeros(2, 3).sum(2), IndexError, "out of range for rank 2"),
        (lambda: zeros(2, 3).permute(0, 0), ValueError, "permutation"),
        (lambda: zeros(2, 3).expand(2, 4), ValueError, "can't grow"),
        (lambda: zeros(2, dtype="float32") & 1, TypeError, "integers or bools"),
        (lambda: zeros(2, dtype="bool") - True, TypeError, "no meaning for bool"),
        (lambda: zeros(2, dtype="uint8") + 300, TypeError, "does not fit"),
        (lambda: zeros(1, 3, 8, 8).conv2d(zeros(4, 2, 3, 3)), ValueError, "channels"),
        (lambda: zeros(2)[5], IndexError, "out of range"),
        (lambda: zeros(2)[0, 0], IndexError, "too many"),
        (lambda: zeros(2)["x"], TypeError, "index of type str"),
        (lambda: zeros(2, 3).cat(zeros(2, 4)), ValueError, "concat|cat"),
        (lambda: Tensor("text"), TypeError, "can't be made"),
        (lambda: Tensor([[1], [1, 2]]), ValueError, "can't be made"),
        (lambda: zeros(3).assign(zeros(4)), ValueError, "assign"),
        (lambda: zeros(3).assign(zeros(3, dtype="int32")), TypeError, "assign"),
        (lambda: zeros(2, 3).backward(), ValueError, "scalar"),
        (lambda: zeros(2, dtype="int32").sum().backward(), TypeError, "float"),
        (lambda: Tensor.einsum("ij,jk", zeros(2, 3)), ValueError, "2 terms for 1"),
    ],
)
def test_errors_are_builtin_ones_too(make, kind, words):
    with pytest.raises(kind, match=words) as caught:
        make()
    assert isinstance(caught.value, errors.TensordError)


def test_errors_are_raised_on_the_users_line():
    try:
        zeros(2) + zeros(3)
    except ValueError as error:
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append(trace.tb_frame.f_code.co_filename)
            trace = trace.tb_next
        assert frames[0] == __file__


def test_bfloat16_rounds_to_nearest_even():
    import numpy as np

    x = np.array([1.0, 1.00390625, 1.01171875, np.inf, np.nan, -0.0], np.float32)
    back = dt.bfloat16_to_float32(dt.float32_to_bfloat16(x))
    np.testing.assert_array_equal(back, np.array([1, 1, 1.015625, np.inf, np.nan, -0.0]))
