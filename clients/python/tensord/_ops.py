"""Typed builders of every op. Generated from clients/ops.json by clients/generate.py.

Inputs are tensors or Python numbers (weak: they take the dtype of what they meet); an attribute
left at None takes the server's default. Errors are raised here, on the caller's line: ShapeError,
DTypeError, IndexOutOfRange.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tensord import dtype as dt
from tensord.base import REQUIRED, OpRow, apply, elementwise
from tensord.dtype import DType
from tensord.symbolic import Dim

if TYPE_CHECKING:
    from tensord.base import Operand
    from tensord.tensor import Tensor

OP_SET_DIGEST = "2943c948fcb89232f426451b5e5b6ac737d660848d8845363ac0e38fc8c1ab97"

__all__ = [
    "neg",
    "abs",
    "sqrt",
    "floor",
    "ceil",
    "trunc",
    "round",
    "exp",
    "exp2",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "erf",
    "erfc",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "square",
    "reciprocal",
    "rsqrt",
    "cbrt",
    "sign",
    "exp10",
    "degrees",
    "radians",
    "frac",
    "sinc",
    "isnan",
    "isinf",
    "isposinf",
    "isneginf",
    "isfinite",
    "signbit",
    "frexp",
    "ldexp",
    "modf",
    "spacing",
    "nextafter",
    "nan_to_num",
    "add",
    "sub",
    "mul",
    "div",
    "floordiv",
    "floormod",
    "truncdiv",
    "truncrem",
    "minimum",
    "maximum",
    "pow",
    "copysign",
    "atan2",
    "int_pow",
    "logaddexp",
    "logaddexp2",
    "fmax",
    "fmin",
    "heaviside",
    "hypot",
    "lerp",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "isclose",
    "bitand",
    "bitor",
    "bitxor",
    "not_",
    "shl",
    "shr",
    "bitwise_count",
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "where",
    "fma",
    "clamp",
    "masked_fill",
    "cast",
    "bitcast",
    "reduce",
    "sum",
    "prod",
    "max",
    "min",
    "any",
    "all",
    "mean",
    "var",
    "std",
    "var_mean",
    "std_mean",
    "argmax",
    "argmin",
    "logsumexp",
    "reshape",
    "permute",
    "expand",
    "pad",
    "shrink",
    "flip",
    "stride",
    "window",
    "dilate",
    "broadcast_to",
    "transpose",
    "squeeze",
    "unsqueeze",
    "flatten",
    "cat",
    "stack",
    "pad_value",
    "pad_mode",
    "roll",
    "tile",
    "repeat_interleave",
    "triu",
    "tril",
    "diag",
    "diagonal",
    "iota",
    "full",
    "zeros",
    "ones",
    "full_like",
    "arange",
    "linspace",
    "eye",
    "random_bits",
    "uniform",
    "normal",
    "integers",
    "permutation",
    "gather",
    "scatter",
    "take",
    "one_hot",
    "index",
    "index_put",
    "slice_update",
    "matmul",
    "dot",
    "einsum",
    "outer",
    "relu",
    "relu6",
    "leaky_relu",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "threshold",
    "softshrink",
    "hardshrink",
    "elu",
    "celu",
    "selu",
    "sigmoid",
    "logsigmoid",
    "softplus",
    "softsign",
    "silu",
    "mish",
    "gelu",
    "quick_gelu",
    "tanhshrink",
    "linear",
    "prelu",
    "glu",
    "embedding",
    "dropout",
    "conv",
    "conv_transpose",
    "max_pool",
    "avg_pool",
    "scaled_dot_product_attention",
    "softmax",
    "log_softmax",
    "softmin",
    "layer_norm",
    "rms_norm",
    "group_norm",
    "instance_norm",
    "batch_norm_training",
    "batch_norm",
    "normalize",
    "mse_loss",
    "l1_loss",
    "huber_loss",
    "smooth_l1_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "poisson_nll_loss",
    "hinge_loss",
    "hinge_embedding_loss",
    "soft_margin_loss",
    "margin_ranking_loss",
    "nll_loss",
    "cross_entropy",
    "sgd",
    "sgd_momentum",
    "adam",
    "adamw",
    "dim_value",
    "detach",
    "contiguous",
    "copy",
]

# Row a, column b: what dtypes a and b promote to.
DTYPES = ("bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32",
    "f64", "weak_int", "weak_float")
PROMOTION = (
    ("bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64",
    "weak_int", "weak_float"),
    ("i8", "i8", "i16", "i32", "i64", "i16", "i32", "i64", "weak_float", "f16", "bf16", "f32",
    "f64", "i8", "weak_float"),
    ("i16", "i16", "i16", "i32", "i64", "i16", "i32", "i64", "weak_float", "f16", "bf16", "f32",
    "f64", "i16", "weak_float"),
    ("i32", "i32", "i32", "i32", "i64", "i32", "i32", "i64", "weak_float", "f16", "bf16", "f32",
    "f64", "i32", "weak_float"),
    ("i64", "i64", "i64", "i64", "i64", "i64", "i64", "i64", "weak_float", "f16", "bf16", "f32",
    "f64", "i64", "weak_float"),
    ("u8", "i16", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64", "u8",
    "weak_float"),
    ("u16", "i32", "i32", "i32", "i64", "u16", "u16", "u32", "u64", "f16", "bf16", "f32", "f64",
    "u16", "weak_float"),
    ("u32", "i64", "i64", "i64", "i64", "u32", "u32", "u32", "u64", "f16", "bf16", "f32", "f64",
    "u32", "weak_float"),
    ("u64", "weak_float", "weak_float", "weak_float", "weak_float", "u64", "u64", "u64", "u64",
    "f16", "bf16", "f32", "f64", "u64", "weak_float"),
    ("f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f16", "f32", "f32", "f64",
    "f16", "f16"),
    ("bf16", "bf16", "bf16", "bf16", "bf16", "bf16", "bf16", "bf16", "bf16", "f32", "bf16", "f32",
    "f64", "bf16", "bf16"),
    ("f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f64",
    "f32", "f32"),
    ("f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64", "f64",
    "f64", "f64"),
    ("weak_int", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "bf16", "f32", "f64",
    "weak_int", "weak_float"),
    ("weak_float", "weak_float", "weak_float", "weak_float", "weak_float", "weak_float",
    "weak_float", "weak_float", "weak_float", "f16", "bf16", "f32", "f64", "weak_float",
    "weak_float"),
)

_NEG = OpRow("neg", ('x',), 1, False, (), 1, "same", "broadcast")
_ABS = OpRow("abs", ('x',), 1, False, (), 1, "same", "broadcast")
_SQRT = OpRow("sqrt", ('x',), 1, False, (), 1, "float", "broadcast")
_FLOOR = OpRow("floor", ('x',), 1, False, (), 1, "same", "broadcast")
_CEIL = OpRow("ceil", ('x',), 1, False, (), 1, "same", "broadcast")
_TRUNC = OpRow("trunc", ('x',), 1, False, (), 1, "same", "broadcast")
_ROUND = OpRow("round", ('x',), 1, False, (), 1, "same", "broadcast")
_EXP = OpRow("exp", ('x',), 1, False, (), 1, "float", "broadcast")
_EXP2 = OpRow("exp2", ('x',), 1, False, (), 1, "float", "broadcast")
_EXPM1 = OpRow("expm1", ('x',), 1, False, (), 1, "float", "broadcast")
_LOG = OpRow("log", ('x',), 1, False, (), 1, "float", "broadcast")
_LOG2 = OpRow("log2", ('x',), 1, False, (), 1, "float", "broadcast")
_LOG10 = OpRow("log10", ('x',), 1, False, (), 1, "float", "broadcast")
_LOG1P = OpRow("log1p", ('x',), 1, False, (), 1, "float", "broadcast")
_ERF = OpRow("erf", ('x',), 1, False, (), 1, "float", "broadcast")
_ERFC = OpRow("erfc", ('x',), 1, False, (), 1, "float", "broadcast")
_SIN = OpRow("sin", ('x',), 1, False, (), 1, "float", "broadcast")
_COS = OpRow("cos", ('x',), 1, False, (), 1, "float", "broadcast")
_TAN = OpRow("tan", ('x',), 1, False, (), 1, "float", "broadcast")
_ASIN = OpRow("asin", ('x',), 1, False, (), 1, "float", "broadcast")
_ACOS = OpRow("acos", ('x',), 1, False, (), 1, "float", "broadcast")
_ATAN = OpRow("atan", ('x',), 1, False, (), 1, "float", "broadcast")
_SINH = OpRow("sinh", ('x',), 1, False, (), 1, "float", "broadcast")
_COSH = OpRow("cosh", ('x',), 1, False, (), 1, "float", "broadcast")
_TANH = OpRow("tanh", ('x',), 1, False, (), 1, "float", "broadcast")
_ASINH = OpRow("asinh", ('x',), 1, False, (), 1, "float", "broadcast")
_ACOSH = OpRow("acosh", ('x',), 1, False, (), 1, "float", "broadcast")
_ATANH = OpRow("atanh", ('x',), 1, False, (), 1, "float", "broadcast")
_SQUARE = OpRow("square", ('x',), 1, False, (), 1, "same", "broadcast")
_RECIPROCAL = OpRow("reciprocal", ('x',), 1, False, (), 1, "float", "broadcast")
_RSQRT = OpRow("rsqrt", ('x',), 1, False, (), 1, "float", "broadcast")
_CBRT = OpRow("cbrt", ('x',), 1, False, (), 1, "float", "broadcast")
_SIGN = OpRow("sign", ('x',), 1, False, (), 1, "same", "broadcast")
_EXP10 = OpRow("exp10", ('x',), 1, False, (), 1, "float", "broadcast")
_DEGREES = OpRow("degrees", ('x',), 1, False, (), 1, "float", "broadcast")
_RADIANS = OpRow("radians", ('x',), 1, False, (), 1, "float", "broadcast")
_FRAC = OpRow("frac", ('x',), 1, False, (), 1, "float", "broadcast")
_SINC = OpRow("sinc", ('x',), 1, False, (), 1, "float", "broadcast")
_ISNAN = OpRow("isnan", ('x',), 1, False, (), 1, "bool", "broadcast")
_ISINF = OpRow("isinf", ('x',), 1, False, (), 1, "bool", "broadcast")
_ISPOSINF = OpRow("isposinf", ('x',), 1, False, (), 1, "bool", "broadcast")
_ISNEGINF = OpRow("isneginf", ('x',), 1, False, (), 1, "bool", "broadcast")
_ISFINITE = OpRow("isfinite", ('x',), 1, False, (), 1, "bool", "broadcast")
_SIGNBIT = OpRow("signbit", ('x',), 1, False, (), 1, "bool", "broadcast")
_FREXP = OpRow("frexp", ('x',), 1, False, (), 2, "float", "custom")
_LDEXP = OpRow("ldexp", ('x', 'exponent'), 2, False, (), 1, "float_first", "broadcast")
_MODF = OpRow("modf", ('x',), 1, False, (), 2, "float", "broadcast")
_SPACING = OpRow("spacing", ('x',), 1, False, (), 1, "float", "broadcast")
_NEXTAFTER = OpRow("nextafter", ('x', 'to'), 2, False, (), 1, "float", "broadcast")
_NAN_TO_NUM = OpRow("nan_to_num", ('x',), 1, False, (("nan", "float", 0.0), ("posinf", "float",
    None), ("neginf", "float", None)), 1, "same", "broadcast")
_ADD = OpRow("add", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_SUB = OpRow("sub", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_MUL = OpRow("mul", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_DIV = OpRow("div", ('a', 'b'), 2, False, (), 1, "float", "broadcast")
_FLOORDIV = OpRow("floordiv", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_FLOORMOD = OpRow("floormod", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_TRUNCDIV = OpRow("truncdiv", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_TRUNCREM = OpRow("truncrem", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_MINIMUM = OpRow("minimum", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_MAXIMUM = OpRow("maximum", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_POW = OpRow("pow", ('base', 'exponent'), 2, False, (), 1, "same", "broadcast")
_COPYSIGN = OpRow("copysign", ('magnitude', 'sign'), 2, False, (), 1, "float", "broadcast")
_ATAN2 = OpRow("atan2", ('y', 'x'), 2, False, (), 1, "float", "broadcast")
_INT_POW = OpRow("int_pow", ('base', 'exponent'), 2, False, (), 1, "same", "broadcast")
_LOGADDEXP = OpRow("logaddexp", ('a', 'b'), 2, False, (), 1, "float", "broadcast")
_LOGADDEXP2 = OpRow("logaddexp2", ('a', 'b'), 2, False, (), 1, "float", "broadcast")
_FMAX = OpRow("fmax", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_FMIN = OpRow("fmin", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_HEAVISIDE = OpRow("heaviside", ('x', 'at_zero'), 2, False, (), 1, "float", "broadcast")
_HYPOT = OpRow("hypot", ('a', 'b'), 2, False, (), 1, "float", "broadcast")
_LERP = OpRow("lerp", ('start', 'end', 'weight'), 3, False, (), 1, "float", "broadcast")
_EQ = OpRow("eq", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_NE = OpRow("ne", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_LT = OpRow("lt", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_LE = OpRow("le", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_GT = OpRow("gt", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_GE = OpRow("ge", ('a', 'b'), 2, False, (), 1, "bool", "broadcast")
_ISCLOSE = OpRow("isclose", ('a', 'b'), 2, False, (("rtol", "float", 1e-05), ("atol", "float",
    1e-08), ("equal_nan", "bool", False)), 1, "bool", "broadcast")
_BITAND = OpRow("bitand", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_BITOR = OpRow("bitor", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_BITXOR = OpRow("bitxor", ('a', 'b'), 2, False, (), 1, "same", "broadcast")
_NOT = OpRow("not", ('x',), 1, False, (), 1, "same", "broadcast")
_SHL = OpRow("shl", ('x', 'amount'), 2, False, (), 1, "same", "broadcast")
_SHR = OpRow("shr", ('x', 'amount'), 2, False, (), 1, "same", "broadcast")
_BITWISE_COUNT = OpRow("bitwise_count", ('x',), 1, False, (), 1, "same", "broadcast")
_LOGICAL_AND = OpRow("logical_and", ('a', 'b'), 2, False, (), 1, "logical", "broadcast")
_LOGICAL_OR = OpRow("logical_or", ('a', 'b'), 2, False, (), 1, "logical", "broadcast")
_LOGICAL_XOR = OpRow("logical_xor", ('a', 'b'), 2, False, (), 1, "logical", "broadcast")
_LOGICAL_NOT = OpRow("logical_not", ('x',), 1, False, (), 1, "logical", "broadcast")
_WHERE = OpRow("where", ('condition', 'a', 'b'), 3, False, (), 1, "select", "broadcast")
_FMA = OpRow("fma", ('a', 'b', 'c'), 3, False, (), 1, "float", "broadcast")
_CLAMP = OpRow("clamp", ('x', 'low', 'high'), 3, False, (), 1, "same", "broadcast")
_MASKED_FILL = OpRow("masked_fill", ('x', 'mask', 'value'), 3, False, (), 1, "first", "broadcast")
_CAST = OpRow("cast", ('x',), 1, False, (("dtype", "dtype", REQUIRED),), 1, "attr", "broadcast")
_BITCAST = OpRow("bitcast", ('x',), 1, False, (("dtype", "dtype", REQUIRED),), 1, "attr",
    "broadcast")
_REDUCE = OpRow("reduce", ('x',), 1, False, (("monoid", "string", REQUIRED), ("axes", "ints",
    REQUIRED)), 1, "same", "reduce")
_SUM = OpRow("sum", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False),
    ("dtype", "dtype", None)), 1, "sum", "reduce")
_PROD = OpRow("prod", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False),
    ("dtype", "dtype", None)), 1, "attr", "reduce")
_MAX = OpRow("max", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)), 1,
    "same", "reduce")
_MIN = OpRow("min", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)), 1,
    "same", "reduce")
_ANY = OpRow("any", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)), 1,
    "logical", "reduce")
_ALL = OpRow("all", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)), 1,
    "logical", "reduce")
_MEAN = OpRow("mean", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)), 1,
    "float", "reduce")
_VAR = OpRow("var", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False),
    ("correction", "float", 1.0)), 1, "float", "reduce")
_STD = OpRow("std", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False),
    ("correction", "float", 1.0)), 1, "float", "reduce")
_VAR_MEAN = OpRow("var_mean", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool",
    False), ("correction", "float", 1.0)), 2, "float", "reduce")
_STD_MEAN = OpRow("std_mean", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool",
    False), ("correction", "float", 1.0)), 2, "float", "reduce")
_ARGMAX = OpRow("argmax", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)),
    1, "index", "reduce")
_ARGMIN = OpRow("argmin", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool", False)),
    1, "index", "reduce")
_LOGSUMEXP = OpRow("logsumexp", ('x',), 1, False, (("axes", "ints", None), ("keepdims", "bool",
    False)), 1, "float", "reduce")
_RESHAPE = OpRow("reshape", ('x',), 1, False, (("dims", "dims", REQUIRED),), 1, "same", "reshape")
_PERMUTE = OpRow("permute", ('x',), 1, False, (("order", "ints", REQUIRED),), 1, "same",
    "permute")
_EXPAND = OpRow("expand", ('x',), 1, False, (("dims", "dims", REQUIRED),), 1, "same", "expand")
_PAD = OpRow("pad", ('x',), 1, False, (("low", "dims", REQUIRED), ("high", "dims", REQUIRED)), 1,
    "same", "pad")
_SHRINK = OpRow("shrink", ('x',), 1, False, (("low", "dims", REQUIRED), ("dims", "dims",
    REQUIRED)), 1, "same", "shrink")
_FLIP = OpRow("flip", ('x',), 1, False, (("axes", "ints", REQUIRED),), 1, "same", "flip")
_STRIDE = OpRow("stride", ('x',), 1, False, (("steps", "ints", REQUIRED),), 1, "same", "stride")
_WINDOW = OpRow("window", ('x',), 1, False, (("axes", "ints", REQUIRED), ("sizes", "ints",
    REQUIRED), ("strides", "ints", ()), ("dilations", "ints", ())), 1, "same", "window")
_DILATE = OpRow("dilate", ('x',), 1, False, (("factors", "ints", REQUIRED),), 1, "same", "dilate")
_BROADCAST_TO = OpRow("broadcast_to", ('x',), 1, False, (("dims", "dims", REQUIRED),), 1, "same",
    "dims_attr")
_TRANSPOSE = OpRow("transpose", ('x',), 1, False, (("axis0", "int", -2), ("axis1", "int", -1)), 1,
    "same", "custom")
_SQUEEZE = OpRow("squeeze", ('x',), 1, False, (("axes", "ints", None),), 1, "same", "custom")
_UNSQUEEZE = OpRow("unsqueeze", ('x',), 1, False, (("axes", "ints", REQUIRED),), 1, "same",
    "custom")
_FLATTEN = OpRow("flatten", ('x',), 1, False, (("start", "int", 0), ("end", "int", -1)), 1,
    "same", "custom")
_CAT = OpRow("cat", ('tensors',), 1, True, (("axis", "int", 0),), 1, "same", "concat")
_STACK = OpRow("stack", ('tensors',), 1, True, (("axis", "int", 0),), 1, "same", "stack")
_PAD_VALUE = OpRow("pad_value", ('x',), 1, False, (("low", "dims", REQUIRED), ("high", "dims",
    REQUIRED), ("value", "scalar", REQUIRED)), 1, "same", "pad")
_PAD_MODE = OpRow("pad_mode", ('x',), 1, False, (("low", "dims", REQUIRED), ("high", "dims",
    REQUIRED), ("mode", "string", REQUIRED)), 1, "same", "pad")
_ROLL = OpRow("roll", ('x',), 1, False, (("shifts", "ints", REQUIRED), ("axes", "ints",
    REQUIRED)), 1, "same", "same")
_TILE = OpRow("tile", ('x',), 1, False, (("repeats", "ints", REQUIRED),), 1, "same", "custom")
_REPEAT_INTERLEAVE = OpRow("repeat_interleave", ('x',), 1, False, (("repeats", "int", REQUIRED),
    ("axis", "int", 0)), 1, "same", "custom")
_TRIU = OpRow("triu", ('x',), 1, False, (("diagonal", "int", 0),), 1, "same", "triangle")
_TRIL = OpRow("tril", ('x',), 1, False, (("diagonal", "int", 0),), 1, "same", "triangle")
_DIAG = OpRow("diag", ('x',), 1, False, (), 1, "same", "custom")
_DIAGONAL = OpRow("diagonal", ('x',), 1, False, (("offset", "int", 0), ("axis0", "int", 0),
    ("axis1", "int", 1)), 1, "same", "custom")
_IOTA = OpRow("iota", (), 0, False, (("dims", "dims", REQUIRED), ("axis", "int", 0), ("dtype",
    "dtype", dt.BY_NAME["i32"])), 1, "attr", "dims_attr")
_FULL = OpRow("full", (), 0, False, (("value", "scalar", REQUIRED), ("dims", "dims", REQUIRED),
    ("dtype", "dtype", REQUIRED)), 1, "attr", "dims_attr")
_ZEROS = OpRow("zeros", (), 0, False, (("dims", "dims", REQUIRED), ("dtype", "dtype",
    dt.BY_NAME["f32"])), 1, "attr", "dims_attr")
_ONES = OpRow("ones", (), 0, False, (("dims", "dims", REQUIRED), ("dtype", "dtype",
    dt.BY_NAME["f32"])), 1, "attr", "dims_attr")
_FULL_LIKE = OpRow("full_like", ('x',), 1, False, (("value", "scalar", REQUIRED), ("dtype",
    "dtype", None)), 1, "attr", "same")
_ARANGE = OpRow("arange", (), 0, False, (("dims", "dims", REQUIRED), ("start", "scalar", 0.0),
    ("step", "scalar", 1.0), ("dtype", "dtype", dt.BY_NAME["i32"])), 1, "attr", "dims_attr")
_LINSPACE = OpRow("linspace", (), 0, False, (("dims", "dims", REQUIRED), ("start", "scalar",
    REQUIRED), ("stop", "scalar", REQUIRED), ("dtype", "dtype", dt.BY_NAME["f32"])), 1, "attr",
    "dims_attr")
_EYE = OpRow("eye", (), 0, False, (("dims", "dims", REQUIRED), ("diagonal", "int", 0), ("dtype",
    "dtype", dt.BY_NAME["f32"])), 1, "attr", "dims_attr")
_RANDOM_BITS = OpRow("random_bits", ('key', 'counter'), 2, False, (("dims", "dims", REQUIRED),
    ("dtype", "dtype", dt.BY_NAME["u32"])), 1, "attr", "dims_attr")
_UNIFORM = OpRow("uniform", ('key', 'counter'), 2, False, (("dims", "dims", REQUIRED), ("low",
    "float", 0.0), ("high", "float", 1.0), ("dtype", "dtype", dt.BY_NAME["f32"])), 1, "attr",
    "dims_attr")
_NORMAL = OpRow("normal", ('key', 'counter'), 2, False, (("dims", "dims", REQUIRED), ("mean",
    "float", 0.0), ("std", "float", 1.0), ("dtype", "dtype", dt.BY_NAME["f32"])), 1, "attr",
    "dims_attr")
_INTEGERS = OpRow("integers", ('key', 'counter'), 2, False, (("dims", "dims", REQUIRED), ("low",
    "int", 0), ("high", "int", REQUIRED), ("dtype", "dtype", dt.BY_NAME["i32"])), 1, "attr",
    "dims_attr")
_PERMUTATION = OpRow("permutation", ('key', 'counter'), 2, False, (("dims", "dims", REQUIRED),
    ("dtype", "dtype", dt.BY_NAME["i32"])), 1, "attr", "dims_attr")
_GATHER = OpRow("gather", ('x', 'index'), 2, False, (("axis", "int", REQUIRED),), 1, "first",
    "gather")
_SCATTER = OpRow("scatter", ('base', 'index', 'updates'), 3, False, (("axis", "int", REQUIRED),
    ("mode", "string", 'set')), 1, "first", "custom")
_TAKE = OpRow("take", ('x', 'index'), 2, False, (("axis", "int", 0),), 1, "first", "take")
_ONE_HOT = OpRow("one_hot", ('index',), 1, False, (("classes", "int", REQUIRED), ("dtype",
    "dtype", dt.BY_NAME["i32"])), 1, "attr", "one_hot")
_INDEX = OpRow("index", ('x', 'indices'), 2, True, (("axis", "int", 0),), 1, "first", "custom")
_INDEX_PUT = OpRow("index_put", ('x', 'values', 'indices'), 3, True, (("axis", "int", 0), ("mode",
    "string", 'set')), 1, "first", "custom")
_SLICE_UPDATE = OpRow("slice_update", ('x', 'y', 'starts'), 2, True, (("start", "dims", None),
    ("axes", "ints", None)), 1, "first", "custom")
_MATMUL = OpRow("matmul", ('a', 'b'), 2, False, (), 1, "same", "matmul")
_DOT = OpRow("dot", ('a', 'b'), 2, False, (), 1, "same", "custom")
_EINSUM = OpRow("einsum", ('operands',), 1, True, (("equation", "string", REQUIRED),), 1, "same",
    "einsum")
_OUTER = OpRow("outer", ('a', 'b'), 2, False, (), 1, "same", "custom")
_RELU = OpRow("relu", ('x',), 1, False, (), 1, "same", "same")
_RELU6 = OpRow("relu6", ('x',), 1, False, (), 1, "float", "same")
_LEAKY_RELU = OpRow("leaky_relu", ('x',), 1, False, (("negative_slope", "float", 0.01),), 1,
    "float", "same")
_HARDTANH = OpRow("hardtanh", ('x',), 1, False, (("min", "float", -1.0), ("max", "float", 1.0)),
    1, "float", "same")
_HARDSIGMOID = OpRow("hardsigmoid", ('x',), 1, False, (("alpha", "float", 0.16666666666666666),
    ("beta", "float", 0.5)), 1, "float", "same")
_HARDSWISH = OpRow("hardswish", ('x',), 1, False, (), 1, "float", "same")
_THRESHOLD = OpRow("threshold", ('x',), 1, False, (("threshold", "float", REQUIRED), ("value",
    "float", REQUIRED)), 1, "float", "same")
_SOFTSHRINK = OpRow("softshrink", ('x',), 1, False, (("lambda", "float", 0.5),), 1, "float",
    "same")
_HARDSHRINK = OpRow("hardshrink", ('x',), 1, False, (("lambda", "float", 0.5),), 1, "float",
    "same")
_ELU = OpRow("elu", ('x',), 1, False, (("alpha", "float", 1.0),), 1, "float", "same")
_CELU = OpRow("celu", ('x',), 1, False, (("alpha", "float", 1.0),), 1, "float", "same")
_SELU = OpRow("selu", ('x',), 1, False, (("alpha", "float", 1.6732632423543772), ("gamma",
    "float", 1.0507009873554805)), 1, "float", "same")
_SIGMOID = OpRow("sigmoid", ('x',), 1, False, (), 1, "float", "same")
_LOGSIGMOID = OpRow("logsigmoid", ('x',), 1, False, (), 1, "float", "same")
_SOFTPLUS = OpRow("softplus", ('x',), 1, False, (("beta", "float", 1.0),), 1, "float", "same")
_SOFTSIGN = OpRow("softsign", ('x',), 1, False, (), 1, "float", "same")
_SILU = OpRow("silu", ('x',), 1, False, (), 1, "float", "same")
_MISH = OpRow("mish", ('x',), 1, False, (), 1, "float", "same")
_GELU = OpRow("gelu", ('x',), 1, False, (("approximate", "string", None),), 1, "float", "same")
_QUICK_GELU = OpRow("quick_gelu", ('x',), 1, False, (), 1, "float", "same")
_TANHSHRINK = OpRow("tanhshrink", ('x',), 1, False, (), 1, "float", "same")
_LINEAR = OpRow("linear", ('x', 'weight', 'bias'), 2, False, (), 1, "same", "custom")
_PRELU = OpRow("prelu", ('x', 'weight'), 2, False, (), 1, "same", "custom")
_GLU = OpRow("glu", ('x',), 1, False, (("axis", "int", -1),), 1, "same", "custom")
_EMBEDDING = OpRow("embedding", ('weight', 'index'), 2, False, (), 1, "first", "embedding")
_DROPOUT = OpRow("dropout", ('x', 'key', 'counter'), 3, False, (("p", "float", 0.5),), 1, "first",
    "custom")
_CONV = OpRow("conv", ('x', 'weight', 'bias'), 2, False, (("stride", "ints", (1,)), ("padding",
    "ints", (0,)), ("dilation", "ints", (1,)), ("groups", "int", 1)), 1, "same", "conv")
_CONV_TRANSPOSE = OpRow("conv_transpose", ('x', 'weight', 'bias'), 2, False, (("stride", "ints",
    (1,)), ("padding", "ints", (0,)), ("output_padding", "ints", (0,)), ("dilation", "ints",
    (1,)), ("groups", "int", 1)), 1, "same", "conv_transpose")
_MAX_POOL = OpRow("max_pool", ('x',), 1, False, (("kernel", "ints", REQUIRED), ("stride", "ints",
    ()), ("padding", "ints", (0,)), ("dilation", "ints", (1,)), ("ceil_mode", "bool", False)), 1,
    "same", "pool")
_AVG_POOL = OpRow("avg_pool", ('x',), 1, False, (("kernel", "ints", REQUIRED), ("stride", "ints",
    ()), ("padding", "ints", (0,)), ("dilation", "ints", (1,)), ("ceil_mode", "bool", False),
    ("count_include_pad", "bool", True)), 1, "float", "pool")
_SCALED_DOT_PRODUCT_ATTENTION = OpRow("scaled_dot_product_attention", ('query', 'key', 'value',
    'mask'), 3, False, (("is_causal", "bool", False), ("scale", "float", None), ("enable_gqa",
    "bool", False)), 1, "float_first", "attention")
_SOFTMAX = OpRow("softmax", ('x',), 1, False, (("axis", "int", -1),), 1, "float", "same")
_LOG_SOFTMAX = OpRow("log_softmax", ('x',), 1, False, (("axis", "int", -1),), 1, "float", "same")
_SOFTMIN = OpRow("softmin", ('x',), 1, False, (("axis", "int", -1),), 1, "float", "same")
_LAYER_NORM = OpRow("layer_norm", ('x', 'weight', 'bias'), 1, False, (("axes", "ints", (-1,)),
    ("eps", "float", 1e-05)), 1, "first", "custom")
_RMS_NORM = OpRow("rms_norm", ('x', 'weight'), 1, False, (("axes", "ints", (-1,)), ("eps",
    "float", 1e-06)), 1, "first", "custom")
_GROUP_NORM = OpRow("group_norm", ('x', 'weight', 'bias'), 1, False, (("groups", "int", REQUIRED),
    ("eps", "float", 1e-05)), 1, "first", "custom")
_INSTANCE_NORM = OpRow("instance_norm", ('x', 'weight', 'bias'), 1, False, (("eps", "float",
    1e-05),), 1, "first", "custom")
_BATCH_NORM_TRAINING = OpRow("batch_norm_training", ('x', 'weight', 'bias'), 1, False, (("axis",
    "int", 1), ("eps", "float", 1e-05)), 3, "first", "custom")
_BATCH_NORM = OpRow("batch_norm", ('x', 'mean', 'variance', 'weight', 'bias'), 3, False, (("axis",
    "int", 1), ("eps", "float", 1e-05)), 1, "first", "custom")
_NORMALIZE = OpRow("normalize", ('x',), 1, False, (("p", "float", 2.0), ("axis", "int", 1),
    ("eps", "float", 1e-12)), 1, "float", "same")
_MSE_LOSS = OpRow("mse_loss", ('x', 'target'), 2, False, (("reduction", "string", 'mean'),), 1,
    "float", "custom")
_L1_LOSS = OpRow("l1_loss", ('x', 'target'), 2, False, (("reduction", "string", 'mean'),), 1,
    "float", "custom")
_HUBER_LOSS = OpRow("huber_loss", ('x', 'target'), 2, False, (("delta", "float", 1.0),
    ("reduction", "string", 'mean')), 1, "float", "custom")
_SMOOTH_L1_LOSS = OpRow("smooth_l1_loss", ('x', 'target'), 2, False, (("beta", "float", 1.0),
    ("reduction", "string", 'mean')), 1, "float", "custom")
_BINARY_CROSS_ENTROPY = OpRow("binary_cross_entropy", ('x', 'target', 'weight'), 2, False,
    (("reduction", "string", 'mean'),), 1, "float", "custom")
_BINARY_CROSS_ENTROPY_WITH_LOGITS = OpRow("binary_cross_entropy_with_logits", ('x', 'target',
    'weight', 'pos_weight'), 2, False, (("reduction", "string", 'mean'),), 1, "float", "custom")
_KL_DIV = OpRow("kl_div", ('x', 'target'), 2, False, (("log_target", "bool", False), ("reduction",
    "string", 'mean')), 1, "float", "custom")
_POISSON_NLL_LOSS = OpRow("poisson_nll_loss", ('x', 'target'), 2, False, (("log_input", "bool",
    True), ("eps", "float", 1e-08), ("reduction", "string", 'mean')), 1, "float", "custom")
_HINGE_LOSS = OpRow("hinge_loss", ('x', 'target'), 2, False, (("reduction", "string", 'mean'),),
    1, "float", "custom")
_HINGE_EMBEDDING_LOSS = OpRow("hinge_embedding_loss", ('x', 'target'), 2, False, (("margin",
    "float", 1.0), ("reduction", "string", 'mean')), 1, "float", "custom")
_SOFT_MARGIN_LOSS = OpRow("soft_margin_loss", ('x', 'target'), 2, False, (("reduction", "string",
    'mean'),), 1, "float", "custom")
_MARGIN_RANKING_LOSS = OpRow("margin_ranking_loss", ('x1', 'x2', 'target'), 3, False, (("margin",
    "float", 0.0), ("reduction", "string", 'mean')), 1, "float", "custom")
_NLL_LOSS = OpRow("nll_loss", ('x', 'target', 'weight'), 2, False, (("ignore_index", "int", -100),
    ("reduction", "string", 'mean')), 1, "float_first", "custom")
_CROSS_ENTROPY = OpRow("cross_entropy", ('x', 'target', 'weight'), 2, False, (("ignore_index",
    "int", -100), ("label_smoothing", "float", 0.0), ("reduction", "string", 'mean')), 1,
    "float_first", "custom")
_SGD = OpRow("sgd", ('parameter', 'gradient', 'rate'), 3, False, (("weight_decay", "float",
    0.0),), 1, "custom", "custom")
_SGD_MOMENTUM = OpRow("sgd_momentum", ('parameter', 'gradient', 'velocity', 'rate', 'step'), 4,
    False, (("momentum", "float", 0.9), ("dampening", "float", 0.0), ("weight_decay", "float",
    0.0), ("nesterov", "bool", False)), 2, "custom", "custom")
_ADAM = OpRow("adam", ('parameter', 'gradient', 'mean', 'square', 'rate', 'step'), 6, False,
    (("beta1", "float", 0.9), ("beta2", "float", 0.999), ("eps", "float", 1e-08), ("weight_decay",
    "float", 0.0)), 3, "custom", "custom")
_ADAMW = OpRow("adamw", ('parameter', 'gradient', 'mean', 'square', 'rate', 'step'), 6, False,
    (("beta1", "float", 0.9), ("beta2", "float", 0.999), ("eps", "float", 1e-08), ("weight_decay",
    "float", 0.01)), 3, "custom", "custom")
_DIM_VALUE = OpRow("dim_value", (), 0, False, (("value", "dims", REQUIRED),), 1, "custom",
    "scalar")
_DETACH = OpRow("detach", ('x',), 1, False, (), 1, "first", "same")
_CONTIGUOUS = OpRow("contiguous", ('x',), 1, False, (), 1, "first", "same")
_COPY = OpRow("copy", ('x',), 1, False, (("device", "int", REQUIRED),), 1, "first", "same")


def neg(x: Operand) -> Tensor:
    """-x. Integers wrap; bool is refused."""
    return elementwise(_NEG, x)


def abs(x: Operand) -> Tensor:
    """|x|; the gradient at 0 is 0. |MIN| of integers wraps to MIN."""
    return elementwise(_ABS, x)


def sqrt(x: Operand) -> Tensor:
    """The square root, correctly rounded; NaN below 0."""
    return elementwise(_SQRT, x)


def floor(x: Operand) -> Tensor:
    """The largest integer that is not above x. Integers stay."""
    return elementwise(_FLOOR, x)


def ceil(x: Operand) -> Tensor:
    """The smallest integer that is not below x. Integers stay."""
    return elementwise(_CEIL, x)


def trunc(x: Operand) -> Tensor:
    """x without its fraction. Integers stay."""
    return elementwise(_TRUNC, x)


def round(x: Operand) -> Tensor:
    """The nearest integer, halves to the even one. Integers stay."""
    return elementwise(_ROUND, x)


def exp(x: Operand) -> Tensor:
    """e to the x."""
    return elementwise(_EXP, x)


def exp2(x: Operand) -> Tensor:
    """2 to the x."""
    return elementwise(_EXP2, x)


def expm1(x: Operand) -> Tensor:
    """exp(x) - 1, precise near 0."""
    return elementwise(_EXPM1, x)


def log(x: Operand) -> Tensor:
    """The natural logarithm; -inf at 0, NaN below."""
    return elementwise(_LOG, x)


def log2(x: Operand) -> Tensor:
    """The logarithm to the base 2."""
    return elementwise(_LOG2, x)


def log10(x: Operand) -> Tensor:
    """The logarithm to the base 10."""
    return elementwise(_LOG10, x)


def log1p(x: Operand) -> Tensor:
    """log(1 + x), precise near 0."""
    return elementwise(_LOG1P, x)


def erf(x: Operand) -> Tensor:
    """The error function."""
    return elementwise(_ERF, x)


def erfc(x: Operand) -> Tensor:
    """1 - erf(x), precise for large x."""
    return elementwise(_ERFC, x)


def sin(x: Operand) -> Tensor:
    """The sine of an angle in radians."""
    return elementwise(_SIN, x)


def cos(x: Operand) -> Tensor:
    """The cosine of an angle in radians."""
    return elementwise(_COS, x)


def tan(x: Operand) -> Tensor:
    """The tangent of an angle in radians."""
    return elementwise(_TAN, x)


def asin(x: Operand) -> Tensor:
    """The angle in -pi/2..pi/2 whose sine is x; NaN beyond -1..1."""
    return elementwise(_ASIN, x)


def acos(x: Operand) -> Tensor:
    """The angle in 0..pi whose cosine is x; NaN beyond -1..1."""
    return elementwise(_ACOS, x)


def atan(x: Operand) -> Tensor:
    """The angle in -pi/2..pi/2 whose tangent is x."""
    return elementwise(_ATAN, x)


def sinh(x: Operand) -> Tensor:
    """The hyperbolic sine."""
    return elementwise(_SINH, x)


def cosh(x: Operand) -> Tensor:
    """The hyperbolic cosine."""
    return elementwise(_COSH, x)


def tanh(x: Operand) -> Tensor:
    """The hyperbolic tangent."""
    return elementwise(_TANH, x)


def asinh(x: Operand) -> Tensor:
    """The inverse of sinh."""
    return elementwise(_ASINH, x)


def acosh(x: Operand) -> Tensor:
    """The inverse of cosh; NaN below 1."""
    return elementwise(_ACOSH, x)


def atanh(x: Operand) -> Tensor:
    """The inverse of tanh; infinite at -1 and 1."""
    return elementwise(_ATANH, x)


def square(x: Operand) -> Tensor:
    """x * x."""
    return elementwise(_SQUARE, x)


def reciprocal(x: Operand) -> Tensor:
    """1 / x."""
    return elementwise(_RECIPROCAL, x)


def rsqrt(x: Operand) -> Tensor:
    """1 / sqrt(x)."""
    return elementwise(_RSQRT, x)


def cbrt(x: Operand) -> Tensor:
    """The cube root, of negative numbers too."""
    return elementwise(_CBRT, x)


def sign(x: Operand) -> Tensor:
    """-1, 0 or 1; NaN stays NaN."""
    return elementwise(_SIGN, x)


def exp10(x: Operand) -> Tensor:
    """10 to the x."""
    return elementwise(_EXP10, x)


def degrees(x: Operand) -> Tensor:
    """An angle of radians in degrees."""
    return elementwise(_DEGREES, x)


def radians(x: Operand) -> Tensor:
    """An angle of degrees in radians."""
    return elementwise(_RADIANS, x)


def frac(x: Operand) -> Tensor:
    """What trunc drops, with the sign of x."""
    return elementwise(_FRAC, x)


def sinc(x: Operand) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    return elementwise(_SINC, x)


def isnan(x: Operand) -> Tensor:
    """Whether x is NaN."""
    return elementwise(_ISNAN, x)


def isinf(x: Operand) -> Tensor:
    """Whether x is infinite."""
    return elementwise(_ISINF, x)


def isposinf(x: Operand) -> Tensor:
    """Whether x is positive infinity."""
    return elementwise(_ISPOSINF, x)


def isneginf(x: Operand) -> Tensor:
    """Whether x is negative infinity."""
    return elementwise(_ISNEGINF, x)


def isfinite(x: Operand) -> Tensor:
    """Whether x is neither infinite nor NaN."""
    return elementwise(_ISFINITE, x)


def signbit(x: Operand) -> Tensor:
    """Whether the sign bit is set: negative numbers and -0."""
    return elementwise(_SIGNBIT, x)


def frexp(x: Operand) -> tuple[Tensor, Tensor]:
    """x as mantissa * 2^exponent: a mantissa of 0.5 <= |mantissa| < 1, and the exponent as i32. 0,
    infinities and NaN are their own mantissas, with the exponent 0.
    """
    return apply(_FREXP, (x,), ())  # type: ignore[return-value]


def ldexp(x: Operand, exponent: Operand) -> Tensor:
    """x * 2^exponent, rounded once.

    exponent: integers
    """
    return elementwise(_LDEXP, x, exponent)


def modf(x: Operand) -> tuple[Tensor, Tensor]:
    """The fraction of x and its whole part, both with the sign of x."""
    return apply(_MODF, (x,), ())  # type: ignore[return-value]


def spacing(x: Operand) -> Tensor:
    """The distance from x to the next float away from 0, with the sign of x; NaN where x is not
    finite.
    """
    return elementwise(_SPACING, x)


def nextafter(x: Operand, to: Operand) -> Tensor:
    """The float after x in the direction of `to`; `to` itself where they are equal. Its gradient
    is x's.
    """
    return elementwise(_NEXTAFTER, x, to)


def nan_to_num(
    x: Operand,
    *,
    nan: float | None = None,
    posinf: float | None = None,
    neginf: float | None = None,
) -> Tensor:
    """x with numbers in the place of NaN and infinities, through which no gradient flows.

    nan: what stands for NaN
    posinf: for inf; the largest number when absent
    neginf: for -inf; the least number when absent
    """
    return apply(_NAN_TO_NUM, (x,), (nan, posinf, neginf,))[0]


def add(a: Operand, b: Operand) -> Tensor:
    """a + b. Integers wrap; on bool it is `bitor`."""
    return elementwise(_ADD, a, b)


def sub(a: Operand, b: Operand) -> Tensor:
    """a - b. Integers wrap; bool is refused."""
    return elementwise(_SUB, a, b)


def mul(a: Operand, b: Operand) -> Tensor:
    """a * b. Integers wrap; on bool it is `bitand`."""
    return elementwise(_MUL, a, b)


def div(a: Operand, b: Operand) -> Tensor:
    """a / b as IEEE floats; integers give f32."""
    return elementwise(_DIV, a, b)


def floordiv(a: Operand, b: Operand) -> Tensor:
    """floor(a / b). On integers x // 0 is 0 and MIN // -1 wraps."""
    return elementwise(_FLOORDIV, a, b)


