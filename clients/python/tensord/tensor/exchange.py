"""Handing values over: to numpy and DLPack's frameworks, to other processes, to people."""

from __future__ import annotations

import html
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from tensord.base import TensorBase, wrap
from tensord.dtype import DType
from tensord.errors import NotFoundError, TensordError, ValueProblem
from tensord.session import default
from tensord.session.publishing import Publication, Share
from tensord.symbolic import Sym
from tensord.tensor.data import DataMixin, imported

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["ExchangeMixin"]

_CPU = (1, 0)  # DLPack's kDLCPU
_PATH = "tensor"  # of the one entry of what `share` publishes


class ExchangeMixin(DataMixin):
    """Exchange with numpy, DLPack, pickle and notebooks."""

    __slots__ = ()

    # ------------------------------------------------------------------ arrays

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueProblem("a tensor lives in the daemon: its numpy array is always a copy")
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """A host copy for another framework; bfloat16 is widened to float32."""
        if stream is not None:
            raise ValueProblem("DLPack: the copy lies in host memory, which has no streams")
        if dl_device is not None and tuple(dl_device) != _CPU:
            raise BufferError(f"DLPack: only host memory (1, 0) is exported, not {dl_device}")
        if copy is False:
            raise BufferError("DLPack: a tensor lives in the daemon, what is exported is a copy")
        array = self.numpy()
        try:
            return array.__dlpack__(max_version=max_version)
        except TypeError:  # numpy before 2.1
            return array.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return _CPU

    @classmethod
    def from_dlpack(
        cls, x: Any, device: str | None = None, requires_grad: bool | None = None
    ) -> Tensor:
        """A tensor of what another framework holds in host memory: anything with `__dlpack__`.

        Raises ValueError for other memory, TypeError for a dtype that numpy has not.
        """
        if not hasattr(x, "__dlpack__"):
            raise ValueProblem(f"from_dlpack: a {type(x).__name__} has no __dlpack__")
        array = x if isinstance(x, np.ndarray) else imported(x)
        return cast("Tensor", cls(array, device=device, requires_grad=requires_grad))  # type: ignore[call-arg]

    # ------------------------------------------------------------------ other processes

    def share(
        self, name: str | None = None, ttl: float | None = None, shared: bool = False
    ) -> Publication:
        """Publishes the value, so that its pickle is a name, and other processes read it in place.

        `name`: [A-Za-z0-9_.-]+(/…)*, a new one if not given. It lives in the daemon for `ttl`
        seconds, or until `tensord.unpublish(name)`. `shared` lets other principals read it, too.
        """
        session = self._reader()
        return session.publish(name or f"share/{uuid.uuid4().hex}", {_PATH: self._v}, ttl, shared)

    def __reduce__(self) -> tuple[Any, ...]:
        session = self._reader()
        found = session.shares.get(self._v.id)
        if found is not None:
            return _look_up, (type(self), tuple(found), self.requires_grad)
        state = (bytes(self._read()), self.dtype, self.shape, self.requires_grad)
        return _unpickle, (type(self), *state)

    # ------------------------------------------------------------------ people

    def __repr__(self) -> str:
        grad = f" grad={self.grad!r}" if self.grad is not None else ""
        return f"<Tensor shape={self.shape} dtype={self.dtype.name} device={self.device!r}{grad}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: shape, dtype, device, size and state. It computes nothing, sends
        nothing and waits for nothing; `.numpy()` shows the elements."""
        shape = " × ".join(str(d) for d in self.shape) or "scalar"
        size = "" if any(isinstance(d, Sym) for d in self.shape) else _bytes_text(self.nbytes())
        cells = (self.dtype.name, shape, size, self.device, self._state())
        text = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells if cell)
        return f"<table><tr><th>Tensor</th>{text}</tr></table>"

    def _state(self) -> str:
        if not self.usable():
            return "lost"
        return "evaluated" if self._v.stored else "not evaluated"


def _bytes_text(count: int) -> str:
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


def _unpickle(
    cls: type[Tensor], raw: bytes, dtype: DType, shape: Sequence[int], requires_grad: bool
) -> Tensor:
    array = np.frombuffer(raw, dtype.wire).reshape(tuple(shape))
    return cls(array, dtype=dtype, requires_grad=requires_grad)


def _look_up(
    cls: type[TensorBase], where: tuple[int, str, int, str], requires_grad: bool
) -> Tensor:
    """The tensor of another process, by the name that its `share` gave it."""
    share = Share(*where)
    session = default.connection()
    hint = "pickle the values (Tensor(x.numpy())) where the reader is elsewhere or later"
    if session.welcome.epoch != share.epoch:
        raise NotFoundError(
            f"the shared tensor {share.name!r} is in another daemon, or in one that was started "
            f"anew since, not at {session.address}; {hint}"
        )
    try:
        _, values = session.lookup(share.name, [share.path], 0, None)
    except TensordError as error:
        raise NotFoundError(
            f"the shared tensor {share.name!r} can't be read: {error}; it may have ended; {hint}",
            reason=error.reason,
            code=error.code,
        ) from error
    made = wrap(values[share.path])
    if requires_grad:
        made.requires_grad_()
    return made
