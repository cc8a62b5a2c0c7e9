"""Host and daemon: data in, numbers out, evaluation, devices, in-place assignment."""

from __future__ import annotations

import gzip
import os
import urllib.request
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from tensord import _ops as ops
from tensord import dtype as dt
from tensord.base import local, value_of
from tensord.dtype import DType, to_host
from tensord.errors import DTypeError, JitError, ShapeError, TensordError, ValueProblem
from tensord.graph import Value
from tensord.session import default
from tensord.session.connection import Connection
from tensord.source import here
from tensord.symbolic import numel
from tensord.tensor.autograd import AutogradMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["DataMixin", "host_array", "imported", "put"]

_HOST_MEMORY: Final = frozenset((1, 3, 11))  # DLPack's kDLCPU, kDLCUDAHost, kDLROCMHost


def host_array(data: Any, dtype: DType | None) -> tuple[NDArray[Any], DType]:
    """Anything numpy understands as a dense array of a stored dtype, and that dtype."""
    if hasattr(data, "__dlpack__") and not isinstance(data, np.ndarray | np.generic):
        data = imported(data)
    array = data if isinstance(data, np.ndarray | np.generic) else _from_python(data)
    found = dtype or dt.to_dtype(array.dtype)
    return to_host(np.asarray(array), found), found


def imported(data: Any) -> NDArray[Any]:
    """What another framework holds in host memory, by DLPack: not copied here."""
    kind, number = data.__dlpack_device__()
    if kind not in _HOST_MEMORY:
        raise ValueProblem(
            f"a {type(data).__name__} on DLPack device {int(kind)}:{number} can't be read here; "
            "move it to the CPU first"
        )
    try:
        return np.from_dlpack(data)
    except (BufferError, RuntimeError, TypeError) as error:
        raise DTypeError(
            f"a {type(data).__name__} can't be taken over by DLPack: {error}; detach it, or convert"
            " it to a dtype that numpy has (bfloat16: to float32)"
        ) from None


def _from_python(data: Any) -> NDArray[Any]:
    try:
        array = np.array(data)
    except (ValueError, TypeError) as error:
        raise ValueProblem(f"a tensor can't be made of this: {error}") from None
    if array.dtype == object or array.dtype.kind not in "biuf":
        raise DTypeError(f"a tensor can't be made of {type(data).__name__} holding {array.dtype}")
    if isinstance(data, np.ndarray) or array.dtype.kind == "b":
        return array
    if array.dtype.kind == "f" or array.size == 0:
        return array.astype(_default(dt.dtypes.default_float))
    small = not array.size or (array.min() >= -(1 << 31) and array.max() < 1 << 31)
    return array.astype(_default(dt.dtypes.default_int)) if small else array


def _default(dtype: DType) -> Any:
    return np.float32 if dtype is dt.bfloat16 else dtype.np


def put(data: Any, dtype: DType | None, device: int) -> Value:
    """A stored value of the session (never of a trace) from host data."""
    array, found = host_array(data, dtype)
    trace = local.trace
    session = cast("Connection", getattr(trace, "session", None) or default.connection())
    return session.put(found, array.shape, array.reshape(-1).view(np.uint8), device)