def floormod(a: Operand, b: Operand) -> Tensor:
    """a - floor(a / b) * b, with the sign of b (Python's %). On integers x % 0 is 0."""
    return elementwise(_FLOORMOD, a, b)


def truncdiv(a: Operand, b: Operand) -> Tensor:
    """a / b rounded toward 0 (C's integer division). On integers x / 0 is 0."""
    return elementwise(_TRUNCDIV, a, b)


def truncrem(a: Operand, b: Operand) -> Tensor:
    """The remainder of truncdiv, with the sign of a (C's %, numpy's fmod)."""
    return elementwise(_TRUNCREM, a, b)


def minimum(a: Operand, b: Operand) -> Tensor:
    """The smaller of a and b; NaN if either is; -0 is below +0."""
    return elementwise(_MINIMUM, a, b)


def maximum(a: Operand, b: Operand) -> Tensor:
    """The larger of a and b; NaN if either is; +0 is above -0."""
    return elementwise(_MAXIMUM, a, b)


def pow(base: Operand, exponent: Operand) -> Tensor:
    """base to the power of exponent. Integers become `int_pow`."""
    return elementwise(_POW, base, exponent)


def copysign(magnitude: Operand, sign: Operand) -> Tensor:
    """The magnitude of one with the sign bit of the other."""
    return elementwise(_COPYSIGN, magnitude, sign)


