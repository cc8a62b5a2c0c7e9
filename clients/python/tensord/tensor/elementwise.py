"""Element by element: operators, unary functions, comparisons, dtype changes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.base import TensorBase
from tensord.dtype import DType, float_of, to_dtype
from tensord.errors import ValueProblem

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["ElementwiseMixin"]

# Inside the class `float`, `int` and `bool` are methods.
bool_t: TypeAlias = bool
float_t: TypeAlias = float
int_t: TypeAlias = int
Other: TypeAlias = Any  # a tensor, a Python number, or what numpy makes an array of


class ElementwiseMixin(TensorBase):
    """Operators and functions of one element. Shapes broadcast, dtypes promote (JEP 9407)."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy's operators leave the work to ours
    __hash__ = TensorBase.__hash__

    # ------------------------------------------------------------------ operators

    def __add__(self, x: Other) -> Tensor:
        return ops.add(self, x)

    def __radd__(self, x: Other) -> Tensor:
        return ops.add(x, self)

    def __sub__(self, x: Other) -> Tensor:
        return ops.sub(self, x)

    def __rsub__(self, x: Other) -> Tensor:
        return ops.sub(x, self)

    def __mul__(self, x: Other) -> Tensor:
        return ops.mul(self, x)

    def __rmul__(self, x: Other) -> Tensor:
        return ops.mul(x, self)

    def __truediv__(self, x: Other) -> Tensor:
        return ops.div(self, x)

    def __rtruediv__(self, x: Other) -> Tensor:
        return ops.div(x, self)

    def __floordiv__(self, x: Other) -> Tensor:
        return ops.floordiv(self, x)

    def __rfloordiv__(self, x: Other) -> Tensor:
        return ops.floordiv(x, self)

    def __mod__(self, x: Other) -> Tensor:
        return ops.floormod(self, x)

    def __rmod__(self, x: Other) -> Tensor:
        return ops.floormod(x, self)

    def __pow__(self, x: Other) -> Tensor:
        return _power(self, x)

    def __rpow__(self, x: Other) -> Tensor:
        return _power(x, self)

    def __and__(self, x: Other) -> Tensor:
        return ops.bitand(self, x)

    def __rand__(self, x: Other) -> Tensor:
        return ops.bitand(x, self)

    def __or__(self, x: Other) -> Tensor:
        return ops.bitor(self, x)

    def __ror__(self, x: Other) -> Tensor:
        return ops.bitor(x, self)

    def __xor__(self, x: Other) -> Tensor:
        return ops.bitxor(self, x)

    def __rxor__(self, x: Other) -> Tensor:
        return ops.bitxor(x, self)

    def __lshift__(self, x: Other) -> Tensor:
        return ops.shl(self, x)

    def __rlshift__(self, x: Other) -> Tensor:
        return ops.shl(x, self)

    def __rshift__(self, x: Other) -> Tensor:
        return ops.shr(self, x)

    def __rrshift__(self, x: Other) -> Tensor:
        return ops.shr(x, self)

    def __neg__(self) -> Tensor:
        return self.neg()

    def __pos__(self) -> Tensor:
        return self  # type: ignore[return-value]

    def __abs__(self) -> Tensor:
        return ops.abs(self)

    def __invert__(self) -> Tensor:
        return ops.not_(self)

    def __eq__(self, x: object) -> Tensor:  # type: ignore[override]
        return ops.eq(self, x)  # type: ignore[arg-type]

    def __ne__(self, x: object) -> Tensor:  # type: ignore[override]
        return ops.ne(self, x)  # type: ignore[arg-type]

    def __lt__(self, x: Other) -> Tensor:
        return ops.lt(self, x)

    def __le__(self, x: Other) -> Tensor:
        return ops.le(self, x)

    def __gt__(self, x: Other) -> Tensor:
        return ops.gt(self, x)

    def __ge__(self, x: Other) -> Tensor:
        return ops.ge(self, x)

    # ------------------------------------------------------------------ binary

    def add(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.add(x, self) if reverse else ops.add(self, x)

    def sub(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.sub(x, self) if reverse else ops.sub(self, x)

    def mul(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.mul(x, self) if reverse else ops.mul(self, x)

    def div(self, x: Other, reverse: bool_t = False, rounding_mode: str | None = None) -> Tensor:
        """self / x. `rounding_mode`: "trunc" (C's division), "floor" (Python's), or None."""
        a, b = (x, self) if reverse else (self, x)
        if rounding_mode is None:
            return ops.div(a, b)
        if rounding_mode not in ("trunc", "floor"):
            raise ValueProblem(
                f"div: rounding_mode {rounding_mode!r}; expected 'trunc', 'floor' or None"
            )
        return ops.truncdiv(a, b) if rounding_mode == "trunc" else ops.floordiv(a, b)

    def mod(self, x: Other, reverse: bool_t = False) -> Tensor:
        """The remainder with the divisor's sign, as Python's %."""
        return ops.floormod(x, self) if reverse else ops.floormod(self, x)

    def fmod(self, x: Other) -> Tensor:
        """The remainder with the dividend's sign, as C's."""
        return ops.truncrem(self, x)

    def pow(self, x: Other, reverse: bool_t = False) -> Tensor:
        return _power(x, self) if reverse else _power(self, x)

    def maximum(self, x: Other) -> Tensor:
        return ops.maximum(self, x)

    def minimum(self, x: Other) -> Tensor:
        return ops.minimum(self, x)

    def copysign(self, x: Other) -> Tensor:
        return ops.copysign(self, x)

    def atan2(self, x: Other) -> Tensor:
        return ops.atan2(self, x)

    def logaddexp(self, x: Other) -> Tensor:
        return ops.logaddexp(self, x)

    def logaddexp2(self, x: Other) -> Tensor:
        """log2(2^self + 2^x) without overflow."""
        return ops.logaddexp2(self, x)

    def hypot(self, x: Other) -> Tensor:
        """sqrt(self^2 + x^2) without overflow."""
        return ops.hypot(self, x)

    def fmax(self, x: Other) -> Tensor:
        """The larger; where one is NaN, the other."""
        return ops.fmax(self, x)

    def fmin(self, x: Other) -> Tensor:
        """The smaller; where one is NaN, the other."""
        return ops.fmin(self, x)

    def heaviside(self, at_zero: Other) -> Tensor:
        """0 below 0, 1 above, `at_zero` there; NaN stays."""
        return ops.heaviside(self, at_zero)

    def nextafter(self, x: Other) -> Tensor:
        """The float after self in the direction of x."""
        return ops.nextafter(self, x)

    def ldexp(self, exponent: Other) -> Tensor:
        """self * 2^exponent, for integer exponents, rounded once."""
        return ops.ldexp(self, exponent)

    def bitwise_and(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.bitand(x, self) if reverse else ops.bitand(self, x)

    def bitwise_or(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.bitor(x, self) if reverse else ops.bitor(self, x)

    def bitwise_xor(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.bitxor(x, self) if reverse else ops.bitxor(self, x)

    def lshift(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.shl(x, self) if reverse else ops.shl(self, x)

    def rshift(self, x: Other, reverse: bool_t = False) -> Tensor:
        return ops.shr(x, self) if reverse else ops.shr(self, x)

    def eq(self, x: Other) -> Tensor:
        return ops.eq(self, x)

    def ne(self, x: Other) -> Tensor:
        return ops.ne(self, x)

    def isclose(
        self, x: Other, rtol: float_t = 1e-5, atol: float_t = 1e-8, equal_nan: bool_t = False
    ) -> Tensor:
        """|self - x| <= atol + rtol * |x|, element by element."""
        return ops.isclose(self, x, rtol=rtol, atol=atol, equal_nan=equal_nan)

    def lerp(self, end: Other, weight: Other) -> Tensor:
        """self + weight * (end - self)."""
        return ops.lerp(self, end, weight)

    def where(self, x: Other, y: Other) -> Tensor:
        """x where self is true, else y. Both promote; all three broadcast."""
        return ops.where(self, x, y)

    def masked_fill(self, mask: Other, value: Other) -> Tensor:
        """`value` where `mask` is true, else self."""
        return ops.where(mask, value, self)

    def clamp(self, min_: Other = None, max_: Other = None) -> Tensor:
        """Between min_ and max_; either may be left out, not both."""
        if min_ is None and max_ is None:
            raise ValueProblem("clamp: at least one of min_ and max_ is needed")
        out: Any = self if min_ is None else ops.maximum(self, min_)
        return out if max_ is None else ops.minimum(out, max_)

    clip = clamp

    # ------------------------------------------------------------------ dtype

    def cast(self, dtype: DType | str) -> Tensor:
        """The same numbers in another dtype: floats to integers truncate and saturate."""
        to = to_dtype(dtype)
        if self._v.dtype is to:
            return self  # type: ignore[return-value]
        return ops.cast(self, dtype=to)

    def bitcast(self, dtype: DType | str) -> Tensor:
        """The same bytes as another dtype of the same width."""
        return ops.bitcast(self, dtype=to_dtype(dtype))

    def float(self) -> Tensor:
        return self.cast(dt.float32)

    def half(self) -> Tensor:
        return self.cast(dt.float16)

    def bfloat16(self) -> Tensor:
        return self.cast(dt.bfloat16)

    def double(self) -> Tensor:
        return self.cast(dt.float64)

    def int(self) -> Tensor:
        return self.cast(dt.int32)

    def long(self) -> Tensor:
        return self.cast(dt.int64)

    def short(self) -> Tensor:
        return self.cast(dt.int16)

    def bool(self) -> Tensor:
        return self.cast(dt.bool_)

    # ------------------------------------------------------------------ unary

    def neg(self) -> Tensor:
        """-self; of a bool the negation, as tinygrad has it."""
        return ops.logical_not(self) if self._v.dtype is dt.bool_ else ops.neg(self)

    def logical_not(self) -> Tensor:
        return ops.logical_not(self)

    def bitwise_not(self) -> Tensor:
        return ops.not_(self)

    def abs(self) -> Tensor:
        return ops.abs(self)

    def sign(self) -> Tensor:
        return ops.sign(self)

    def reciprocal(self) -> Tensor:
        return ops.reciprocal(self)

    def sqrt(self) -> Tensor:
        return ops.sqrt(self)

    def rsqrt(self) -> Tensor:
        return ops.rsqrt(self)

    def square(self) -> Tensor:
        return ops.square(self)

    def exp(self) -> Tensor:
        return ops.exp(self)

    def exp2(self) -> Tensor:
        return ops.exp2(self)

    def expm1(self) -> Tensor:
        return ops.expm1(self)

    def log(self) -> Tensor:
        return ops.log(self)

    def log2(self) -> Tensor:
        return ops.log2(self)

    def log10(self) -> Tensor:
        return ops.log10(self)

    def log1p(self) -> Tensor:
        return ops.log1p(self)

    def sin(self) -> Tensor:
        return ops.sin(self)

    def cos(self) -> Tensor:
        return ops.cos(self)

    def tan(self) -> Tensor:
        return ops.tan(self)

    def asin(self) -> Tensor:
        return ops.asin(self)

    def acos(self) -> Tensor:
        return ops.acos(self)

    def atan(self) -> Tensor:
        return ops.atan(self)

    def sinh(self) -> Tensor:
        return ops.sinh(self)

    def cosh(self) -> Tensor:
        return ops.cosh(self)

    def tanh(self) -> Tensor:
        return ops.tanh(self)

    def asinh(self) -> Tensor:
        return ops.asinh(self)

    def acosh(self) -> Tensor:
        return ops.acosh(self)

    def atanh(self) -> Tensor:
        return ops.atanh(self)

    def erf(self) -> Tensor:
        return ops.erf(self)

    def erfc(self) -> Tensor:
        return ops.erfc(self)

    def floor(self) -> Tensor:
        return ops.floor(self)

    def ceil(self) -> Tensor:
        return ops.ceil(self)

    def trunc(self) -> Tensor:
        return ops.trunc(self)

    def round(self) -> Tensor:
        """To the nearest integer, ties to even."""
        return ops.round(self)

    def isnan(self) -> Tensor:
        return ops.isnan(self)

    def isinf(self, detect_positive: bool_t = True, detect_negative: bool_t = True) -> Tensor:
        """Which elements are infinite, of the signs asked for."""
        inf = float_t("inf")
        if detect_positive and detect_negative:
            return ops.isinf(self)
        if detect_positive:
            return ops.eq(self, inf)
        return ops.eq(self, -inf) if detect_negative else ops.ne(self, self) & False

    def isfinite(self) -> Tensor:
        return ops.isfinite(self)

    def isposinf(self) -> Tensor:
        return ops.isposinf(self)

    def isneginf(self) -> Tensor:
        return ops.isneginf(self)

    def signbit(self) -> Tensor:
        """Which sign bits are set: negative numbers and -0."""
        return ops.signbit(self)

    def nan_to_num(
        self, nan: float_t = 0.0, posinf: float_t | None = None, neginf: float_t | None = None
    ) -> Tensor:
        """Numbers for NaN and infinities; for infinities the dtype's largest by default."""
        return ops.nan_to_num(self, nan=nan, posinf=posinf, neginf=neginf)

    def bitwise_count(self) -> Tensor:
        """How many bits of |self| are set, in self's dtype. Integers."""
        return ops.bitwise_count(self)

    def frexp(self) -> tuple[Tensor, Tensor]:
        """(mantissa, exponent): mantissa * 2^exponent, 0.5 <= |mantissa| < 1; the exponent i32."""
        return ops.frexp(self)

    def modf(self) -> tuple[Tensor, Tensor]:
        """(fraction, whole part), both with the sign of self."""
        return ops.modf(self)

    def spacing(self) -> Tensor:
        """The distance to the next float away from 0, with the sign of self."""
        return ops.spacing(self)

    def usum(self, *others: Other) -> Tensor:
        """self + others[0] + ..., from the left; operands broadcast and promote."""
        return functools.reduce(ops.add, others, cast("Tensor", self))

    def uprod(self, *others: Other) -> Tensor:
        """self * others[0] * ..., from the left; operands broadcast and promote."""
        return functools.reduce(ops.mul, others, cast("Tensor", self))

    def contiguous(self) -> Tensor:
        """self, stored when it is computed: what follows reads memory."""
        return ops.contiguous(self)

    def contiguous_backward(self) -> Tensor:
        """self: where a gradient is stored is the daemon's choice."""
        return self  # type: ignore[return-value]

    # ------------------------------------------------------------------ properties

    def is_floating_point(self) -> bool_t:
        return self._v.dtype.is_float

    def element_size(self) -> int_t:
        """Bytes of one element."""
        return self._v.dtype.itemsize


def _power(base: Any, exponent: Any) -> Tensor:
    """base ** exponent; an integer base to a float or negative power becomes a float."""
    negative = isinstance(exponent, int_t) and exponent < 0
    for x, y in ((base, exponent), (exponent, base)):
        if (
            isinstance(x, TensorBase)
            and not x._v.dtype.is_float
            and (isinstance(y, float_t) or (negative and y is exponent))
        ):
            x = x.cast(float_of(x._v.dtype))  # type: ignore[attr-defined]
            base, exponent = (x, y) if y is exponent else (y, x)
    return ops.pow(base, exponent)
