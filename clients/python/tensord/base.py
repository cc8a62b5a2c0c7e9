"""Applying an op: types found locally, a node recorded, a tensor answered.

`apply` serves every op; `elementwise` is the short way for those without attributes. Both lift
Python numbers to weak constants, so `x + 1` keeps x's dtype.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from tensord import dtype as dt
from tensord.dtype import DType
from tensord.errors import DTypeError, ValueProblem
from tensord.graph import Recorder, Value
from tensord.rules import DTYPE_RULES, SHAPE_RULES, RuleInput, broadcast_shapes
from tensord.rules.custom import CUSTOM_RULES
from tensord.rules.forms import check_dims, check_dtype_attr, check_form
from tensord.source import here
from tensord.symbolic import Shape

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = [
    "Local",
    "OpRow",
    "Operand",
    "TensorBase",
    "apply",
    "elementwise",
    "local",
    "scalar",
    "wrap",
]

REQUIRED: Final = object()  # the default of an attribute that has none
_TYPING: Final = frozenset(("bool", "dims", "dtype", "int", "ints", "string"))  # equal: the same
_LISTS: Final = frozenset(("ints", "dims", "floats"))


class Local(threading.local):
    """What a thread is doing: the trace it records into, if any."""

    trace: Recorder | None = None


local: Final = Local()


class OpRow:
    """One op of the vocabulary, as clients/ops.json has it."""

    __slots__ = (
        "attrs",
        "cache",
        "custom",
        "defaults",
        "dtype_rule",
        "keeps_types",
        "max_inputs",
        "min_inputs",
        "name",
        "names",
        "results",
        "shape_rule",
        "types",
    )

    def __init__(
        self,
        name: str,
        names: Sequence[str],
        min_inputs: int,
        variadic: bool,
        attrs: Sequence[tuple[str, str, Any]],
        results: int,
        dtype_rule: str,
        shape_rule: str,
    ) -> None:
        self.name: Final = name
        self.names: Final = tuple(names)
        self.min_inputs: Final = min_inputs
        self.max_inputs: Final = 1 << 20 if variadic else len(names)
        self.attrs: Final = tuple(attrs)  # (name, kind, default)
        self.defaults: Final = {n: d for n, _, d in attrs if d is not REQUIRED}
        self.results: Final = results
        self.dtype_rule: Final = DTYPE_RULES[dtype_rule]
        self.shape_rule: Final = SHAPE_RULES[shape_rule]
        self.custom: Final = CUSTOM_RULES.get(name)
        self.cache: Final[dict[tuple[DType, ...], tuple[list[DType], DType, str]]] = {}
        self.types: Final[dict[tuple[Any, ...], Types]] = {}
        self.keeps_types: Final = all(kind in _TYPING for _, kind, _ in attrs)


class TensorBase:
    """What a tensor holds: a value, and which parameters it depends on.

    `_deps` is a set of bits, one for each parameter (see autograd.py) that the value was computed
    from; it tells `backward` what to differentiate by, without a graph on this side. A value that
    was evaluated is a leaf for what is made of it later, so its bits are not passed on.
    """

    __slots__ = ("__weakref__", "_bit", "_deps", "_v", "grad")

    _v: Value
    _deps: int
    _bit: int
    grad: Tensor | None

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents, outermost first. Those of a jitted function's variables are `Sym`s."""
        return self._v.shape  # type: ignore[return-value]

    @property
    def dtype(self) -> DType:
        return self._v.dtype


Operand: TypeAlias = "TensorBase | float | int | bool"
Types: TypeAlias = "list[tuple[DType, Shape]]"

_tensor_class: list[type[Tensor]] = []
_default_recorder: list[Callable[[], Recorder]] = []


def install(tensor: type[Tensor], recorder: Callable[[], Recorder]) -> None:
    """Says which class tensors have, and where nodes go when no input tells."""
    _tensor_class[:] = [tensor]
    _default_recorder[:] = [recorder]


def wrap(value: Value, deps: int = 0) -> Tensor:
    """A tensor of a value."""
    t: Tensor = object.__new__(_tensor_class[0])
    t._v = value
    t._deps = deps
    t._bit = -1
    t.grad = None
    return t


def recorder(inputs: Sequence[Any] = ()) -> Recorder:
    """Where a node goes: this thread's trace, the session of the first tensor, or the default."""
    graph = local.trace
    if graph is None:
        for x in inputs:
            if isinstance(x, TensorBase):
                graph = x._v.graph
                break
        else:
            return _default_recorder[0]()
    if graph.broken is not None:
        raise graph.broken()
    return graph


def value_of(x: Any, graph: Recorder, source: int) -> Value:
    """The value of an operand in `graph`."""
    if isinstance(x, TensorBase):
        v = x._v
        return v if v.graph is graph else graph.adopt(x)
    if isinstance(x, np.ndarray | np.generic) and not isinstance(x, float):
        return value_of(_tensor_class[0](x), graph, source)
    return graph.constant(x, dt.of_python(x), source)