def atan2(y: Operand, x: Operand) -> Tensor:
    """The angle of the point (x, y), in -pi..pi."""
    return elementwise(_ATAN2, y, x)


def int_pow(base: Operand, exponent: Operand) -> Tensor:
    """Integer powers; they wrap. A negative exponent gives 1 / base^n rounded toward 0, and 0 for
    a base of 0. What `pow` becomes on integers.
    """
    return elementwise(_INT_POW, base, exponent)


def logaddexp(a: Operand, b: Operand) -> Tensor:
    """log(exp(a) + exp(b)) without overflow."""
    return elementwise(_LOGADDEXP, a, b)


def logaddexp2(a: Operand, b: Operand) -> Tensor:
    """log2(2^a + 2^b) without overflow."""
    return elementwise(_LOGADDEXP2, a, b)


def fmax(a: Operand, b: Operand) -> Tensor:
    """The larger; where one is NaN, the other."""
    return elementwise(_FMAX, a, b)


def fmin(a: Operand, b: Operand) -> Tensor:
    """The smaller; where one is NaN, the other."""
    return elementwise(_FMIN, a, b)


def heaviside(x: Operand, at_zero: Operand) -> Tensor:
    """0 below 0, 1 above, at_zero there; NaN stays."""
    return elementwise(_HEAVISIDE, x, at_zero)


