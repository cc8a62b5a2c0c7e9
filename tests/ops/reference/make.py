"""Writes the reference values of this folder: composites of the elementwise, reduce, movement, create and
random families, computed by numpy and scipy in float64 from the same inputs.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy scipy
    /tmp/venv/bin/python tests/ops/reference/make.py

One file per family, one case per line: op, attributes, inputs and results as in the examples of op rows.
tests/engine/ops/reference_test.cc runs them. (Families of nn: ../reference_nn/generate.py.)
"""

import json
import pathlib
import zlib

import numpy as np
import scipy.special

HERE = pathlib.Path(__file__).parent
NAMES = {"bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
         "uint16": "u16", "uint32": "u32", "uint64": "u64", "float16": "f16", "float32": "f32",
         "float64": "f64"}
CASES = []


def number(value):
    if isinstance(value, np.bool_):
        return "true" if value else "false"
    if isinstance(value, np.integer):
        return str(value)
    if np.isnan(value):
        return "nan"
    if np.isinf(value):
        return "inf" if value > 0 else "-inf"
    return str(value).removesuffix(".0")


def literal(array):
    array = np.asarray(array)
    shape = ",".join(map(str, array.shape))
    return f"{NAMES[array.dtype.name]}[{shape}] {{{', '.join(number(v) for v in array.ravel())}}}"


def attribute(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(str, value)) + "]"
    return str(value)


def case(op, inputs, results, attrs=None, tolerance=None):
    """`results`: arrays in their final dtypes, or a function of float64 copies of the inputs."""
    arrays = [np.asarray(a) for a in inputs]
    if callable(results):
        wide = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
        with np.errstate(all="ignore"):
            results = results(*wide)
        kind = next((a.dtype for a in arrays if a.dtype.kind == "f"), np.dtype("float32"))
        results = results if isinstance(results, tuple) else (results,)
        results = [np.asarray(r).astype(kind) if np.asarray(r).dtype.kind == "f" else np.asarray(r)
                   for r in results]
    text = {"op": op, "inputs": [literal(a) for a in arrays], "results": [literal(r) for r in results]}
    if attrs:
        text["attrs"] = ", ".join(f"{k}={attribute(v)}" for k, v in attrs.items())
    if tolerance:
        text["tolerance"] = tolerance
    CASES.append(text)


def write(family):
    lines = ",\n".join(json.dumps(c) for c in CASES)
    (HERE / f"{family}.json").write_text(f"[\n{lines}\n]\n")
    CASES.clear()


def draw(name, *shape, dtype=np.float32, scale=2.0):
    """The same numbers at every run, whatever cases come before."""
    random = np.random.RandomState(zlib.crc32(name.encode()))
    return np.round(random.standard_normal(shape) * scale, 3).astype(dtype)


EDGE = np.array([-np.inf, -1e30, -100, -2.5, -1, -0.5, -1e-20, -0.0, 0.0, 1e-20, 0.3, 1, 2, 88, 1e30,
                 np.inf, np.nan], np.float32)


def sinc(x):
    return np.where(np.isinf(x), np.nan, np.sinc(x))


def parts(dtype):
    """What takes floats apart, in the dtype itself: normal, subnormal and special numbers."""
    limits = np.finfo(dtype)
    sizes = [0, limits.smallest_subnormal, 3 * limits.smallest_subnormal, limits.tiny / 2, limits.tiny, 0.3, 1,
             1.75, 6, limits.max / 2, limits.max, np.inf]
    x = np.array([sign * size for size in sizes for sign in (1, -1)] + [np.nan], dtype)
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(x)
        exponent = np.where(np.isfinite(x), exponent, 0).astype(np.int32)
        case("frexp", [x], [mantissa, exponent])
        case("modf", [x], list(np.modf(x)))
        most = np.abs(x) == limits.max  # where numpy's halves and floats differ
        gaps = np.copysign(np.spacing(np.abs(x)), x)  # numpy's of negative halves differ
        case("spacing", [x[~most]], [gaps[~most]])
        case("nan_to_num", [x], [np.nan_to_num(x)])
        case("nan_to_num", [x], [np.nan_to_num(x, nan=2, posinf=3, neginf=-4)], {"nan": 2, "posinf": 3, "neginf": -4})
        shifts = np.array([-3000, -200, -30, -3, 0, 1, 30, 200, 3000], np.int32)
        values, by = (v.ravel() for v in np.meshgrid(x, shifts))
        case("ldexp", [values, by], [np.ldexp(values, by).astype(dtype)])
        a, b = pairs(x)
        case("nextafter", [a, b], [np.nextafter(a, b)])


