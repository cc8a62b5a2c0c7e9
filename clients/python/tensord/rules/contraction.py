"""The shape rules of matmul and einsum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tensord.errors import ShapeError
from tensord.rules.common import MAX_RANK, RuleInput, broadcast_shapes, dims_text
from tensord.symbolic import Dim, Shape

__all__ = ["einsum", "matmul", "parse_einsum", "triangle"]


def check_room(r: RuleInput, rank: int, more: int) -> None:
    """Expansions need room for `more` axes beyond those of input 0."""
    if rank + more > MAX_RANK:
        raise r.shape_error(
            f"rank {rank} of {r.text(0)} is too high; at most {MAX_RANK - more}, "
            "so merge axes with reshape"
        )


def matmul(r: RuleInput) -> Shape:
    """numpy.matmul: [...,m,k] x [...,k,n]; vectors are rows (left) and columns (right)."""
    a, b = r.shapes
    if not a or not b:
        raise r.shape_error(f"{r.text(0)} and {r.text(1)} must have an axis each; scale with mul")
    check_room(r, max(len(a), len(b)), 1)
    left, right = a[-1], b[-1 if len(b) == 1 else -2]
    if left != right:
        raise r.shape_error(
            f"inner extents of {r.text(0)} and {r.text(1)} differ: {left} and "
            f"{right}; transpose or reshape one operand"
        )
    out = broadcast_shapes(r.op, a[:-2], b[:-2])
    return out + a[-2:-1] + (b[-1:] if len(b) > 1 else ())


def triangle(r: RuleInput) -> Shape:
    """The dims of input 0, of rank 2 or more."""
    if len(r.shapes[0]) < 2:
        raise r.shape_error(f"shape {dims_text(r.shapes[0])} needs rank >= 2; reshape first")
    return r.shapes[0]


def einsum(r: RuleInput) -> Shape:
    """The extents of the result's labels."""
    terms, output = parse_einsum(r.get("equation"), [len(s) for s in r.shapes])
    extents: dict[str, Dim] = {}
    for i, (term, shape) in enumerate(zip(terms, r.shapes, strict=True)):
        for axis, (label, d) in enumerate(zip(term, shape, strict=True)):
            have = extents.setdefault(label, d)
            if have == 1:
                have = extents[label] = d
            if d not in (have, 1):
                name = label if label.isalpha() else '"..."'
                raise r.shape_error(
                    f"axis {axis} of operand {i}, {dims_text(shape)}, is {d} but "
                    f"{name} is {have} elsewhere"
                )
    return tuple(extents[label] for label in output)


def parse_einsum(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """One label per axis of each operand, and of the result; the ellipsis gets labels of its own
    that are no letters, counted from its last axis."""
    text = equation.replace(" ", "")
    left, arrow, right = text.partition("->")
    pieces = left.split(",")
    if len(pieces) != len(ranks):
        raise _error(f'equation "{equation}" has {len(pieces)} terms for {len(ranks)} operands')
    terms = [_read_term(equation, p, rank, 0) for p, rank in zip(pieces, ranks, strict=True)]
    ellipsis = max(sum(not c.isalpha() for c in t) for t in terms)
    output = (
        _read_term(equation, right, -1, ellipsis) if arrow else _implicit_output(terms, ellipsis)
    )
    _check(equation, terms, output)
    return terms, output


def _error(message: str) -> ShapeError:
    return ShapeError(f"einsum: {message}", reason="SHAPE", code=3, op="einsum")


def _ellipsis_labels(count: int) -> str:
    return "".join(chr(ord("!") + i) for i in reversed(range(count)))


def _read_term(equation: str, term: str, rank: int, ellipsis: int) -> str:
    letters, at, i = "", -1, 0
    while i < len(term):
        if term[i].isascii() and term[i].isalpha():
            letters += term[i]
        elif term[i : i + 3] == "..." and at < 0:
            at = len(letters)
            i += 2
        else:
            raise _error(
                f"unexpected '{term[i]}' in equation \"{equation}\"; expected letters, "
                'one "..." a term, "," and "->"'
            )
        i += 1
    count = ellipsis if rank < 0 else rank - len(letters)
    if rank >= 0 and (count < 0 or (at < 0 and count != 0)):
        raise _error(
            f'term "{term}" of equation "{equation}" names {len(letters)} axes of an '
            f"operand of rank {rank}"
        )
    return letters if at < 0 else letters[:at] + _ellipsis_labels(count) + letters[at:]


def _implicit_output(terms: Sequence[str], ellipsis: int) -> str:
    uses = Counter("".join(terms))
    return _ellipsis_labels(ellipsis) + "".join(
        c for c in sorted(uses) if c.isalpha() and uses[c] == 1
    )


def _check(equation: str, terms: Sequence[str], output: str) -> None:
    for label in output:
        if output.count(label) > 1:
            raise _error(f'the result of "{equation}" names axis {label} twice')
        if not any(label in t for t in terms):
            raise _error(f'axis {label} of the result of "{equation}" is in no operand')
    distinct = len(set("".join(terms)))
    if distinct > MAX_RANK:
        raise _error(f'"{equation}" has {distinct} distinct axes; at most {MAX_RANK}')