def hypot(a: Operand, b: Operand) -> Tensor:
    """sqrt(a * a + b * b) without overflow; infinite if either is."""
    return elementwise(_HYPOT, a, b)


def lerp(start: Operand, end: Operand, weight: Operand) -> Tensor:
    """start + (end - start) * weight."""
    return elementwise(_LERP, start, end, weight)


def eq(a: Operand, b: Operand) -> Tensor:
    """Whether a equals b."""
    return elementwise(_EQ, a, b)


def ne(a: Operand, b: Operand) -> Tensor:
    """Whether a differs from b; true for NaN."""
    return elementwise(_NE, a, b)


def lt(a: Operand, b: Operand) -> Tensor:
    """Whether a is below b."""
    return elementwise(_LT, a, b)


def le(a: Operand, b: Operand) -> Tensor:
    """Whether a is at most b."""
    return elementwise(_LE, a, b)


def gt(a: Operand, b: Operand) -> Tensor:
    """Whether a is above b."""
    return elementwise(_GT, a, b)


def ge(a: Operand, b: Operand) -> Tensor:
    """Whether a is at least b."""
    return elementwise(_GE, a, b)


def isclose(
    a: Operand,
    b: Operand,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool | None = None,
) -> Tensor:
    """Whether |a - b| <= atol + rtol * |b|. An infinity is close to itself alone.

    rtol: relative to |b|
    atol: absolute
    equal_nan: whether two NaN are close
    """
    return apply(_ISCLOSE, (a, b), (rtol, atol, equal_nan,))[0]