def unary():
    functions = {
        "square": np.square, "reciprocal": lambda x: 1 / x, "rsqrt": lambda x: 1 / np.sqrt(x),
        "cbrt": np.cbrt, "sign": np.sign, "degrees": np.degrees, "radians": np.radians,
        "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
    }
    for name, function in functions.items():
        case(name, [EDGE], function)
        case(name, [EDGE.astype(np.float64)], function)
    small = np.array([-30, -2.5, -1, 0, 0.5, 1, 2, 30], np.float32)
    case("exp10", [small], lambda x: 10.0 ** x)
    case("frac", [np.array([-2.5, -1, -0.25, 0, 0.75, 3.5], np.float32)], lambda x: x - np.trunc(x))
    case("sinc", [np.array([-3.5, -1, -0.25, 0, 1e-3, 0.5, 2], np.float32)], sinc, tolerance=1e-6)
    half = np.array([-3, -0.5, 0.25, 2, 100], np.float16)
    for name in ("reciprocal", "cbrt", "square", "sign"):
        case(name, [half], functions[name], tolerance=1e-3)
    case("rsqrt", [np.abs(half)], functions["rsqrt"], tolerance=1e-3)
    for name, function in {"isposinf": np.isposinf, "isneginf": np.isneginf}.items():
        case(name, [EDGE], function)
    for dtype in (np.float16, np.float32, np.float64):
        parts(dtype)
    counted = np.array([-128, -77, -1, 0, 1, 100, 127], np.int8)
    case("bitwise_count", [counted], [np.bitwise_count(counted).astype(np.int8)])
    wide = np.array([2**64 - 1, 2**63, 0, 0x0F0F0F0F0F0F0F0F], np.uint64)
    case("bitwise_count", [wide], [np.bitwise_count(wide).astype(np.uint64)])
    ints = np.array([-3, 0, 7], np.int32)
    for name in ("sign", "square"):
        case(name, [ints], [functions[name](ints)])
    case("isnan", [ints], [np.isnan(ints)])
    case("isfinite", [ints], [np.isfinite(ints)])
    case("reciprocal", [ints], [np.array([-1 / 3, np.inf, 1 / 7], np.float32)])
    write("unary")


def pairs(values):
    a, b = np.meshgrid(values, values)
    return a.ravel(), b.ravel()


def binary():
    a, b = pairs(np.array([-np.inf, -1e30, -3, -0.0, 0.0, 1e-20, 2.5, 700, 1e30, np.inf, np.nan], np.float32))
    case("logaddexp", [a, b], np.logaddexp)
    case("hypot", [a, b], np.hypot)
    case("logaddexp2", [a, b], np.logaddexp2)
    ordered = (a != 0) | (b != 0)  # numpy leaves the order of 0 and -0 open
    case("fmax", [a[ordered], b[ordered]], np.fmax)
    case("fmin", [a[ordered], b[ordered]], np.fmin)
    case("heaviside", [a, b], np.heaviside)
    case("gt", [a, b], np.greater)
    case("ge", [a, b], np.greater_equal)
    case("isclose", [a, b], lambda x, y: np.isclose(x, y))
    case("isclose", [a, b], lambda x, y: np.isclose(x, y, 0.5, 3, True),
         {"rtol": 0.5, "atol": 3, "equal_nan": True})
    case("logical_and", [a, b], np.logical_and)
    case("logical_or", [a, b], np.logical_or)
    case("logical_xor", [a, b], np.logical_xor)
    case("logical_not", [a], np.logical_not)
    x, y, w = draw("x", 4, 1), draw("y", 3), draw("w", 4, 3)
    case("lerp", [x, y, w], lambda x, y, w: x + (y - x) * w, tolerance=1e-6)
    case("hypot", [x.astype(np.float16), y.astype(np.float16)], np.hypot, tolerance=1e-3)
    case("logaddexp", [x.astype(np.float16), y.astype(np.float16)], np.logaddexp, tolerance=1e-3)
    case("clamp", [draw("c", 3, 4), np.float32(-1), np.float32(0.5)], np.clip)
    case("masked_fill", [w, w > 0, np.float32(-9)], lambda x, m, v: np.where(m, v, x))
    base, exponent = pairs(np.array([-3, -2, -1, 0, 1, 2, 5], np.int32))
    exponent = np.abs(exponent)
    case("int_pow", [base, exponent], [base ** exponent])
    case("int_pow", [np.arange(9, dtype=np.uint8), np.full(9, 5, np.uint8)],
         [np.arange(9, dtype=np.uint8) ** np.uint8(5)])
    write("binary")