class DataMixin(AutogradMixin):
    """What crosses the line between host and daemon."""

    __slots__ = ()

    # ------------------------------------------------------------------ evaluation

    def usable(self) -> bool:
        """Whether the value can still be read: its session lives and nobody took its memory."""
        graph = self._v.graph
        return graph.broken is None and getattr(graph, "alive", True)

    def realize(self, *lst: Tensor) -> Tensor:
        """Starts computing self and the others, and keeps the results: they are leaves for what
        is made of them later, gradients included. Does not wait: a failure is raised by what reads
        the value. Inside a jitted function it does nothing."""
        if local.trace is None:
            tensors = cast("list[Tensor]", [self, *lst])
            session = self._session()
            source = here()
            session.evaluate([value_of(t, session, source) for t in tensors])
        return cast("Tensor", self)

    def _session(self) -> Connection:
        graph = self._v.graph
        if graph.broken is not None:
            raise graph.broken()
        if not isinstance(graph, Connection):
            raise JitError(
                "a value can't be read while its function is traced: return the tensor "
                "and read it outside"
            )
        if getattr(graph, "forked", False):
            graph.adopt(self)
        return graph

    def _reader(self) -> Connection:
        """The session to read this value from."""
        if local.trace is not None:
            raise JitError(
                "a value can't be read while a function is traced: return the tensor and"
                " read it outside"
            )
        return self._session()

    def _read(self) -> bytes | bytearray:
        return self._reader().read(self._v)

    # ------------------------------------------------------------------ out

    def numpy(self) -> NDArray[Any]:
        """The elements as a numpy array of this process; waits. bfloat16 is widened to float32."""
        return self._host(self._read())

    def _host(self, raw: bytes | bytearray) -> NDArray[Any]:
        """The elements out of what was read, as an array that may be written to."""
        dtype = self._v.dtype
        array = np.frombuffer(raw, dtype.wire).reshape(self.shape)
        if dtype is dt.bfloat16:
            return dt.bfloat16_to_float32(array)
        return array if isinstance(raw, bytearray) else array.copy()

    def data(self) -> memoryview:
        """The elements as a memoryview; waits."""
        return self.numpy().data

    def item(self) -> Any:
        """The one element as a Python number; waits."""
        self._check_single()
        return self.numpy().reshape(()).item()

    def _check_single(self) -> None:
        if numel(self._v.shape) != 1:
            raise ShapeError(f"item() of shape {self.shape}; expected one element")

    def tolist(self) -> Any:
        """The elements as nested lists; waits."""
        return self.numpy().tolist()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __index__(self) -> int:
        if not self._v.dtype.is_int:
            raise DTypeError(f"a {self._v.dtype.short} tensor is no index")
        return int(self.item())

    def __contains__(self, x: Any) -> bool:
        return bool(self.eq(x).any().item())

    def __iter__(self) -> Any:
        if not self._v.shape:
            raise DTypeError("iteration over a tensor without axes")
        return (self[i] for i in range(len(self)))

    # ------------------------------------------------------------------ devices

    @property
    def device(self) -> str:
        """The device's name; the daemon's default where none was said."""
        session = getattr(self._v.graph, "session", self._v.graph)
        names = {n: name for name, n in getattr(session, "devices", {}).items()}
        return names.get(self._v.device) or str(getattr(session, "default_device", ""))

    def to(self, device: str | None) -> Tensor:
        """self on another device."""
        number = default.device_number(device)
        if number in (0, self._v.device) or (device or "").lower() == self.device:
            return cast("Tensor", self)
        return ops.copy(self, device=number)

    def to_(self, device: str | None) -> Tensor:
        """Moves this tensor to another device."""
        return self.replace(self.to(device))

    # ------------------------------------------------------------------ in place

    def assign(self, x: Any) -> Tensor:
        """This tensor becomes x, which has its shape and dtype. The old value is not touched: it
        lives as long as something needs it. In a jitted function this updates state."""
        new = x if isinstance(x, DataMixin) else self._lift(x)
        if new.shape != self.shape:
            raise ShapeError(f"assign: shape {new.shape} to a tensor of {self.shape}")
        if new._v.dtype is not self._v.dtype:
            raise DTypeError(
                f"assign: {new._v.dtype.short} to a tensor of {self._v.dtype.short}; cast it first"
            )
        return self.replace(cast("Tensor", new))

    def _lift(self, x: Any) -> Tensor:
        from tensord.tensor import Tensor

        return Tensor(x, dtype=self.dtype, requires_grad=False)

    def replace(self, x: Tensor) -> Tensor:
        """This tensor becomes x, whatever its shape."""
        if x is self:
            return x
        trace = local.trace
        value = x._v if trace is None else value_of(x, trace, here())
        value.shared = True
        if trace is not None:
            trace.assign(self, value)  # type: ignore[attr-defined]
        else:
            self._v = value
        if self._bit < 0:
            self._deps = x._deps
        return cast("Tensor", self)

    @classmethod
    def from_url(cls, url: str, gunzip: bool = False, device: str | None = None) -> Tensor:
        """The bytes at a URL (https, http, file), u8; `gunzip` unpacks them.

        They pass through this process. Raises TensordError where they can't be read.
        """
        return cast("Tensor", cls(_download(url, gunzip), device=device))  # type: ignore[call-arg]

    def clone(self) -> Tensor:
        """A copy with a name of its own."""
        return ops.contiguous(self)


def from_file(path: os.PathLike[str]) -> NDArray[np.uint8]:
    """The bytes of a file."""
    try:
        with open(path, "rb") as file:
            return np.frombuffer(file.read(), np.uint8)
    except OSError as error:
        raise TensordError(f"{path}: {error.strerror}") from error


def _download(url: str, gunzip: bool) -> NDArray[np.uint8]:
    try:
        with urllib.request.urlopen(url, timeout=60) as reply:
            raw = reply.read()
        return np.frombuffer(gzip.decompress(raw) if gunzip else raw, np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise TensordError(f"{url}: {error}") from error