def bitand(a: Operand, b: Operand) -> Tensor:
    """The bits that are set in both. Integers and bool."""
    return elementwise(_BITAND, a, b)


def bitor(a: Operand, b: Operand) -> Tensor:
    """The bits that are set in either. Integers and bool."""
    return elementwise(_BITOR, a, b)


def bitxor(a: Operand, b: Operand) -> Tensor:
    """The bits that are set in one alone. Integers and bool."""
    return elementwise(_BITXOR, a, b)


def not_(x: Operand) -> Tensor:
    """Every bit of an integer turned; the contrary of a bool."""
    return elementwise(_NOT, x)


def shl(x: Operand, amount: Operand) -> Tensor:
    """x * 2^amount by shifting bits; 0 when the amount is the width or more, or negative."""
    return elementwise(_SHL, x, amount)


def shr(x: Operand, amount: Operand) -> Tensor:
    """x shifted right: signed integers keep their sign, which alone is left when the amount is the
    width or more.
    """
    return elementwise(_SHR, x, amount)


def bitwise_count(x: Operand) -> Tensor:
    """How many bits of |x| are set, in the dtype of x. Integers."""
    return elementwise(_BITWISE_COUNT, x)


def logical_and(a: Operand, b: Operand) -> Tensor:
    """Whether both differ from 0."""
    return elementwise(_LOGICAL_AND, a, b)


def logical_or(a: Operand, b: Operand) -> Tensor:
    """Whether either differs from 0."""
    return elementwise(_LOGICAL_OR, a, b)


def logical_xor(a: Operand, b: Operand) -> Tensor:
    """Whether exactly one differs from 0."""
    return elementwise(_LOGICAL_XOR, a, b)


def logical_not(x: Operand) -> Tensor:
    """Whether x is 0."""
    return elementwise(_LOGICAL_NOT, x)


def where(condition: Operand, a: Operand, b: Operand) -> Tensor:
    """a where condition is true, else b."""
    return elementwise(_WHERE, condition, a, b)


def fma(a: Operand, b: Operand, c: Operand) -> Tensor:
    """a * b + c, rounded once."""
    return elementwise(_FMA, a, b, c)


def clamp(x: Operand, low: Operand, high: Operand) -> Tensor:
    """x kept within low..high: minimum(maximum(x, low), high). NaN stays."""
    return elementwise(_CLAMP, x, low, high)


def masked_fill(x: Operand, mask: Operand, value: Operand) -> Tensor:
    """x with value where mask is true. Keeps the dtype of x.

    mask: bool
    value: cast to the dtype of x
    """
    return elementwise(_MASKED_FILL, x, mask, value)


def cast(x: Operand, *, dtype: DType) -> Tensor:
    """x in another dtype. Float to integer truncates, saturates and takes NaN to 0; integers wrap;
    to bool is != 0.

    dtype: of the result
    """
    return apply(_CAST, (x,), (dtype,))[0]


def bitcast(x: Operand, *, dtype: DType) -> Tensor:
    """The bits of x read as another dtype of the same width.

    dtype: of the same width
    """
    return apply(_BITCAST, (x,), (dtype,))[0]


def reduce(x: Operand, *, monoid: str, axes: Sequence[int]) -> Tensor:
    """x folded over axes in its own dtype. max and min propagate NaN, and their gradient is shared
    by ties. Nothing folded is 0, 1, the lowest, the highest, all bits, no bit.

    monoid: sum, prod, max, min, and, or
    axes: they vanish
    """
    return apply(_REDUCE, (x,), (monoid, axes,))[0]


def sum(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """The sum over axes. bool and small integers add up in i32 or u32, halves in f32.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    dtype: of the result
    """
    return apply(_SUM, (x,), (axes, keepdims, dtype,))[0]


def prod(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """The product over axes, in the dtype of x; on bool, whether all are true.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    dtype: of the result
    """
    return apply(_PROD, (x,), (axes, keepdims, dtype,))[0]


def max(x: Operand, *, axes: Sequence[int] | None = None, keepdims: bool | None = None) -> Tensor:
    """The largest over axes; NaN if one is there.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_MAX, (x,), (axes, keepdims,))[0]


def min(x: Operand, *, axes: Sequence[int] | None = None, keepdims: bool | None = None) -> Tensor:
    """The smallest over axes; NaN if one is there.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_MIN, (x,), (axes, keepdims,))[0]


def any(x: Operand, *, axes: Sequence[int] | None = None, keepdims: bool | None = None) -> Tensor:
    """Whether one along axes differs from 0.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_ANY, (x,), (axes, keepdims,))[0]


def all(x: Operand, *, axes: Sequence[int] | None = None, keepdims: bool | None = None) -> Tensor:
    """Whether all along axes differ from 0.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_ALL, (x,), (axes, keepdims,))[0]


def mean(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The arithmetic mean over axes; NaN of nothing.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_MEAN, (x,), (axes, keepdims,))[0]


def var(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    correction: float | None = None,
) -> Tensor:
    """The variance over axes: squared deviations from the mean, by the count less correction.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    correction: taken off the count: 1 for a sample, 0 for all there is
    """
    return apply(_VAR, (x,), (axes, keepdims, correction,))[0]


def std(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    correction: float | None = None,
) -> Tensor:
    """The square root of var; its gradient where it is 0 is 0.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    correction: taken off the count: 1 for a sample, 0 for all there is
    """
    return apply(_STD, (x,), (axes, keepdims, correction,))[0]