def reductions(x, name, function, attrs=None, tolerance=1e-6):
    for axes, axis in (([0], 0), ([1], 1), ([0, 2], (0, 2)), (None, None)):
        named = dict(attrs or {})
        if axes is not None:
            named["axes"] = axes
        case(name, [x], lambda v, axis=axis: function(v, axis), named, tolerance)
    named = dict(attrs or {}, axes=[1], keepdims=True)
    case(name, [x], lambda v: np.expand_dims(function(v, 1), 1), named, tolerance)


def flat_arg(function):
    """numpy's argmax over several axes: in row-major order over them."""
    def over(v, axis):
        if axis is None or isinstance(axis, int):
            return function(v, axis).astype(np.int32)
        rest = [i for i in range(v.ndim) if i not in axis]
        moved = v.transpose(*rest, *axis)
        return function(moved.reshape(*moved.shape[:len(rest)], -1), -1).astype(np.int32)
    return over


def reduce():
    x = draw("reduce", 3, 4, 5)
    for name, function in {"sum": np.sum, "prod": np.prod, "max": np.max, "min": np.min, "mean": np.mean}.items():
        reductions(x, name, lambda v, a, f=function: np.asarray(f(v, axis=a)), tolerance=1e-5)
    for correction in (0, 1):
        reductions(x, "var", lambda v, a: np.asarray(np.var(v, axis=a, ddof=correction)), {"correction": correction})
        reductions(x, "std", lambda v, a: np.asarray(np.std(v, axis=a, ddof=correction)), {"correction": correction})
    case("var_mean", [x], lambda v: (np.var(v, axis=1, ddof=1), np.mean(v, axis=1)), {"axes": [1]}, 1e-6)
    case("std_mean", [x], lambda v: (np.std(v, axis=2, ddof=1), np.mean(v, axis=2)), {"axes": [-1]}, 1e-6)
    far = (draw("far", 6) + 1000).astype(np.float32)
    case("var", [far], lambda v: np.var(v, ddof=1), tolerance=1e-4)
    reductions(x, "logsumexp", lambda v, a: np.asarray(scipy.special.logsumexp(v, axis=a)))
    extreme = np.array([[-np.inf, -np.inf], [np.inf, 1], [1e30, 1e30], [-500, -501]], np.float32)
    case("logsumexp", [extreme], lambda v: np.array([-np.inf, np.inf, 1e30, np.logaddexp(-500, -501)]), {"axes": [1]})
    ties = np.round(draw("ties", 3, 4, 5)) + np.float32(0)  # no -0, whose order numpy leaves open
    reductions(ties, "argmax", flat_arg(np.argmax))
    reductions(ties, "argmin", flat_arg(np.argmin))
    holes = ties.copy()
    holes[0, 1, 2] = holes[2, 3, 4] = np.nan
    for name, function in (("argmax", np.argmax), ("argmin", np.argmin)):
        reductions(holes, name, flat_arg(function))
    reductions(holes, "max", lambda v, a: np.asarray(np.max(v, axis=a)))
    truth = ties > 1
    for name, function in {"any": np.any, "all": np.all}.items():
        reductions(truth, name, lambda v, a, f=function: np.asarray(f(v, axis=a)))
    ints = draw("ints", 3, 4, 5, scale=50).astype(np.int8)
    case("sum", [ints], [np.sum(ints, axis=1, dtype=np.int32)], {"axes": [1]})
    case("mean", [ints], [np.mean(ints.astype(np.float64), axis=1).astype(np.float32)], {"axes": [1]})
    case("sum", [truth], [np.sum(truth, axis=0, dtype=np.int32)], {"axes": [0]})
    half = np.full(3000, 1.5, np.float16)
    case("sum", [half], lambda v: np.sum(v), tolerance=1e-3)
    case("mean", [half], lambda v: np.mean(v), tolerance=1e-3)
    write("reduce")


