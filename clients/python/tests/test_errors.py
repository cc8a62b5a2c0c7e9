"""Every failure is a TensordError and the builtin exception that a Python programmer expects."""

import re
from pathlib import Path

import pytest

from tensord import errors

PROTO = Path(__file__).parents[3] / "proto/tensord/v1/session.proto"
CODES = range(1, 17)  # of google.rpc.Code


def reasons():
    """The list in the comment of Fault.reason."""
    text = PROTO.read_text() if PROTO.exists() else ""
    found = re.search(r"a list that only grows: (.*?)\.\n", text, re.DOTALL)
    return re.findall(r"[A-Z][A-Z_]+", found[1]) if found else []


@pytest.mark.skipif(not PROTO.exists(), reason="the protocol is in the source tree only")
def test_every_reason_of_the_protocol_has_an_exception():
    assert len(reasons()) > 40
    assert set(reasons()) == set(errors._BY_REASON)


def test_every_code_has_an_exception():
    assert set(errors._BY_CODE) == set(CODES)


@pytest.mark.parametrize("kind", [getattr(errors, name) for name in errors.__all__])
def test_exceptions_are_builtin_ones_too(kind):
    error = kind("what was wrong", reason="X", code=3)
    assert isinstance(error, errors.TensordError)
    assert str(error) == "what was wrong"
    bases = [b for b in kind.__mro__ if b.__module__ == "builtins"]
    assert kind is errors.TensordError or bases[0] is not Exception


@pytest.mark.parametrize(
    ("reason", "builtin"),
    [
        ("SHAPE", ValueError),
        ("DTYPE", TypeError),
        ("ID_RANGE", IndexError),
        ("NAME_UNKNOWN", KeyError),
        ("LIMIT", MemoryError),
        ("DEADLINE", TimeoutError),
        ("EPOCH_LOST", ConnectionError),
        ("AUTH", PermissionError),
        ("UNKNOWN_OP", NotImplementedError),
        ("COMPILE", RuntimeError),
        ("DIGEST", OSError),
        ("CANCELLED", RuntimeError),
    ],
)
def test_a_reason_is_caught_by_its_builtin(reason, builtin):
    with pytest.raises(builtin, match="what was wrong"):
        raise errors.make_error(13, reason, "what was wrong")


def test_an_unknown_reason_goes_by_its_code_and_an_unknown_code_is_a_tensord_error():
    assert type(errors.make_error(8, "NEW", "x")) is errors.OutOfMemory
    assert type(errors.make_error(99, "NEW", "x")) is errors.TensordError