def var_mean(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """var and mean over the same axes.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    correction: taken off the count: 1 for a sample, 0 for all there is
    """
    return apply(_VAR_MEAN, (x,), (axes, keepdims, correction,))  # type: ignore[return-value]


def std_mean(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]:
    """std and mean over the same axes.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    correction: taken off the count: 1 for a sample, 0 for all there is
    """
    return apply(_STD_MEAN, (x,), (axes, keepdims, correction,))  # type: ignore[return-value]


def argmax(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The position of the first NaN, else of the first maximum, in row-major order over axes.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_ARGMAX, (x,), (axes, keepdims,))[0]


def argmin(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """The position of the first NaN, else of the first minimum, in row-major order over axes.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_ARGMIN, (x,), (axes, keepdims,))[0]


def logsumexp(
    x: Operand,
    *,
    axes: Sequence[int] | None = None,
    keepdims: bool | None = None,
) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow; -inf of nothing.

    axes: which; all when absent
    keepdims: keep the axes with a dim of 1
    """
    return apply(_LOGSUMEXP, (x,), (axes, keepdims,))[0]


def reshape(x: Operand, *, dims: Sequence[Dim]) -> Tensor:
    """The elements of x in row-major order under other dims.

    dims: as many elements as x
    """
    return apply(_RESHAPE, (x,), (dims,))[0]


def permute(x: Operand, *, order: Sequence[int]) -> Tensor:
    """x with its axes in another order.

    order: axis i of the result is axis order[i] of x
    """
    return apply(_PERMUTE, (x,), (order,))[0]


def expand(x: Operand, *, dims: Sequence[Dim]) -> Tensor:
    """x repeated along axes of 1. See broadcast_to for a higher rank.

    dims: of the rank of x; dims of 1 grow
    """
    return apply(_EXPAND, (x,), (dims,))[0]


def pad(x: Operand, *, low: Sequence[Dim], high: Sequence[Dim]) -> Tensor:
    """x between zeros (false for bool). See pad_value and pad_mode for other fillings.

    low: zeros before, per axis
    high: zeros after, per axis
    """
    return apply(_PAD, (x,), (low, high,))[0]


def shrink(x: Operand, *, low: Sequence[Dim], dims: Sequence[Dim]) -> Tensor:
    """A contiguous part of x.

    low: where the part starts, per axis
    dims: of the part
    """
    return apply(_SHRINK, (x,), (low, dims,))[0]


def flip(x: Operand, *, axes: Sequence[int]) -> Tensor:
    """x with axes in reverse order.

    axes: turned around
    """
    return apply(_FLIP, (x,), (axes,))[0]


def stride(x: Operand, *, steps: Sequence[int]) -> Tensor:
    """Every steps[i]-th element of axis i, the first included.

    steps: >= 1, per axis
    """
    return apply(_STRIDE, (x,), (steps,))[0]


def window(
    x: Operand,
    *,
    axes: Sequence[int],
    sizes: Sequence[int],
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
) -> Tensor:
    """Sliding windows of x: a windowed axis becomes the count of windows, and the elements of a
    window are axes at the end, in order.

    axes: windowed
    sizes: elements of a window, per windowed axis
    strides: from window to window; 1 when empty
    dilations: from element to element; 1 when empty
    """
    return apply(_WINDOW, (x,), (axes, sizes, strides, dilations,))[0]


def dilate(x: Operand, *, factors: Sequence[int]) -> Tensor:
    """x with factor - 1 zeros between neighbours.

    factors: >= 1, per axis
    """
    return apply(_DILATE, (x,), (factors,))[0]


def broadcast_to(x: Operand, *, dims: Sequence[Dim]) -> Tensor:
    """x repeated to dims, by numpy's rules.

    dims: of the result
    """
    return apply(_BROADCAST_TO, (x,), (dims,))[0]


def transpose(x: Operand, *, axis0: int | None = None, axis1: int | None = None) -> Tensor:
    """Two axes swapped, the last two by default.

    axis0: swapped with axis1
    """
    return apply(_TRANSPOSE, (x,), (axis0, axis1,))[0]


def squeeze(x: Operand, *, axes: Sequence[int] | None = None) -> Tensor:
    """Axes of 1 taken away.

    axes: of dim 1; all such when absent
    """
    return apply(_SQUEEZE, (x,), (axes,))[0]


def unsqueeze(x: Operand, *, axes: Sequence[int]) -> Tensor:
    """Axes of 1 inserted.

    axes: of dim 1, counted in the result
    """
    return apply(_UNSQUEEZE, (x,), (axes,))[0]


def flatten(x: Operand, *, start: int | None = None, end: int | None = None) -> Tensor:
    """Neighbouring axes merged into one; a number becomes one element.

    start: first axis merged
    end: last axis merged
    """
    return apply(_FLATTEN, (x,), (start, end,))[0]


def cat(tensors: Sequence[Operand], *, axis: int | None = None) -> Tensor:
    """Tensors one after the other along an axis.

    axis: along which they follow each other
    """
    return apply(_CAT, (*tensors,), (axis,))[0]


def stack(tensors: Sequence[Operand], *, axis: int | None = None) -> Tensor:
    """Tensors side by side along a new axis.

    tensors: of equal dims
    axis: new, counted in the result
    """
    return apply(_STACK, (*tensors,), (axis,))[0]


def pad_value(x: Operand, *, low: Sequence[Dim], high: Sequence[Dim], value: float) -> Tensor:
    """x between copies of a value.

    low: elements before, per axis
    high: elements after, per axis
    value: cast to the dtype of x
    """
    return apply(_PAD_VALUE, (x,), (low, high, value,))[0]


def pad_mode(x: Operand, *, low: Sequence[Dim], high: Sequence[Dim], mode: str) -> Tensor:
    """x continued beyond its edges by its own elements.

    low: elements before, per axis
    high: elements after, per axis
    mode: reflect (the edge once), replicate, circular
    """
    return apply(_PAD_MODE, (x,), (low, high, mode,))[0]


def roll(x: Operand, *, shifts: Sequence[int], axes: Sequence[int]) -> Tensor:
    """x shifted around: what leaves at one end enters at the other.

    shifts: per axis named, toward higher positions
    axes: rolled
    """
    return apply(_ROLL, (x,), (shifts, axes,))[0]


def tile(x: Operand, *, repeats: Sequence[int]) -> Tensor:
    """x as a whole, several times along each axis.

    repeats: per axis, aligned at the last
    """
    return apply(_TILE, (x,), (repeats,))[0]


def repeat_interleave(x: Operand, *, repeats: int, axis: int | None = None) -> Tensor:
    """Every element of an axis several times in a row.

    repeats: of every element
    axis: along which they repeat
    """
    return apply(_REPEAT_INTERLEAVE, (x,), (repeats, axis,))[0]


def triu(x: Operand, *, diagonal: int | None = None) -> Tensor:
    """The upper triangle of the last two axes, zeros below.

    diagonal: the lowest kept; 1 is above the main one
    """
    return apply(_TRIU, (x,), (diagonal,))[0]


def tril(x: Operand, *, diagonal: int | None = None) -> Tensor:
    """The lower triangle of the last two axes, zeros above.

    diagonal: the highest kept; -1 is below the main one
    """
    return apply(_TRIL, (x,), (diagonal,))[0]


def diag(x: Operand) -> Tensor:
    """The square matrix with x on its diagonal and zeros elsewhere.

    x: a vector
    """
    return apply(_DIAG, (x,), ())[0]


def diagonal(
    x: Operand,
    *,
    offset: int | None = None,
    axis0: int | None = None,
    axis1: int | None = None,
) -> Tensor:
    """The diagonal of two axes, as the last axis of the result.

    offset: above (positive) or below the main diagonal
    axis0: rows
    axis1: columns
    """
    return apply(_DIAGONAL, (x,), (offset, axis0, axis1,))[0]


def iota(
    *,
    dims: Sequence[Dim],
    axis: int | None = None,
    dtype: DType | None = None,
    device: int = 0,
) -> Tensor:
    """Every element's coordinate on an axis.

    dims: of the result
    axis: counted along
    dtype: of the result
    """
    return apply(_IOTA, (), (dims, axis, dtype,), device)[0]


def full(*, value: float, dims: Sequence[Dim], dtype: DType, device: int = 0) -> Tensor:
    """One value everywhere.

    value: cast to dtype
    dims: of the result
    dtype: of the result
    """
    return apply(_FULL, (), (value, dims, dtype,), device)[0]


def zeros(*, dims: Sequence[Dim], dtype: DType | None = None, device: int = 0) -> Tensor:
    """0 everywhere.

    dims: of the result
    dtype: of the result
    """
    return apply(_ZEROS, (), (dims, dtype,), device)[0]


def ones(*, dims: Sequence[Dim], dtype: DType | None = None, device: int = 0) -> Tensor:
    """1 everywhere.

    dims: of the result
    dtype: of the result
    """
    return apply(_ONES, (), (dims, dtype,), device)[0]


def full_like(x: Operand, *, value: float, dtype: DType | None = None) -> Tensor:
    """One value in the shape of x.

    x: gives dims, and dtype unless that is given
    value: cast to the dtype
    dtype: of the result; of x when absent
    """
    return apply(_FULL_LIKE, (x,), (value, dtype,))[0]


def arange(
    *,
    dims: Sequence[Dim],
    start: float | None = None,
    step: float | None = None,
    dtype: DType | None = None,
    device: int = 0,
) -> Tensor:
    """start, start + step, ..: element i is start + i * step, rounded after each. A client that
    has a stop sends dims = [ceil((stop - start) / step)].

    dims: of the result
    start: the first element
    step: from element to element
    dtype: of the result
    """
    return apply(_ARANGE, (), (dims, start, step, dtype,), device)[0]


def linspace(
    *,
    dims: Sequence[Dim],
    start: float,
    stop: float,
    dtype: DType | None = None,
    device: int = 0,
) -> Tensor:
    """Evenly spaced from start to stop, both included.

    dims: of the result
    start: the first element
    stop: the last element
    dtype: of the result
    """
    return apply(_LINSPACE, (), (dims, start, stop, dtype,), device)[0]


def eye(
    *,
    dims: Sequence[Dim],
    diagonal: int | None = None,
    dtype: DType | None = None,
    device: int = 0,
) -> Tensor:
    """1 on a diagonal, 0 elsewhere.

    dims: [rows, columns]
    diagonal: above (positive) or below the main one
    dtype: of the result
    """
    return apply(_EYE, (), (dims, diagonal, dtype,), device)[0]


def random_bits(
    key: Operand,
    counter: Operand,
    *,
    dims: Sequence[Dim],
    dtype: DType | None = None,
) -> Tensor:
    """Random bits: the two words of Threefry-2x32(key, counter + i) one after the other for u64,
    their exclusive or for narrower dtypes.

    key: u32[2]
    counter: u64, of the first element
    dims: of the result
    dtype: unsigned
    """
    return apply(_RANDOM_BITS, (key, counter), (dims, dtype,))[0]


def uniform(
    key: Operand,
    counter: Operand,
    *,
    dims: Sequence[Dim],
    low: float | None = None,
    high: float | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Floats from low to high, evenly spread: as many random bits as the mantissa has.

    key: u32[2]
    counter: u64, of the first element
    dims: of the result
    low: the least
    high: the bound (reached by rounding at most)
    dtype: of the result
    """
    return apply(_UNIFORM, (key, counter), (dims, low, high, dtype,))[0]


def normal(
    key: Operand,
    counter: Operand,
    *,
    dims: Sequence[Dim],
    mean: float | None = None,
    std: float | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Normally distributed floats by Box-Muller: one word of an element's block is the radius, the
    other the angle.

    key: u32[2]
    counter: u64, of the first element
    dims: of the result
    std: standard deviation
    dtype: of the result
    """
    return apply(_NORMAL, (key, counter), (dims, mean, std, dtype,))[0]


def integers(
    key: Operand,
    counter: Operand,
    *,
    dims: Sequence[Dim],
    high: int,
    low: int | None = None,
    dtype: DType | None = None,
) -> Tensor:
    """Integers from low up to high, high excluded: 64 random bits modulo their count.

    key: u32[2]
    counter: u64, of the first element
    dims: of the result
    low: the least
    high: one above the greatest
    dtype: of the result
    """
    return apply(_INTEGERS, (key, counter), (dims, low, high, dtype,))[0]


def permutation(
    key: Operand,
    counter: Operand,
    *,
    dims: Sequence[Dim],
    dtype: DType | None = None,
) -> Tensor:
    """0 .. n - 1 in random order: the stable argsort of n random numbers. Ranks are counted, n * n
    comparisons.

    key: u32[2]
    counter: u64, of the first element
    dims: of the result
    dtype: of the result
    """
    return apply(_PERMUTATION, (key, counter), (dims, dtype,))[0]


def gather(x: Operand, index: Operand, *, axis: int) -> Tensor:
    """Elements of x at an index along one axis: out[i][j] = x[index[i][j]][j] for axis 0. The
    result has index's dims. Positions outside x, negative ones included, read zero. As
    torch.gather, which refuses those.

    index: integers; except along axis no longer than x
    axis: where the index applies
    """
    return apply(_GATHER, (x, index), (axis,))[0]


def scatter(
    base: Operand,
    index: Operand,
    updates: Operand,
    *,
    axis: int,
    mode: str | None = None,
) -> Tensor:
    """base with updates put in at an index along one axis: out[index[i][j]][j] = updates[i][j] for
    axis 0, or added, or the larger or smaller of both. The result has base's dims. Positions
    outside base are left out; of several updates at one place, set keeps the last and add adds
    in order. As torch.scatter and scatter_reduce.

    index: integers; except along axis no longer than base
    updates: base's dtype, index's dims
    axis: where the index applies
    mode: set, add, max or min
    """
    return apply(_SCATTER, (base, index, updates), (axis, mode,))[0]


def take(x: Operand, index: Operand, *, axis: int | None = None) -> Tensor:
    """Slices of x at the positions of an index, which replace one axis: x [A, n, B] and index [*i]
    give [A, *i, B]. Negative positions count from the end; those outside x read zero. As
    numpy.take.

    index: integers
    axis: the axis that index's dims replace
    """
    return apply(_TAKE, (x, index), (axis,))[0]


def one_hot(index: Operand, *, classes: int, dtype: DType | None = None) -> Tensor:
    """A row of zeros with a one at each index: [*i] gives [*i, classes]. An index outside 0 ..
    classes - 1 gives zeros only.

    index: integers
    classes: length of the new last axis
    dtype: of the result
    """
    return apply(_ONE_HOT, (index,), (classes, dtype,))[0]


def index(x: Operand, indices: Sequence[Operand], *, axis: int | None = None) -> Tensor:
    """Elements of x at several indices together, as x[:, i, j] does for axis 1: adjacent axes are
    replaced by the dims that the indices broadcast to. Negative positions count from the end;
    an element with any position outside x reads zero.

    indices: integers, one per axis from `axis` on; they broadcast
    axis: the first axis that is indexed
    """
    return apply(_INDEX, (x, *indices,), (axis,))[0]


def index_put(
    x: Operand,
    values: Operand,
    indices: Sequence[Operand],
    *,
    axis: int | None = None,
    mode: str | None = None,
) -> Tensor:
    """x with values put in at several indices together: x[:, i, j] = values for axis 1, or added,
    or the larger or smaller of both. Elements are addressed as by index; those outside x are
    left out, and of several values at one place set keeps the last.

    values: x's dtype; broadcast to the elements that the indices select
    indices: integers, one per axis from `axis` on; they broadcast
    axis: the first axis that is indexed
    mode: set, add, max or min
    """
    return apply(_INDEX_PUT, (x, values, *indices,), (axis, mode,))[0]


def slice_update(
    x: Operand,
    y: Operand,
    starts: Sequence[Operand],
    *,
    start: Sequence[Dim] | None = None,
    axes: Sequence[int] | None = None,
) -> Tensor:
    """x with the block that begins at start replaced by y. A start may hold variables, or be
    computed: scalar inputs are added to it on `axes`, and elements of y that then fall outside
    x are left out. Donate x to write the block alone.

    y: x's dtype and rank
    starts: integer scalars, one for each of axes
    start: where y begins, one per axis; none: 0
    axes: axes to whose start the inputs add; none: the first
    """
    return apply(_SLICE_UPDATE, (x, y, *starts,), (start, axes,))[0]


def matmul(a: Operand, b: Operand) -> Tensor:
    """Matrix product. a [..., m, k] and b [..., k, n] give [..., m, n]; leading axes broadcast,
    and an operand of rank 1 is a row on the left, a column on the right, whose axis of 1
    vanishes. Halves accumulate in f32, integers in i32 or wider (and wrap). As numpy.matmul.

    a: [..., m, k], or [k]
    b: [..., k, n], or [k]
    """
    return apply(_MATMUL, (a, b), ())[0]


def dot(a: Operand, b: Operand) -> Tensor:
    """Sum over the last axis of a times the last axis but one of b (its only one for rank 1). The
    result has a's other axes, then b's, without broadcasting between them; a scalar multiplies.
    Accumulates as matmul does. As numpy.dot.

    a: [..., k], or a scalar
    b: [..., k, n], [k], or a scalar
    """
    return apply(_DOT, (a, b), ())[0]


def einsum(operands: Sequence[Operand], *, equation: str) -> Tensor:
    """Sum of products over named axes. Letters name the axes of each operand; those that the
    result does not name are summed. A letter twice in one operand takes its diagonal, "..."
    stands for leading axes that broadcast, and without "->" the result has the ellipsis and
    then the letters that occur once, in ASCII order. Three and more operands are contracted
    pairwise, in the order with the fewest multiplications. As numpy.einsum.

    equation: as numpy's: "bij,bjk->bik"
    """
    return apply(_EINSUM, (*operands,), (equation,))[0]


def outer(a: Operand, b: Operand) -> Tensor:
    """Outer product of the flattened inputs: [elements of a, elements of b]. As numpy.outer."""
    return apply(_OUTER, (a, b), ())[0]


def relu(x: Operand) -> Tensor:
    """max(x, 0). Its gradient at 0 is 0."""
    return elementwise(_RELU, x)


def relu6(x: Operand) -> Tensor:
    """min(max(x, 0), 6). Its gradient at 0 and 6 is 0."""
    return elementwise(_RELU6, x)


def leaky_relu(x: Operand, *, negative_slope: float | None = None) -> Tensor:
    """x where positive, else x * negative_slope.

    negative_slope: slope below 0
    """
    return apply(_LEAKY_RELU, (x,), (negative_slope,))[0]


def hardtanh(x: Operand, *, min: float | None = None, max: float | None = None) -> Tensor:
    """x held between min and max. Its gradient at both ends is 0.

    min: lower end
    max: upper end
    """
    return apply(_HARDTANH, (x,), (min, max,))[0]


def hardsigmoid(x: Operand, *, alpha: float | None = None, beta: float | None = None) -> Tensor:
    """alpha * x + beta held between 0 and 1.

    alpha: slope
    beta: value at 0
    """
    return apply(_HARDSIGMOID, (x,), (alpha, beta,))[0]


def hardswish(x: Operand) -> Tensor:
    """x * relu6(x + 3) / 6."""
    return elementwise(_HARDSWISH, x)


def threshold(x: Operand, *, threshold: float, value: float) -> Tensor:
    """x where above threshold, else value.

    threshold: up to which x is replaced
    value: the replacement
    """
    return apply(_THRESHOLD, (x,), (threshold, value,))[0]


def softshrink(x: Operand, *, lambda_: float | None = None) -> Tensor:
    """x moved towards 0 by lambda, 0 where it would pass it.

    lambda_: how far x moves towards 0
    """
    return apply(_SOFTSHRINK, (x,), (lambda_,))[0]


def hardshrink(x: Operand, *, lambda_: float | None = None) -> Tensor:
    """x where its magnitude is above lambda, else 0.

    lambda_: up to which x becomes 0
    """
    return apply(_HARDSHRINK, (x,), (lambda_,))[0]


def elu(x: Operand, *, alpha: float | None = None) -> Tensor:
    """x where positive, else alpha * (exp(x) - 1).

    alpha: the negative limit
    """
    return apply(_ELU, (x,), (alpha,))[0]


def celu(x: Operand, *, alpha: float | None = None) -> Tensor:
    """x where positive, else alpha * (exp(x / alpha) - 1).

    alpha: the negative limit, not 0
    """
    return apply(_CELU, (x,), (alpha,))[0]


def selu(x: Operand, *, alpha: float | None = None, gamma: float | None = None) -> Tensor:
    """gamma * (x where positive, else alpha * (exp(x) - 1)): the self-normalising elu.

    alpha: the negative limit before scaling
    gamma: the scale
    """
    return apply(_SELU, (x,), (alpha, gamma,))[0]


def sigmoid(x: Operand) -> Tensor:
    """1 / (1 + exp(-x))."""
    return elementwise(_SIGMOID, x)


def logsigmoid(x: Operand) -> Tensor:
    """log(sigmoid(x)), exact far from 0 too."""
    return elementwise(_LOGSIGMOID, x)


def softplus(x: Operand, *, beta: float | None = None) -> Tensor:
    """log(1 + exp(beta * x)) / beta, without overflow.

    beta: sharpness, not 0
    """
    return apply(_SOFTPLUS, (x,), (beta,))[0]


def softsign(x: Operand) -> Tensor:
    """x / (1 + |x|)."""
    return elementwise(_SOFTSIGN, x)


def silu(x: Operand) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return elementwise(_SILU, x)


def mish(x: Operand) -> Tensor:
    """x * tanh(softplus(x))."""
    return elementwise(_MISH, x)


def gelu(x: Operand, *, approximate: str | None = None) -> Tensor:
    """x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh.

    approximate: none: by erf; tanh: by tanh
    """
    return apply(_GELU, (x,), (approximate,))[0]


def quick_gelu(x: Operand) -> Tensor:
    """x * sigmoid(1.702 * x)."""
    return elementwise(_QUICK_GELU, x)


def tanhshrink(x: Operand) -> Tensor:
    """x - tanh(x)."""
    return elementwise(_TANHSHRINK, x)


def linear(x: Operand, weight: Operand, bias: Operand | None = None) -> Tensor:
    """x @ weight.T + bias: [..., in] gives [..., out]. Halves accumulate in f32, the bias
    included. As torch.nn.functional.linear.

    x: [..., in]
    weight: [out, in]
    bias: [out]
    """
    return apply(_LINEAR, (x, weight, bias), ())[0]


def prelu(x: Operand, weight: Operand) -> Tensor:
    """x where positive, else x * weight, one slope for all or one per channel. As
    torch.nn.functional.prelu.

    x: [N, C, *]
    weight: one number, or [C]
    """
    return apply(_PRELU, (x, weight), ())[0]


def glu(x: Operand, *, axis: int | None = None) -> Tensor:
    """The first half of an axis times the sigmoid of the second. As torch.nn.functional.glu.

    axis: which is halved: values, then gates
    """
    return apply(_GLU, (x,), (axis,))[0]


def embedding(weight: Operand, index: Operand) -> Tensor:
    """Rows of a table: weight [V, D] and index [*i] give [*i, D]. An index outside 0 .. V-1 reads
    zeros. As torch.nn.functional.embedding.

    weight: [V, D]
    index: integers, [*i]
    """
    return apply(_EMBEDDING, (weight, index), ())[0]


def dropout(x: Operand, key: Operand, counter: Operand, *, p: float | None = None) -> Tensor:
    """x / (1 - p) where uniform(key, counter) of x's dims is at least p, else 0. Draws as many
    numbers as x has elements. As torch.nn.functional.dropout while training.

    key: u32[2]
    counter: u64, of the first element
    p: probability that an element becomes 0
    """
    return apply(_DROPOUT, (x, key, counter), (p,))[0]


def conv(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    *,
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int | None = None,
) -> Tensor:
    """Convolution (cross-correlation) over any number of spatial axes. x [N, C, *d] and weight [O,
    C/groups, *k] give [N, O, *r] with r = (d + low + high - dilation*(k-1) - 1) // stride + 1.
    Halves accumulate in f32. As torch.nn.functional.conv1d, 2d, 3d.

    x: [N, C, *d]
    weight: [O, C/groups, *k]
    bias: [O]
    stride: one for all spatial axes, or one each
    padding: zeros around: one for all, one each, or low and high of each axis in turn
    dilation: one for all spatial axes, or one each
    groups: channels are split into that many independent parts
    """
    return apply(_CONV, (x, weight, bias), (stride, padding, dilation, groups,))[0]


def conv_transpose(
    x: Operand,
    weight: Operand,
    bias: Operand | None = None,
    *,
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    output_padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    groups: int | None = None,
) -> Tensor:
    """Transposed convolution: the gradient of conv in its input. x [N, C, *d] and weight [C,
    O/groups, *k] give [N, O, *r] with r = (d-1)*stride - low - high + dilation*(k-1) +
    output_padding + 1. As torch.nn.functional.conv_transpose1d, 2d, 3d.

    x: [N, C, *d]
    weight: [C, O/groups, *k]
    bias: [O]
    stride: one for all spatial axes, or one each
    padding: taken off: as of the convolution that this inverts
    output_padding: more elements at the high end
    dilation: one for all spatial axes, or one each
    groups: channels are split into that many independent parts
    """
    return apply(_CONV_TRANSPOSE, (x, weight, bias), (stride, padding, output_padding, dilation, groups,))[0]


def max_pool(
    x: Operand,
    *,
    kernel: Sequence[int],
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    ceil_mode: bool | None = None,
) -> Tensor:
    """The largest element of each window over the last axes: [..., *d] gives [..., *r] with r as
    of conv. Padding is never the largest. The gradient goes to the largest, shared equally
    among equals. As torch.nn.functional.max_pool1d, 2d, 3d.

    x: [..., *d]
    kernel: sizes of the windows, one for each of the last axes
    stride: one for all, or one each; []: the kernel
    padding: one for all, one each, or low and high of each axis in turn
    dilation: one for all, or one each
    ceil_mode: windows that hang over the high end count too
    """
    return apply(_MAX_POOL, (x,), (kernel, stride, padding, dilation, ceil_mode,))[0]


def avg_pool(
    x: Operand,
    *,
    kernel: Sequence[int],
    stride: Sequence[int] | None = None,
    padding: Sequence[int] | None = None,
    dilation: Sequence[int] | None = None,
    ceil_mode: bool | None = None,
    count_include_pad: bool | None = None,
) -> Tensor:
    """The mean of each window over the last axes: [..., *d] gives [..., *r] with r as of conv.
    Padding counts as zeros, or with count_include_pad = false not at all; what ceil_mode adds
    never counts. As torch.nn.functional.avg_pool1d, 2d, 3d.

    x: [..., *d]
    kernel: sizes of the windows, one for each of the last axes
    stride: one for all, or one each; []: the kernel
    padding: one for all, one each, or low and high of each axis in turn
    dilation: one for all, or one each
    ceil_mode: windows that hang over the high end count too
    count_include_pad: whether padding counts in the mean
    """
    return apply(_AVG_POOL, (x,), (kernel, stride, padding, dilation, ceil_mode, count_include_pad,))[0]


def scaled_dot_product_attention(
    query: Operand,
    key: Operand,
    value: Operand,
    mask: Operand | None = None,
    *,
    is_causal: bool | None = None,
    scale: float | None = None,
    enable_gqa: bool | None = None,
) -> Tensor:
    """softmax(query @ key.T * scale + mask) @ value, in f32 for halves. Leading axes broadcast;
    the result is [..., L, V]. A row that may attend to nothing gives zeros. As
    torch.nn.functional.scaled_dot_product_attention.

    query: [..., L, E]
    key: [..., S, E]
    value: [..., S, V]
    mask: broadcasts to [..., L, S]; bool: true where to attend; float: added to the scores
    is_causal: row i attends to columns 0 .. i only
    scale: of the scores; none: 1/sqrt(E)
    enable_gqa: axis -3 of query is a multiple of that of key and value, whose heads are shared
    """
    return apply(_SCALED_DOT_PRODUCT_ATTENTION, (query, key, value, mask), (is_causal, scale, enable_gqa,))[0]


def softmax(x: Operand, *, axis: int | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along one axis, without overflow.

    axis: along which the results add up to 1
    """
    return apply(_SOFTMAX, (x,), (axis,))[0]


def log_softmax(x: Operand, *, axis: int | None = None) -> Tensor:
    """x - log(sum(exp(x))) along one axis, exact where softmax would be 0.

    axis: along which the exponentials add up to 1
    """
    return apply(_LOG_SOFTMAX, (x,), (axis,))[0]


def softmin(x: Operand, *, axis: int | None = None) -> Tensor:
    """softmax(-x) along one axis.

    axis: along which the results add up to 1
    """
    return apply(_SOFTMIN, (x,), (axis,))[0]


def layer_norm(
    x: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    *,
    axes: Sequence[int] | None = None,
    eps: float | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) over some axes, times weight plus bias along the same
    axes. Computes in f32 for halves; the result has x's dtype. As
    torch.nn.functional.layer_norm.

    weight: the dims of axes
    bias: the dims of axes
    axes: normalised together
    eps: added to the variance
    """
    return apply(_LAYER_NORM, (x, weight, bias), (axes, eps,))[0]


def rms_norm(
    x: Operand,
    weight: Operand | None = None,
    *,
    axes: Sequence[int] | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / sqrt(mean(x * x) + eps) over some axes, times weight along the same axes. Computes in
    f32 for halves. As torch.nn.functional.rms_norm.

    weight: the dims of axes
    axes: normalised together
    eps: added to the mean square
    """
    return apply(_RMS_NORM, (x, weight), (axes, eps,))[0]


def group_norm(
    x: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    *,
    groups: int,
    eps: float | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) over each group of channels of each item, times weight
    plus bias along the channels. As torch.nn.functional.group_norm.

    x: [N, C, ...]
    weight: [C]
    bias: [C]
    groups: of adjacent channels, normalised together
    eps: added to the variance
    """
    return apply(_GROUP_NORM, (x, weight, bias), (groups, eps,))[0]


def instance_norm(
    x: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    *,
    eps: float | None = None,
) -> Tensor:
    """(x - mean) / sqrt(variance + eps) over each channel of each item, times weight plus bias
    along the channels. As torch.nn.functional.instance_norm.

    x: [N, C, ...]
    weight: [C]
    bias: [C]
    eps: added to the variance
    """
    return apply(_INSTANCE_NORM, (x, weight, bias), (eps,))[0]


def batch_norm_training(
    x: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    *,
    axis: int | None = None,
    eps: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Batch normalisation by the batch's own moments: (x - mean) / sqrt(variance + eps) over all
    axes but the channels, times weight plus bias; then the mean and the variance (divided by
    the count), [C], in f32 for halves, for running averages.

    x: [N, C, ...]
    weight: [C]
    bias: [C]
    axis: the channels, C
    eps: added to the variance
    """
    return apply(_BATCH_NORM_TRAINING, (x, weight, bias), (axis, eps,))  # type: ignore[return-value]


def batch_norm(
    x: Operand,
    mean: Operand,
    variance: Operand,
    weight: Operand | None = None,
    bias: Operand | None = None,
    *,
    axis: int | None = None,
    eps: float | None = None,
) -> Tensor:
    """Batch normalisation by given moments: (x - mean) / sqrt(variance + eps), times weight plus
    bias along the channels. As torch.nn.functional.batch_norm with training = False.

    x: [N, C, ...]
    mean: [C]
    variance: [C]
    weight: [C]
    bias: [C]
    axis: the channels, C
    eps: added to the variance
    """
    return apply(_BATCH_NORM, (x, mean, variance, weight, bias), (axis, eps,))[0]


def normalize(
    x: Operand,
    *,
    p: float | None = None,
    axis: int | None = None,
    eps: float | None = None,
) -> Tensor:
    """x / max(norm(x), eps), with the p-norm along one axis. As torch.nn.functional.normalize.

    p: exponent of the norm, above 0; inf: the largest magnitude
    axis: along which a vector lies
    eps: the least divisor
    """
    return apply(_NORMALIZE, (x,), (p, axis, eps,))[0]


def mse_loss(x: Operand, target: Operand, *, reduction: str | None = None) -> Tensor:
    """(x - target)^2. As torch.nn.functional.mse_loss.

    target: broadcasts with x
    reduction: none, mean or sum
    """
    return apply(_MSE_LOSS, (x, target), (reduction,))[0]


def l1_loss(x: Operand, target: Operand, *, reduction: str | None = None) -> Tensor:
    """|x - target|. As torch.nn.functional.l1_loss.

    target: broadcasts with x
    reduction: none, mean or sum
    """
    return apply(_L1_LOSS, (x, target), (reduction,))[0]


def huber_loss(
    x: Operand,
    target: Operand,
    *,
    delta: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """d*d/2 up to delta, delta*(d - delta/2) beyond, of d = |x - target|. As
    torch.nn.functional.huber_loss.

    target: broadcasts with x
    delta: where the square ends
    reduction: none, mean or sum
    """
    return apply(_HUBER_LOSS, (x, target), (delta, reduction,))[0]


def smooth_l1_loss(
    x: Operand,
    target: Operand,
    *,
    beta: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """d*d/(2*beta) below beta, d - beta/2 from there on, of d = |x - target|. As
    torch.nn.functional.smooth_l1_loss.

    target: broadcasts with x
    beta: where the square ends; 0: l1_loss
    reduction: none, mean or sum
    """
    return apply(_SMOOTH_L1_LOSS, (x, target), (beta, reduction,))[0]


def binary_cross_entropy(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    *,
    reduction: str | None = None,
) -> Tensor:
    """-(target*log(x) + (1-target)*log(1-x)), logarithms held at -100. As
    torch.nn.functional.binary_cross_entropy.

    x: probabilities
    target: broadcasts with x
    weight: of each element; broadcasts
    reduction: none, mean or sum
    """
    return apply(_BINARY_CROSS_ENTROPY, (x, target, weight), (reduction,))[0]


def binary_cross_entropy_with_logits(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    pos_weight: Operand | None = None,
    *,
    reduction: str | None = None,
) -> Tensor:
    """binary_cross_entropy of sigmoid(x), exact for any x. As
    torch.nn.functional.binary_cross_entropy_with_logits.

    x: log-odds
    target: broadcasts with x
    weight: of each element; broadcasts
    pos_weight: of the part with target; broadcasts
    reduction: none, mean or sum
    """
    return apply(_BINARY_CROSS_ENTROPY_WITH_LOGITS, (x, target, weight, pos_weight), (reduction,))[0]


def kl_div(
    x: Operand,
    target: Operand,
    *,
    log_target: bool | None = None,
    reduction: str | None = None,
) -> Tensor:
    """target * (log(target) - x), 0 where target is 0. Its reduction may also be batchmean: the
    sum divided by the first dim. As torch.nn.functional.kl_div.

    x: logarithms of probabilities
    target: broadcasts with x
    log_target: whether target holds logarithms too
    reduction: none, mean or sum
    """
    return apply(_KL_DIV, (x, target), (log_target, reduction,))[0]


def poisson_nll_loss(
    x: Operand,
    target: Operand,
    *,
    log_input: bool | None = None,
    eps: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """exp(x) - target*x, or x - target*log(x + eps) without log_input. As
    torch.nn.functional.poisson_nll_loss with full = False.

    target: broadcasts with x
    log_input: whether x is the rate's logarithm
    eps: added to the rate before its logarithm
    reduction: none, mean or sum
    """
    return apply(_POISSON_NLL_LOSS, (x, target), (log_input, eps, reduction,))[0]


def hinge_loss(x: Operand, target: Operand, *, reduction: str | None = None) -> Tensor:
    """max(0, 1 - x*target).

    target: 1 or -1; broadcasts with x
    reduction: none, mean or sum
    """
    return apply(_HINGE_LOSS, (x, target), (reduction,))[0]


def hinge_embedding_loss(
    x: Operand,
    target: Operand,
    *,
    margin: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """x where target is 1, else max(0, margin - x). As torch.nn.functional.hinge_embedding_loss.

    x: distances
    target: 1 or -1; broadcasts with x
    margin: distance wanted where target is -1
    reduction: none, mean or sum
    """
    return apply(_HINGE_EMBEDDING_LOSS, (x, target), (margin, reduction,))[0]


def soft_margin_loss(x: Operand, target: Operand, *, reduction: str | None = None) -> Tensor:
    """log(1 + exp(-target*x)). As torch.nn.functional.soft_margin_loss.

    target: 1 or -1; broadcasts with x
    reduction: none, mean or sum
    """
    return apply(_SOFT_MARGIN_LOSS, (x, target), (reduction,))[0]


def margin_ranking_loss(
    x1: Operand,
    x2: Operand,
    target: Operand,
    *,
    margin: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """max(0, margin - target*(x1 - x2)). As torch.nn.functional.margin_ranking_loss.

    x2: broadcasts with x1
    target: 1: x1 should rank higher; -1: lower
    margin: by how much
    reduction: none, mean or sum
    """
    return apply(_MARGIN_RANKING_LOSS, (x1, x2, target), (margin, reduction,))[0]


def nll_loss(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    *,
    ignore_index: int | None = None,
    reduction: str | None = None,
) -> Tensor:
    """-weight[target] * x[target] for each item, 0 for items that are ignored or whose class does
    not exist; the mean divides by the weights of the others. As torch.nn.functional.nll_loss.

    x: [N, C, *d] or [C], logarithms of probabilities
    target: integers, [N, *d] or []
    weight: [C], of each class; gets no gradient
    ignore_index: a class whose items don't count
    reduction: none, mean or sum
    """
    return apply(_NLL_LOSS, (x, target, weight), (ignore_index, reduction,))[0]


def cross_entropy(
    x: Operand,
    target: Operand,
    weight: Operand | None = None,
    *,
    ignore_index: int | None = None,
    label_smoothing: float | None = None,
    reduction: str | None = None,
) -> Tensor:
    """-sum(weight * target * log_softmax(x)) over the classes, for each item. Integer targets name
    a class each; items that are ignored or whose class does not exist give 0, and the mean
    divides by the weights of the others. As torch.nn.functional.cross_entropy.

    x: [N, C, *d] or [C], unnormalised logarithms
    target: integers, [N, *d] or []; or probabilities, as x
    weight: [C], of each class; gets no gradient
    ignore_index: a class whose items don't count
    label_smoothing: how much of the target is spread evenly
    reduction: none, mean or sum
    """
    return apply(_CROSS_ENTROPY, (x, target, weight), (ignore_index, label_smoothing, reduction,))[0]


def sgd(
    parameter: Operand,
    gradient: Operand,
    rate: Operand,
    *,
    weight_decay: float | None = None,
) -> Tensor:
    """A step of gradient descent: parameter - rate * gradient. As torch.optim.SGD without
    momentum.

    gradient: the parameter's dims
    rate: the learning rate, a scalar
    weight_decay: adds that times the parameter to the gradient
    """
    return apply(_SGD, (parameter, gradient, rate), (weight_decay,))[0]


def sgd_momentum(
    parameter: Operand,
    gradient: Operand,
    velocity: Operand,
    rate: Operand,
    step: Operand | None = None,
    *,
    momentum: float | None = None,
    dampening: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
) -> tuple[Tensor, Tensor]:
    """A step of gradient descent with momentum: the new parameter and velocity. velocity' =
    momentum * velocity + (1 - dampening) * gradient; the parameter moves by -rate * velocity',
    or with nesterov by -rate * (gradient + momentum * velocity'). As torch.optim.SGD.

    gradient: the parameter's dims
    velocity: zeros at first
    rate: the learning rate, a scalar
    step: if given and 1, the velocity is the gradient
    momentum: how much of the velocity is kept
    dampening: how much of the gradient is left out
    weight_decay: adds that times the parameter to the gradient
    nesterov: whether to look one step ahead
    """
    return apply(_SGD_MOMENTUM, (parameter, gradient, velocity, rate, step), (momentum, dampening, weight_decay, nesterov,))  # type: ignore[return-value]


def adam(
    parameter: Operand,
    gradient: Operand,
    mean: Operand,
    square: Operand,
    rate: Operand,
    step: Operand,
    *,
    beta1: float | None = None,
    beta2: float | None = None,
    eps: float | None = None,
    weight_decay: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """A step of Adam: the new parameter, mean and square. mean' = beta1 * mean + (1 - beta1) *
    gradient, square' = beta2 * square + (1 - beta2) * gradient^2, both divided by 1 -
    beta^step; the parameter moves by -rate * mean / (sqrt(square) + eps). As torch.optim.Adam.

    gradient: the parameter's dims
    mean: running mean of gradients, zeros at first
    square: running mean of their squares, zeros at first
    rate: the learning rate, a scalar
    step: 1 for the first step, 2 for the second, ...
    beta1: how much of mean is kept
    beta2: how much of square is kept
    eps: added to the divisor
    weight_decay: adds that times the parameter to the gradient
    """
    return apply(_ADAM, (parameter, gradient, mean, square, rate, step), (beta1, beta2, eps, weight_decay,))  # type: ignore[return-value]


def adamw(
    parameter: Operand,
    gradient: Operand,
    mean: Operand,
    square: Operand,
    rate: Operand,
    step: Operand,
    *,
    beta1: float | None = None,
    beta2: float | None = None,
    eps: float | None = None,
    weight_decay: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """A step of Adam on a parameter that was first multiplied by 1 - rate * weight_decay: the new
    parameter, mean and square. As torch.optim.AdamW.

    gradient: the parameter's dims
    mean: running mean of gradients, zeros at first
    square: running mean of their squares, zeros at first
    rate: the learning rate, a scalar
    step: 1 for the first step, 2 for the second, ...
    beta1: how much of mean is kept
    beta2: how much of square is kept
    eps: added to the divisor
    weight_decay: shrinks the parameter by rate times that
    """
    return apply(_ADAMW, (parameter, gradient, mean, square, rate, step), (beta1, beta2, eps, weight_decay,))  # type: ignore[return-value]


def dim_value(*, value: Sequence[Dim], device: int = 0) -> Tensor:
    """The value of a symbolic dim as an i64 of rank 0.

    value: one expression over variables
    """
    return apply(_DIM_VALUE, (), (value,), device)[0]


def detach(x: Operand) -> Tensor:
    """x, through which no gradient flows."""
    return elementwise(_DETACH, x)


def contiguous(x: Operand) -> Tensor:
    """x, stored: what is computed from it reads memory instead of computing it again."""
    return elementwise(_CONTIGUOUS, x)


def copy(x: Operand, *, device: int) -> Tensor:
    """x on another device; the only op that changes where a value lives.

    device: index in the engine's table of devices
    """
    return apply(_COPY, (x,), (device,))[0]
