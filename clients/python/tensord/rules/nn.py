"""The shape rules of convolutions, pools, attention and indexing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from tensord.errors import ShapeError
from tensord.rules.common import (
    RuleInput,
    broadcast_shapes,
    dims_text,
    ints_or,
    normalize_axis,
)
from tensord.rules.contraction import check_room
from tensord.symbolic import Dim, Shape, sym_max, sym_min

__all__ = ["attention", "conv", "conv_transpose", "embedding", "gather", "one_hot", "pool", "take"]

_MAX_WINDOW: Final = 1 << 30


class Window(NamedTuple):
    """Attributes of a sliding window, one entry per spatial axis."""

    sizes: list[int]
    strides: list[int]
    dilations: list[int]
    low: list[int]
    high: list[int]
    ceil_mode: bool

    def reach(self, i: int) -> int:
        """The reach of a window beyond its first element."""
        return self.dilations[i] * (self.sizes[i] - 1)

    def windows(self, i: int, d: Dim) -> Dim:
        """The number of windows along spatial axis i of extent d."""
        room = d + self.low[i] + self.high[i] - self.reach(i) - 1
        stride = self.strides[i]
        if not self.ceil_mode:
            return sym_max(room // stride + 1, 0)
        inside = (d + self.low[i] + stride - 1) // stride
        return sym_max(sym_min((room + stride - 1) // stride + 1, inside), 0)


def _per_axis(r: RuleInput, name: str, axes: int, least: int, otherwise: int) -> list[int]:
    values = ints_or(r.get(name), axes, otherwise)
    if len(values) not in (1, axes):
        raise r.shape_error(
            f"{name} {dims_text(values)} has {len(values)} values; expected 1 or "
            f"one for each of {axes} spatial axes"
        )
    if any(not least <= v <= _MAX_WINDOW for v in values):
        raise r.shape_error(
            f"{name} {dims_text(values)} must hold numbers from {least} to {_MAX_WINDOW}"
        )
    return values * axes if len(values) == 1 else values


def _padding(r: RuleInput, axes: int) -> tuple[list[int], list[int]]:
    padding = r.get("padding") or []
    if len(padding) != 2 * axes or len(padding) == 1:
        both = _per_axis(r, "padding", axes, 0, 0)
        return both, both
    if any(not 0 <= v <= _MAX_WINDOW for v in padding):
        raise r.shape_error(
            f"padding {dims_text(padding)} must hold numbers from 0 to "
            f"{_MAX_WINDOW}; shrink the input instead of padding it negatively"
        )
    return list(padding[0::2]), list(padding[1::2])


def _read_window(r: RuleInput, sizes: Sequence[int]) -> Window:
    axes = len(sizes)
    if any(not 1 <= s <= _MAX_WINDOW for s in sizes):
        raise r.shape_error(f"kernel {dims_text(sizes)} must hold numbers from 1 to {_MAX_WINDOW}")
    strides = list(sizes)
    if r.get("stride") or r.get("kernel") is None:
        strides = _per_axis(r, "stride", axes, 1, 1)
    dilations = _per_axis(r, "dilation", axes, 1, 1)
    low, high = _padding(r, axes)
    return Window(list(sizes), strides, dilations, low, high, bool(r.get("ceil_mode")))


def _check_rank(r: RuleInput, i: int, rank: int, layout: str) -> None:
    if len(r.shapes[i]) != rank:
        raise r.shape_error(f"{r.names[i]} is {r.text(i)}; expected {layout} of rank {rank}")


def _check_index(r: RuleInput, i: int) -> None:
    if not r.dtypes[i].is_int:
        raise r.dtype_error(f"{r.names[i]} is {r.text(i)}; cast it to an integer dtype")


def _conv_groups(r: RuleInput) -> int:
    rank, first = len(r.shapes[0]), None
    if rank < 3:
        raise r.shape_error(
            f"input is {r.text(0)}; expected [batch, channels, spatial axes...]; reshape it"
        )
    _check_rank(r, 1, rank, "a weight with the input's spatial axes,")
    check_room(r, rank, rank)
    groups: int = r.get("groups")
    first = r.shapes[1][0]
    if groups < 1 or first % groups != 0:
        raise r.shape_error(
            f"groups = {groups} must be >= 1 and divide {first}, the first dim of "
            f"weight {r.text(1)}"
        )
    return groups


def _conv_window(r: RuleInput, inner: Dim, channels: Dim) -> Window:
    if r.shapes[0][1] != inner:
        raise r.shape_error(
            f"{r.text(0)} has {r.shapes[0][1]} channels, but weight {r.text(1)} "
            f"with groups = {r.get('groups')} takes {inner}"
        )
    kernel = r.shapes[1][2:]
    if not all(isinstance(k, int) and k >= 1 for k in kernel):
        raise r.shape_error(f"kernel dims of weight {r.text(1)} must be constants >= 1")
    if len(r.shapes) > 2 and r.shapes[2] != (channels,):
        raise r.shape_error(
            f"bias is {r.text(2)}; expected [{channels}], one number per output channel"
        )
    return _read_window(r, [int(k) for k in kernel])


def conv(r: RuleInput) -> Shape:
    """x [N,C,*d], weight [O,C/groups,*k] -> [N,O,*r]."""
    groups = _conv_groups(r)
    x, w = r.shapes[0], r.shapes[1]
    window = _conv_window(r, w[1] * groups, w[0])
    return (x[0], w[0], *(window.windows(i, d) for i, d in enumerate(x[2:])))


def conv_transpose(r: RuleInput) -> Shape:
    """x [N,C,*d], weight [C,O/groups,*k] -> [N,O,*r]."""
    groups = _conv_groups(r)
    x, w = r.shapes[0], r.shapes[1]
    window = _conv_window(r, w[0], w[1] * groups)
    more = _per_axis(r, "output_padding", len(window.sizes), 0, 0)
    out: list[Dim] = [x[0], w[1] * groups]
    for i, d in enumerate(x[2:]):
        if more[i] >= max(window.strides[i], window.dilations[i]):
            raise r.shape_error(
                f"output_padding {dims_text(more)} must be less than stride "
                f"{dims_text(window.strides)} or dilation "
                f"{dims_text(window.dilations)}"
            )
        out.append(
            sym_max(
                (d - 1) * window.strides[i]
                - window.low[i]
                - window.high[i]
                + window.reach(i)
                + more[i]
                + 1,
                0,
            )
        )
    return tuple(out)


def pool(r: RuleInput) -> Shape:
    """x [...,*d] -> [...,*r] over the last axes, as many as `kernel` has values."""
    shape, window = r.shapes[0], _read_window(r, r.get("kernel"))
    rank, axes = len(shape), len(window.sizes)
    if not 1 <= axes <= rank:
        raise r.shape_error(
            f"kernel {dims_text(window.sizes)} needs 1 to {rank} values for {r.text(0)}"
        )
    check_room(r, rank, axes)
    for i in range(axes):
        if max(window.low[i], window.high[i]) > window.reach(i):
            raise r.shape_error(
                f"padding low {dims_text(window.low)}, high "
                f"{dims_text(window.high)} must be less than a window of kernel "
                f"{dims_text(window.sizes)}, which could hold nothing else"
            )
    counts = (window.windows(i, d) for i, d in enumerate(shape[rank - axes :]))
    return (*shape[: rank - axes], *counts)


def gather(r: RuleInput) -> Shape:
    """The dims of the index, which is no longer than x except along `axis`."""
    _check_index(r, 1)
    x, index = r.shapes[0], r.shapes[1]
    _check_rank(r, 1, len(x), "an index")
    axis = normalize_axis(r.op, r.get("axis"), len(x))
    for i, (d, n) in enumerate(zip(x, index, strict=True)):
        if i != axis and not d - n >= 0:
            raise r.shape_error(
                f"index {r.text(1)} is longer than {r.text(0)} on axis {i}; only axis {axis} may be"
            )
    return index


def take(r: RuleInput) -> Shape:
    """x's dims with dim `axis` replaced by all of the index's."""
    _check_index(r, 1)
    x = r.shapes[0]
    axis = normalize_axis(r.op, r.get("axis"), len(x))
    return x[:axis] + r.shapes[1] + x[axis + 1 :]


def one_hot(r: RuleInput) -> Shape:
    """The index's dims, then `classes`."""
    _check_index(r, 0)
    classes: int = r.get("classes")
    if classes < 0:
        raise r.shape_error(f"classes = {classes} must be >= 0")
    return (*r.shapes[0], classes)


