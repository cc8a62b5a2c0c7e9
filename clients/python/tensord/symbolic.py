"""Dims that are not known until a jitted function is called: polynomials over bounded variables.

    n = Variable("n", 1, 4096)
    n * 4 + 1                 # a Sym; equal iff the canonical forms are equal
    (n * 4) // 4 is n         # exact divisions simplify
    n.bind(17)                # a variable with the value of this call

A Sym behaves like the integer it stands for in + - * // %, min, max and in comparisons that its
bounds decide; one they can't decide raises. The server's rules are in engine/types/sym.h.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from tensord.errors import ValueProblem

__all__ = ["Dim", "Shape", "Sym", "Variable", "evaluate", "numel", "sym_max", "sym_min"]

Atom: TypeAlias = "tuple[Any, ...]"  # ("var", name, lo, hi) or (op, Sym, Sym)
Monomial: TypeAlias = "tuple[Atom, ...]"


class Sym:
    """An integer expression: a sum of coefficient * product of atoms, in canonical form."""

    __slots__ = ("_hash", "_terms", "max", "min")

    def __init__(self, terms: Mapping[Monomial, int]) -> None:
        ordered = sorted(((m, c) for m, c in terms.items() if c), key=_order)
        self._terms: Final = tuple(ordered)
        self._hash = hash(self._terms)
        self.min, self.max = _bounds(self._terms)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sym) and self._terms == other._terms

    def __add__(self, other: Dim) -> Dim:
        terms = dict(self._terms)
        for m, c in _terms_of(other):
            terms[m] = terms.get(m, 0) + c
        return _dim(terms)

    __radd__ = __add__

    def __mul__(self, other: Dim) -> Dim:
        terms: dict[Monomial, int] = {}
        for m, c in self._terms:
            for n, d in _terms_of(other):
                product = tuple(sorted(m + n, key=repr))
                terms[product] = terms.get(product, 0) + c * d
        return _dim(terms)

    __rmul__ = __mul__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + (other * -1)

    def __rsub__(self, other: Dim) -> Dim:
        return self * -1 + other

    def __floordiv__(self, other: Dim) -> Dim:
        return _divide(self, other)

    def __rfloordiv__(self, other: int) -> Dim:
        return _atom("//", other, self)

    def __mod__(self, other: Dim) -> Dim:
        return _modulo(self, other)

    def __rmod__(self, other: int) -> Dim:
        return _atom("%", other, self)

    def __lt__(self, other: Dim) -> bool:
        return self._decide(self - other, "<", lambda d: d < 0)

    def __le__(self, other: Dim) -> bool:
        return self._decide(self - other, "<=", lambda d: d <= 0)

    def __gt__(self, other: Dim) -> bool:
        return self._decide(self - other, ">", lambda d: d > 0)

    def __ge__(self, other: Dim) -> bool:
        return self._decide(self - other, ">=", lambda d: d >= 0)

    def _decide(self, difference: Dim, op: str, test: Any) -> bool:
        if isinstance(difference, int):
            return bool(test(difference))
        low, high = test(difference.min), test(difference.max)
        if low != high:
            raise ValueProblem(
                f"{self} {op} 0 … depends on the variable's value; its bounds are "
                f"{difference.min} to {difference.max} for {difference}"
            )
        return bool(low)

    def __index__(self) -> int:
        raise ValueProblem(f"dim {self} is symbolic here; only a call knows its value")

    def __repr__(self) -> str:
        text = ""
        for m, c in self._terms:
            sign = "-" if c < 0 else "+" if text else ""
            parts = ([] if abs(c) == 1 and m else [str(abs(c))]) + [_atom_text(a) for a in m]
            text += sign + "*".join(parts)
        return text

    def variables(self) -> dict[str, Variable]:
        """Every variable in it, by name."""
        found: dict[str, Variable] = {}
        for m, _ in self._terms:
            for atom in m:
                if atom[0] == "var":
                    found[atom[1]] = Variable(*atom[1:])
                else:
                    for part in atom[1:]:
                        if isinstance(part, Sym):
                            found.update(part.variables())
        return found

    def evaluate(self, values: Mapping[str, int]) -> int:
        """The value under an assignment; KeyError for a variable that has none."""
        total = 0
        for m, c in self._terms:
            for atom in m:
                c *= _atom_value(atom, values)
            total += c
        return total


Dim: TypeAlias = "int | Sym"
Shape: TypeAlias = "tuple[Dim, ...]"


class Variable(Sym):
    """A variable of a jitted function, with inclusive bounds; `bind` gives one call's value."""

    __slots__ = ("hi", "lo", "name", "value")

    def __init__(self, name: str, lo: int, hi: int, value: int | None = None) -> None:
        if lo > hi or not name.isidentifier() or name != name.lower():
            raise ValueProblem(
                f"Variable({name!r}, {lo}, {hi}): a lower-case name and min <= max were expected"
            )
        self.name: Final = name
        self.lo: Final = lo
        self.hi: Final = hi
        self.value: Final = value
        super().__init__({(("var", name, lo, hi),): 1})

    def bind(self, value: int) -> Variable:
        """This variable with a value; ValueError outside the bounds."""
        if not self.lo <= value <= self.hi:
            raise ValueProblem(f"{self.name}={value} is outside its bounds {self.lo} to {self.hi}")
        return Variable(self.name, self.lo, self.hi, value)

    def unbind(self) -> tuple[Variable, int]:
        """The bare variable and its value; ValueError when it has none."""
        return Variable(self.name, self.lo, self.hi), self.val

    @property
    def val(self) -> int:
        if self.value is None:
            raise ValueProblem(f"variable {self.name} has no value; use .bind(value)")
        return self.value