def elementwise(row: OpRow, *inputs: Any) -> Tensor:
    """An op without attributes whose inputs broadcast. Called by the builders of _ops.py."""
    if row.custom is not None:
        return apply(row, inputs, ())[0]
    graph = recorder(inputs)
    source = here(3)
    values = []
    deps = 0
    for x in inputs:
        if isinstance(x, TensorBase):
            v = x._v
            values.append(v if v.graph is graph else graph.adopt(x))
            if x._deps and (x._bit >= 0 or not v.stored):  # what was evaluated is a leaf
                deps |= x._deps
        else:
            values.append(value_of(x, graph, source))
    key = tuple([v.dtype for v in values])
    answer = row.cache.get(key)
    if answer is None:
        casts, result = row.dtype_rule(row.name, key, row.defaults)
        answer = row.cache[key] = (casts, result, check_form(row.name, casts[-1]))
    if dt.weakint in key:
        check_constants(row.name, values, inputs, answer[0])
    first = values[0]
    shape = first.shape
    for v in values[1:]:
        if v.shape != shape:
            shape = _broadcast(answer[2], shape, v.shape)
    device = first.device or values[-1].device
    return wrap(graph.add(row.name, values, (), answer[1], shape, source, device), deps)


_broadcasts: Final[dict[tuple[Shape, Shape], Shape]] = {}
_MAX_CACHED: Final = 4096


def _broadcast(op: str, a: Shape, b: Shape) -> Shape:
    """The common shape of two, within the limits of the wire; found once."""
    shape = _broadcasts.get((a, b))
    if shape is None:
        shape = broadcast_shapes(op, a, b)
        check_dims(op, shape)
        if len(_broadcasts) >= _MAX_CACHED:
            _broadcasts.clear()
        _broadcasts[a, b] = shape
    return shape


def scalar(value: float | int | bool, dtype: DType, device: int = 0) -> Tensor:
    """A number as a tensor of rank 0."""
    graph, source = recorder(), here(2)
    weak = graph.constant(value, dt.of_python(value), source, device)
    if weak.dtype is dtype:
        return wrap(weak)
    attrs = (("dtype", "dtype", dtype),)
    return wrap(graph.add("cast", (weak,), attrs, dtype, (), source, device))


def check_constants(
    op: str, values: Sequence[Value], inputs: Sequence[Any], casts: Sequence[DType]
) -> None:
    """A weak integer must fit the dtype it takes: u8 tensor + 300 is refused."""
    for v, x, cast in zip(values, inputs, casts, strict=True):
        if v.dtype is dt.weakint and cast.is_int and not cast.min <= x <= cast.max:
            raise DTypeError(
                f"{op}: {x} does not fit {cast.short}; cast the other input to a wider dtype first",
                reason="DTYPE",
                code=3,
                op=op,
            )


def apply(
    row: OpRow, inputs: Sequence[Any], attrs: Sequence[Any] = (), device: int = 0
) -> tuple[Tensor, ...]:
    """Any op. `attrs` in the row's order, None for what stays at its default. Called by the
    builders of _ops.py."""
    while inputs and inputs[-1] is None:
        inputs = inputs[:-1]
    graph = recorder(inputs)
    source = here(3)
    values = []
    deps = 0
    for x in inputs:
        values.append(value_of(x, graph, source))
        if isinstance(x, TensorBase) and x._deps and (x._bit >= 0 or not x._v.stored):
            deps |= x._deps
    given = _given(row, attrs) if row.attrs else ()
    types = _types(row, values, inputs, given)
    if row.name == "copy":  # its device is the node's
        device, given = _full(row, given)["device"], ()
    device = device or next((v.device for v in values if v.device), 0)
    if types is None:
        return _ask_daemon(graph, row, values, given, source, device, deps)
    if len(types) == 1:
        dtype, shape = types[0]
        return (wrap(graph.add(row.name, values, given, dtype, shape, source, device), deps),)
    made = graph.add_many(row.name, values, given, types, source, device)
    return tuple(wrap(v, deps) for v in made)


def _given(row: OpRow, attrs: Sequence[Any]) -> tuple[tuple[str, str, Any], ...]:
    """The attributes that travel: those not at their defaults."""
    given = []
    for (name, kind, default), value in zip(row.attrs, attrs, strict=False):
        if value is None:
            continue
        if kind in _LISTS:
            value = tuple(value)
        elif kind == "scalar" and type(value) is int and not -(1 << 63) <= value < 1 << 63:
            value = _wide(row, attrs, value)
        if default is REQUIRED or value != default or isinstance(value, float):
            given.append((name, kind, value))
    return tuple(given)


