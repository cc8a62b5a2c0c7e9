"""Element types, and how two of them combine.

The numbers are the wire's (proto/tensord/v1/types.proto); the lattice is the server's, from
clients/ops.json by way of the generated tables in `_ops.py`. Source: JAX's JEP 9407, which
tinygrad follows too.
"""

from __future__ import annotations

import struct
import sys
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from tensord.errors import DTypeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DType", "dtypes", "float_of", "promote", "promote_all", "strong", "sum_of"]


NumpyDType: TypeAlias = "np.dtype[Any]"


class DType:
    """One element type: compared by identity, printed as tinygrad does (`dtypes.float32`)."""

    __slots__ = ("bits", "fmt", "itemsize", "kind", "name", "number", "short")

    def __init__(self, short: str, name: str, number: int, bits: int, kind: str, fmt: str) -> None:
        self.short: Final = short  # "f32": messages, ops.json, reprs of shapes
        self.name: Final = name  # "float32"
        self.number: Final = number  # tensord.v1.DType
        self.bits: Final = bits  # 1 for bool, 0 for weak types
        self.itemsize: Final = (bits + 7) // 8
        self.kind: Final = kind  # "bool", "int", "uint" or "float"
        self.fmt: Final = fmt  # of `struct`, "" where it has none

    def __repr__(self) -> str:
        return f"dtypes.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_short, (self.short,)

    @property
    def is_float(self) -> bool:
        return self.kind == "float"

    @property
    def is_int(self) -> bool:
        return self.kind in ("int", "uint")

    @property
    def is_weak(self) -> bool:
        return self.bits == 0

    @property
    def np(self) -> NumpyDType:
        """The numpy dtype whose bytes are these; bfloat16 has none and gives uint16."""
        return np.dtype("uint16" if self is bfloat16 else self.name)

    @property
    def wire(self) -> NumpyDType:
        """The same in the byte order of the wire: little-endian."""
        return self.np if sys.byteorder == "little" else self.np.newbyteorder("<")

    @property
    def min(self) -> float | int | bool:
        """The smallest value: -inf for floats."""
        if self.kind == "float":
            return float("-inf")
        return -(1 << (self.bits - 1)) if self.kind == "int" else 0

    @property
    def max(self) -> float | int | bool:
        """The largest value: inf for floats."""
        if self.kind == "float":
            return float("inf")
        if self.kind == "bool":
            return True
        return (1 << (self.bits - (self.kind == "int"))) - 1


bool_ = DType("bool", "bool", 1, 1, "bool", "?")
int8 = DType("i8", "int8", 2, 8, "int", "b")
int16 = DType("i16", "int16", 3, 16, "int", "h")
int32 = DType("i32", "int32", 4, 32, "int", "i")
int64 = DType("i64", "int64", 5, 64, "int", "q")
uint8 = DType("u8", "uint8", 6, 8, "uint", "B")
uint16 = DType("u16", "uint16", 7, 16, "uint", "H")
uint32 = DType("u32", "uint32", 8, 32, "uint", "I")
uint64 = DType("u64", "uint64", 9, 64, "uint", "Q")
float16 = DType("f16", "float16", 10, 16, "float", "e")
bfloat16 = DType("bf16", "bfloat16", 11, 16, "float", "")
float32 = DType("f32", "float32", 12, 32, "float", "f")
float64 = DType("f64", "float64", 13, 64, "float", "d")
weakint = DType("weak_int", "weakint", 30, 0, "int", "")
weakfloat = DType("weak_float", "weakfloat", 31, 0, "float", "")

STORED: Final = (
    bool_,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    float16,
    bfloat16,
    float32,
    float64,
)
ALL: Final = (*STORED, weakint, weakfloat)
BY_NUMBER: Final = {d.number: d for d in ALL}
BY_NAME: Final = {**{d.short: d for d in ALL}, **{d.name: d for d in ALL}}


def _by_short(short: str) -> DType:
    return BY_NAME[short]


def _bits_of(dtype: DType) -> int:
    return dtype.bits


def _rank(d: DType) -> int:
    """bool < weak int < integers < weak float < floats: of two ranks the higher one wins."""
    if d.kind == "bool":
        return 0
    return 2 * (1 + d.is_float) - d.is_weak


def _join(a: DType, b: DType) -> DType:
    """Least upper bound of two dtypes in the lattice, from its shape rather than a table."""
    if a is b:
        return a
    if _rank(a) > _rank(b):
        a, b = b, a
    if _rank(a) != _rank(b):
        return b
    if a.kind == "float":
        return float32 if a.bits == b.bits else max(a, b, key=_bits_of)
    if a.kind == b.kind:
        return max(a, b, key=_bits_of)
    signed, unsigned = (a, b) if a.kind == "int" else (b, a)
    if unsigned.bits < signed.bits:
        return signed
    return weakfloat if unsigned.bits == 64 else BY_NAME[f"i{2 * unsigned.bits}"]


PROMOTION: Final = {(a, b): _join(a, b) for a in ALL for b in ALL}


def promote(a: DType, b: DType) -> DType:
    """The dtype in which `a` and `b` meet; weak types give way to any other of their kind."""
    return PROMOTION[a, b]