def embedding(r: RuleInput) -> Shape:
    """weight [V,D], index [*i] -> [*i,D]."""
    _check_rank(r, 0, 2, "[rows, features]")
    _check_index(r, 1)
    return (*r.shapes[1], r.shapes[0][1])


def _attention_leading(r: RuleInput) -> Shape:
    q, k, v = r.shapes[:3]
    key = broadcast_shapes(r.op, k[:-2], v[:-2])
    if r.get("enable_gqa"):
        if (
            not key
            or len(q) != len(k)
            or len(q) != len(v)
            or k[-3] != key[-1]
            or v[-3] != key[-1]
            or q[-3] % key[-1] != 0
        ):
            raise r.shape_error(
                f"with enable_gqa, axis -3 of query {r.text(0)} must be a multiple "
                f"of that of key {r.text(1)} and value {r.text(2)}"
            )
        key = (*key[:-1], q[-3])
    return broadcast_shapes(r.op, q[:-2], key)


def attention(r: RuleInput) -> Shape:
    """query [...,L,E], key [...,S,E], value [...,S,V], optional mask -> [...,L,V]."""
    for i in range(3):
        if len(r.shapes[i]) < 2:
            _check_rank(r, i, 2, "[..., length, features]")
    q, k, v = r.shapes[:3]
    if q[-1] != k[-1] or k[-2] != v[-2]:
        raise r.shape_error(
            f"query {r.text(0)}, key {r.text(1)} and value {r.text(2)} must be "
            "[...,L,E], [...,S,E] and [...,S,V]"
        )
    out = (*_attention_leading(r), q[-2])
    check_room(r, len(out) + 1, 2)
    if len(r.shapes) > 3:
        full = (*out, k[-2])
        try:
            fits = broadcast_shapes(r.op, full, r.shapes[3]) == full
        except ShapeError:
            fits = False
        if not fits or r.dtypes[3].is_int:
            raise r.shape_error(
                f"mask is {r.text(3)}; expected bool (true: attend) or a float to "
                f"add, broadcasting to {dims_text(full)}"
            )
    return (*out, v[-1])