def movement():
    x = draw("movement", 2, 3, 4)
    x[0, 0, 0], x[1, 2, 3] = -0.0, np.nan
    case("broadcast_to", [x[:, :1]], [np.broadcast_to(x[:, :1], (5, 2, 3, 4))], {"dims": [5, 2, 3, 4]})
    case("transpose", [x], [x.swapaxes(0, 2)], {"axis0": 0, "axis1": -1})
    case("squeeze", [x[:1, :, :1]], [x[0, :, 0]])
    case("unsqueeze", [x], [x[None, :, :, None]], {"axes": [0, 3]})
    case("flatten", [x], [x.reshape(2, 12)], {"start": 1})
    for axis in (0, 1, -1):
        parts = [x, x[:, ::-1], x * 2]
        case("cat", parts, [np.concatenate(parts, axis)], {"axis": axis})
        case("stack", parts, [np.stack(parts, axis)], {"axis": axis})
    case("cat", [np.zeros((0, 2), np.int32), np.ones((1, 2), np.int32)], [np.ones((1, 2), np.int32)])
    many = [np.full((1, 2), i, np.int64) for i in range(9)]
    case("cat", many, [np.concatenate(many)])
    low, high = [1, 0, 2], [0, 2, 1]
    widths = list(zip(low, high))
    case("pad_value", [x], [np.pad(x, widths, constant_values=-7)], {"low": low, "high": high, "value": -7})
    for mode, numpy_mode in (("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")):
        case("pad_mode", [x], [np.pad(x, widths, mode=numpy_mode)], {"low": low, "high": high, "mode": mode})
    case("roll", [x], [np.roll(x, (5, -1), (1, 2))], {"shifts": [5, -1], "axes": [1, 2]})
    case("tile", [x], [np.tile(x, (2, 1, 2))], {"repeats": [2, 1, 2]})
    case("tile", [x[0]], [np.tile(x[0], (3, 1, 1))], {"repeats": [3, 1, 1]})
    case("tile", [x], [np.tile(x, (0,))], {"repeats": [0]})
    case("repeat_interleave", [x], [np.repeat(x, 3, 1)], {"repeats": 3, "axis": 1})
    for diagonal in (-2, -1, 0, 1, 3, 9, -9):
        case("triu", [x], [np.triu(x, diagonal)], {"diagonal": diagonal})
        case("tril", [x], [np.tril(x, diagonal)], {"diagonal": diagonal})
        case("diagonal", [x], [np.diagonal(x, diagonal, 2, 1)], {"offset": diagonal, "axis0": 2, "axis1": 1})
    case("diag", [x[0, 0]], [np.diag(x[0, 0])])
    write("movement")


def create():
    case("full", [], [np.full((2, 3), -1.5, np.float32)], {"value": -1.5, "dims": [2, 3], "dtype": "f32"})
    case("full", [], [np.full((2,), 255, np.uint8)], {"value": 300.5, "dims": [2], "dtype": "u8"})
    case("zeros", [], [np.zeros((2, 0), np.float64)], {"dims": [2, 0], "dtype": "f64"})
    case("ones", [], [np.ones((), bool)], {"dims": [], "dtype": "bool"})
    case("full_like", [np.zeros(3, np.int16)], [np.full(3, 4, np.int16)], {"value": 4})
    case("arange", [], [np.arange(-3, 9, 2, dtype=np.int64)], {"dims": [6], "start": -3, "step": 2, "dtype": "i64"})
    case("arange", [], [(0.5 + 0.1 * np.arange(7)).astype(np.float32)],
         {"dims": [7], "start": 0.5, "step": 0.1, "dtype": "f32"}, 1e-6)
    for count, start, stop in ((1, 2, 5), (2, 2, 5), (7, -1, 1), (50, 0, 1e6)):
        case("linspace", [], [np.linspace(start, stop, count).astype(np.float32)],
             {"dims": [count], "start": start, "stop": stop}, 1e-6)
    case("linspace", [], [np.linspace(0, 10, 6, dtype=np.int32)], {"dims": [6], "start": 0, "stop": 10, "dtype": "i32"})
    for k in (-1, 0, 2):
        case("eye", [], [np.eye(3, 4, k, np.float32)], {"dims": [3, 4], "diagonal": k})
    write("create")