def promote_all(kinds: tuple[DType, ...]) -> DType:
    """The dtype in which all meet; f32 without any."""
    if not kinds:
        return float32
    result = kinds[0]
    for k in kinds[1:]:
        result = PROMOTION[result, k]
    return result


def strong(dtype: DType) -> DType:
    """What a weak type becomes when it is stored: i32 and f32. Others stay."""
    return int32 if dtype is weakint else float32 if dtype is weakfloat else dtype


def float_of(dtype: DType) -> DType:
    """The dtype of sin(x), x / y …: floats stay, everything else gives f32."""
    return strong(dtype) if dtype.kind == "float" else float32


def sum_of(dtype: DType) -> DType:
    """The dtype of a sum: integers of less than 32 bits grow to 32, bool counts in i32."""
    if dtype.kind == "float":
        return strong(dtype)
    if dtype.kind == "uint":
        return dtype if dtype.bits >= 32 else uint32
    return dtype if dtype.bits >= 32 else int32


def of_python(value: object) -> DType:
    """The dtype of a Python scalar used beside a tensor: weak unless it is a bool."""
    if value is True or value is False or isinstance(value, np.bool_):
        return bool_
    if isinstance(value, int):
        return weakint
    if isinstance(value, float):
        return weakfloat
    raise DTypeError(f"a number was expected, got {type(value).__name__}")


def to_dtype(what: object) -> DType:
    """A DType from itself, a name ("float32", "f32") or anything that numpy takes for one."""
    if isinstance(what, DType):
        return what
    if isinstance(what, str) and what in BY_NAME:
        return BY_NAME[what]
    try:
        return BY_NAME[np.dtype(what).name]  # type: ignore[call-overload]
    except (TypeError, KeyError):
        raise DTypeError(f"{what!r} is no dtype of tensord") from None


def bfloat16_to_float32(raw: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Widens bfloat16 bits exactly."""
    return (raw.astype(np.uint32) << 16).view(np.float32)


def float32_to_bfloat16(x: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Rounds to nearest even; NaN stays NaN."""
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32)
    rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(x), np.uint16(0x7FC0) | rounded, rounded).astype(np.uint16)


def to_host(array: NDArray[Any], dtype: DType) -> NDArray[Any]:
    """`array` in the host form of `dtype`, dense: what travels as bytes."""
    if dtype is bfloat16:
        if array.dtype == np.uint16:
            return np.ascontiguousarray(array)
        return float32_to_bfloat16(np.asarray(array, np.float32))
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(array, dtype=dtype.wire, order="C")


def pack_scalar(value: float | int | bool, dtype: DType) -> bytes:
    """One element, little-endian. Integers wrap to the dtype's width."""
    if dtype is bfloat16:
        return float32_to_bfloat16(np.array([value], np.float32)).tobytes()
    if dtype.kind in ("int", "uint"):
        return (int(value) & ((1 << dtype.bits) - 1)).to_bytes(dtype.itemsize, "little")
    if dtype is float64 or dtype is bool_:
        return struct.pack("<" + dtype.fmt, value)
    with np.errstate(over="ignore"):
        return np.array([value], np.float64).astype(dtype.np).tobytes()


class dtypes:  # tinygrad spells it `dtypes.float32`
    """The element types by their tinygrad names."""

    bool: Final = bool_
    int8: Final = int8
    char: Final = int8
    int16: Final = int16
    short: Final = int16
    int32: Final = int32
    int: Final = int32
    int64: Final = int64
    long: Final = int64
    uint8: Final = uint8
    uchar: Final = uint8
    uint16: Final = uint16
    ushort: Final = uint16
    uint32: Final = uint32
    uint: Final = uint32
    uint64: Final = uint64
    ulong: Final = uint64
    float16: Final = float16
    half: Final = float16
    bfloat16: Final = bfloat16
    float32: Final = float32
    float: Final = float32
    float64: Final = float64
    double: Final = float64
    weakint: Final = weakint
    weakfloat: Final = weakfloat
    default_float: DType = float32
    default_int: DType = int32
    floats: Final = (float16, bfloat16, float32, float64)
    ints: Final = (int8, int16, int32, int64, uint8, uint16, uint32, uint64)
    uints: Final = (uint8, uint16, uint32, uint64)
    sints: Final = (int8, int16, int32, int64)
    all: Final = STORED

    @staticmethod
    def is_float(dtype: DType) -> bool_t:
        return dtype.kind == "float"

    @staticmethod
    def is_int(dtype: DType) -> bool_t:
        return dtype.kind in ("int", "uint")

    @staticmethod
    def is_unsigned(dtype: DType) -> bool_t:
        return dtype.kind == "uint"

    @staticmethod
    def is_bool(dtype: DType) -> bool_t:
        return dtype is bool_

    @staticmethod
    def min(dtype: DType) -> Any:
        return dtype.min

    @staticmethod
    def max(dtype: DType) -> Any:
        return dtype.max

    @staticmethod
    def from_py(value: object) -> DType:
        """The dtype of a tensor made of Python values: bool, default_int or default_float."""
        weak = of_python(value)
        if weak is bool_:
            return bool_
        return dtypes.default_int if weak is weakint else dtypes.default_float


bool_t = bool
least_upper_dtype = promote