def _wide(row: OpRow, attrs: Sequence[Any], value: int) -> bytes | float:
    """A number that takes more than a sint64, as the dtype beside it has it: bytes, or a float."""
    names = [name for name, _, _ in row.attrs]
    dtype = dict(zip(names, attrs, strict=False)).get("dtype") or row.defaults.get("dtype")
    if dtype is dt.uint64 and 0 <= value <= dtype.max:
        return dt.pack_scalar(value, dtype)
    if dtype is not None and dtype.is_float:
        return float(value)
    fits = "64 bits" if dtype is None else dtype.short
    raise DTypeError(
        f"{row.name}: {value} does not fit {fits}", reason="DTYPE", code=3, op=row.name
    )


def _full(row: OpRow, given: Sequence[tuple[str, str, Any]]) -> Mapping[str, Any]:
    """All attributes; refuses an op without one that it needs."""
    full = {**row.defaults, **{name: value for name, _, value in given}}
    for name, kind, default in row.attrs:
        if default is REQUIRED and name not in full:
            raise ValueProblem(f"{row.name}: attribute {name} ({kind}) is missing", op=row.name)
    return full


def _types(
    row: OpRow,
    values: Sequence[Value],
    inputs: Sequence[Any],
    given: tuple[tuple[str, str, Any], ...],
) -> Types | None:
    """The result types, found once for the same inputs and attributes, or None when only the
    daemon knows. A weak integer's own value matters, and 1.0 is the key that 1 is: neither is kept.
    """
    key = (given, *[v.dtype for v in values], *[v.shape for v in values])
    try:
        found = row.types.get(key)
    except TypeError:  # an attribute that is no fitting one
        return _infer(row, values, inputs, _full(row, given))
    if found is not None:
        return found
    types = _infer(row, values, inputs, _full(row, given))
    if types is not None and row.keeps_types and not any(v.dtype is dt.weakint for v in values):
        if len(row.types) >= _MAX_CACHED:
            row.types.clear()
        row.types[key] = types
    return types


def _infer(
    row: OpRow, values: Sequence[Value], inputs: Sequence[Any], attrs: Mapping[str, Any]
) -> Types | None:
    """The result types, or None when only the daemon knows."""
    if not row.min_inputs <= len(values) <= row.max_inputs:
        expected = "" if row.min_inputs == row.max_inputs else "at least "
        raise DTypeError(
            f"{row.name}: {len(values)} inputs given, expected {expected}{row.min_inputs}",
            reason="ARITY",
            code=3,
            op=row.name,
        )
    name = row.name
    check_dtype_attr(name, attrs.get("dtype"))
    casts, result = row.dtype_rule(name, [v.dtype for v in values], attrs)
    if casts:
        name = check_form(name, casts[-1])
        if row.dtype_rule is not DTYPE_RULES["attr"]:
            check_constants(row.name, values, inputs, casts)
    rule = RuleInput(name, row.names, casts, [v.shape for v in values], attrs)
    if row.custom is None and row.shape_rule is SHAPE_RULES["custom"]:
        return None
    types: Types = (
        row.custom(rule)
        if row.custom is not None
        else [(result, row.shape_rule(rule))] * row.results
    )
    for _, shape in types:
        check_dims(name, shape)
    return types


def _ask_daemon(
    graph: Recorder,
    row: OpRow,
    values: Sequence[Value],
    attrs: Any,
    source: int,
    device: int,
    deps: int,
) -> tuple[Tensor, ...]:
    """An op whose rule this client has not got: its types cost a round trip."""
    unknown: Types = [(dt.float32, ())] * row.results
    made = graph.add_many(row.name, values, attrs, unknown, source, device)
    for v in made:
        v.dtype, v.shape = graph.ask_type(v)
    return tuple(wrap(v, deps) for v in made)


# ---------------------------------------------------------------------- parameters' bits

_parameters: list[weakref.ref[TensorBase] | None] = []
_free_bits: Final[list[int]] = []


def mark_parameter(t: TensorBase) -> None:
    """Gives a tensor a bit of its own: `backward` will fill its `.grad`."""
    if t._bit >= 0:
        return
    bit = _free_bits.pop() if _free_bits else len(_parameters)

    def release(_: object, bit: int = bit) -> None:
        _parameters[bit] = None
        _free_bits.append(bit)

    if bit == len(_parameters):
        _parameters.append(None)
    _parameters[bit] = weakref.ref(t, release)
    t._bit = bit
    t._deps = 1 << bit


def parameters_in(deps: int) -> list[TensorBase]:
    """The living parameters of a set of bits, in the order they were marked."""
    found = []
    while deps:
        low = deps & -deps
        deps ^= low
        ref = _parameters[low.bit_length() - 1]
        t = ref() if ref is not None else None
        if t is not None:
            found.append(t)
    return found