def threefry(key, counters):
    """Random123's Threefry-2x32-20 on 64-bit counters: the two words of each block."""
    mask = np.uint64(0xFFFFFFFF)
    keys = [int(key[0]), int(key[1]), int(key[0]) ^ int(key[1]) ^ 0x1BD11BDA]
    high, low = ((counters >> np.uint64(32)) + np.uint64(keys[0])) & mask, (counters + np.uint64(keys[1])) & mask
    for group in range(5):
        for bits in ((13, 15, 26, 6), (17, 29, 16, 24))[group % 2]:
            high = (high + low) & mask
            turned = ((low << np.uint64(bits)) | (low >> np.uint64(32 - bits))) & mask
            low = turned ^ high
        high = (high + np.uint64(keys[(group + 1) % 3])) & mask
        low = (low + np.uint64(keys[(group + 2) % 3] + group + 1)) & mask
    return high, low


def unit_f32(word):
    """23 bits as a number of 0 <= u < 1."""
    return (word >> np.uint32(9)).astype(np.float64) * 2.0**-23


def random():
    known = threefry((0x13198A2E, 0x03707344), np.array([0x243F6A8885A308D3], np.uint64))
    assert [hex(int(w[0])) for w in known] == ["0xc4923a9c", "0x483df7a0"]  # Random123's known answer
    key, counter = np.array([7, 4000000000], np.uint32), np.uint64(2**32 - 3)
    at = counter + np.arange(6, dtype=np.uint64)
    high, low = threefry(key, at)
    word, both = (high ^ low).astype(np.uint32), (high << np.uint64(32)) | low
    operands = [key, np.asarray(counter)]
    for name, values in {"u8": word.astype(np.uint8), "u16": word.astype(np.uint16), "u32": word, "u64": both}.items():
        case("random_bits", operands, [values.reshape(2, 3)], {"dims": [2, 3], "dtype": name})
    unit = unit_f32(word)
    case("uniform", operands, [unit.astype(np.float32)], {"dims": [6]})
    case("uniform", operands, [(unit * 5 - 2).astype(np.float32)], {"dims": [6], "low": -2, "high": 3})
    case("uniform", operands, [(both >> np.uint64(12)).astype(np.float64) * 2.0**-52], {"dims": [6], "dtype": "f64"}, 1e-15)
    case("uniform", operands, [((word & 0xFFFF) >> 6).astype(np.float16) / np.float16(1024)], {"dims": [6], "dtype": "f16"})
    radius = np.sqrt(-2 * np.log((high.astype(np.float64) + 0.5) / 2**32))
    unit = radius * np.cos(2 * np.pi * low.astype(np.float64) / 2**32)
    case("normal", operands, [unit.astype(np.float32)], {"dims": [6]}, 2e-6)
    case("normal", operands, [unit * 3 + 1], {"dims": [6], "mean": 1, "std": 3, "dtype": "f64"}, 1e-12)
    case("integers", operands, [(both % np.uint64(30)).astype(np.int64).astype(np.int32) - 10],
         {"dims": [6], "low": -10, "high": 20})
    case("permutation", operands, [np.argsort(both, kind="stable").astype(np.int32)], {"dims": [6]})
    x = draw("dropout", 6)
    for p in (0.0, 0.3, 1.0):
        kept = np.where(unit_f32(word) >= p, x / np.float32(1 - p if p < 1 else np.inf), 0).astype(np.float32)
        case("dropout", [x, *operands], [kept], {"p": p}, 1e-6)
    write("random")


if __name__ == "__main__":
    unary()
    binary()
    reduce()
    movement()
    create()
    random()
