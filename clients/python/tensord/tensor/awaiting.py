"""Reading without blocking: the coroutines of an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from numpy.typing import NDArray

from tensord.base import local, value_of
from tensord.source import here
from tensord.tensor.exchange import ExchangeMixin

if TYPE_CHECKING:
    from tensord.tensor import Tensor

__all__ = ["AwaitingMixin"]


class AwaitingMixin(ExchangeMixin):
    """`await t.anumpy()` is `t.numpy()`, and so on.

    The loop goes on meanwhile, and no thread is held per call. A task that is cancelled, by
    asyncio.timeout or wait_for too, gives up the Fetch: a value that was still to be computed for
    it is lost then, the session and every other value are as before.
    """

    __slots__ = ()

    async def anumpy(self) -> NDArray[Any]:
        """The elements as a numpy array of this process."""
        session = self._reader()
        return self._host(await session.aread(self._v))

    async def adata(self) -> memoryview:
        """The elements as a memoryview."""
        return (await self.anumpy()).data

    async def aitem(self) -> Any:
        """The one element as a Python number."""
        self._check_single()
        return (await self.anumpy()).reshape(()).item()

    async def atolist(self) -> Any:
        """The elements as nested lists."""
        return (await self.anumpy()).tolist()

    async def arealize(self, *lst: Tensor) -> Tensor:
        """Computes self and the others, keeps the results, and, unlike `realize`, waits until they
        are ready and raises what failed. Inside a jitted function it does nothing."""
        if local.trace is None:
            session = self._session()
            source = here()
            tensors = cast("list[Tensor]", [self, *lst])
            await session.aready([value_of(t, session, source) for t in tensors])
        return cast("Tensor", self)