def _order(term: tuple[Monomial, int]) -> tuple[int, str]:
    return -len(term[0]), repr(term[0])


def _terms_of(d: Dim) -> Iterable[tuple[Monomial, int]]:
    if isinstance(d, Sym):
        return d._terms
    return (((), int(d)),)


def _dim(terms: Mapping[Monomial, int]) -> Dim:
    live = {m: c for m, c in terms.items() if c}
    if not live:
        return 0
    if len(live) == 1 and () in live:
        return live[()]
    return Sym(live)


def _atom(op: str, a: Dim, b: Dim) -> Dim:
    return Sym({((op, a, b),): 1})


def _divide(a: Sym, b: Dim) -> Dim:
    if b == 1:
        return a
    if isinstance(b, int) and b > 0:
        if all(c % b == 0 for _, c in a._terms):
            return _dim({m: c // b for m, c in a._terms})
        if a.min // b == a.max // b:
            return a.min // b
    return 1 if a == b else _atom("//", a, b)


def _modulo(a: Sym, b: Dim) -> Dim:
    if isinstance(b, int) and b > 0:
        if all(c % b == 0 for _, c in a._terms):
            return 0
        if a.min >= 0 and a.max < b:
            return a
    return 0 if a == b else _atom("%", a, b)


def sym_max(a: Dim, b: Dim) -> Dim:
    """The larger of two dims."""
    if isinstance(a, int) and isinstance(b, int):
        return max(a, b)
    difference = a - b
    low, high = _range(difference)
    if low >= 0:
        return a
    return b if high <= 0 else _atom("max", a, b)


def sym_min(a: Dim, b: Dim) -> Dim:
    """The smaller of two dims."""
    if isinstance(a, int) and isinstance(b, int):
        return min(a, b)
    return b if sym_max(a, b) is a else a if sym_max(a, b) is b else _atom("min", a, b)


def _range(d: Dim) -> tuple[int, int]:
    return (d.min, d.max) if isinstance(d, Sym) else (d, d)


def _combine(op: str, a: int, b: int) -> int:
    if op == "//":
        return a // b if b else 0
    if op == "%":
        return a % b if b else 0
    return max(a, b) if op == "max" else min(a, b)


def _atom_bounds(atom: Atom) -> tuple[int, int]:
    if atom[0] == "var":
        return atom[2], atom[3]
    (alo, ahi), (blo, bhi) = _range(atom[1]), _range(atom[2])
    if atom[0] == "%":
        return (0, max(bhi - 1, 0)) if blo >= 0 else (min(blo + 1, 0), max(bhi - 1, 0))
    corners = [_combine(atom[0], x, y) for x in (alo, ahi) for y in (blo, bhi)]
    if atom[0] == "//" and blo <= 0 <= bhi:
        corners += [alo, ahi, -alo, -ahi, 0]
    return min(corners), max(corners)


def _bounds(terms: Iterable[tuple[Monomial, int]]) -> tuple[int, int]:
    low = high = 0
    for m, c in terms:
        lo = hi = c
        for atom in m:
            alo, ahi = _atom_bounds(atom)
            corners = (lo * alo, lo * ahi, hi * alo, hi * ahi)
            lo, hi = min(corners), max(corners)
        low, high = low + lo, high + hi
    return low, high


def _atom_text(atom: Atom) -> str:
    if atom[0] == "var":
        return str(atom[1])
    a, b = (f"({p})" if isinstance(p, Sym) else str(p) for p in atom[1:])
    return f"{atom[0]}({a}, {b})" if atom[0] in ("max", "min") else f"({a}{atom[0]}{b})"


def _atom_value(atom: Atom, values: Mapping[str, int]) -> int:
    if atom[0] == "var":
        return values[atom[1]]
    a, b = (evaluate(p, values) for p in atom[1:])
    return _combine(atom[0], a, b)


def evaluate(d: Dim, values: Mapping[str, int]) -> int:
    """A dim's value under an assignment."""
    return d.evaluate(values) if isinstance(d, Sym) else d


def numel(shape: Iterable[Dim]) -> Dim:
    """The number of elements: 1 for a scalar."""
    total: Dim = 1
    for d in shape:
        total = total * d
    return total
