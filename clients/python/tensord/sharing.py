"""Named sets of tensors in the daemon, for other processes and principals.

    tensord.publish("weights", {"w": w, "b": b}, ttl=3600)     # all of one generation at once
    weights = tensord.lookup("weights")                        # {"w": …, "b": …}
    newer = tensord.lookup("weights", generation=weights.generation + 1, timeout=60)  # waits

What is looked up is not copied: the daemon shares the memory, and keeps it for as long as somebody
uses it. Names live under the principal: its own "weights" is "uid:1000/weights" to others, who see
what was published with `shared=True`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tensord.base import value_of, wrap
from tensord.graph import Value
from tensord.session import default
from tensord.session.connection import Connection
from tensord.session.publishing import Publication
from tensord.source import here
from tensord.tensor import Tensor

__all__ = ["Found", "alookup", "apublish", "lookup", "publish", "unpublish"]


class Found(dict[str, Tensor]):
    """The tensors of one generation by their paths; `name` has the principal's before it."""

    def __init__(self, publication: Publication, values: Mapping[str, Value]) -> None:
        super().__init__({path: wrap(value) for path, value in values.items()})
        self.name = publication.name
        self.generation = publication.generation


def publish(
    name: str, tensors: Mapping[str, Tensor], *, ttl: float | None = None, shared: bool = False
) -> Publication:
    """Makes tensors readable by name, all at once, in place of what had that name before.

    Waits until they are computed; where one fails nothing is published. `ttl`: seconds until it
    ends by itself; None: with the daemon, or by `unpublish`. `shared`: for other principals too.
    Answers the full name and the generation, one more than the name ever had.
    """
    session = default.connection()
    return session.publish(name, _values(session, tensors), ttl, shared)


async def apublish(
    name: str, tensors: Mapping[str, Tensor], *, ttl: float | None = None, shared: bool = False
) -> Publication:
    """`publish` for an event loop; a task that is cancelled publishes nothing."""
    session = default.connection()
    return await session.apublish(name, _values(session, tensors), ttl, shared)


def unpublish(name: str | Publication) -> None:
    """Ends a publication of one's own. Who looked it up keeps it. NotFoundError without one."""
    default.connection().unpublish(name if isinstance(name, str) else name.name)


def lookup(
    name: str,
    paths: Sequence[str] | None = None,
    *,
    generation: int = 0,
    timeout: float | None = None,
) -> Found:
    """The published tensors of a name: those of `paths`, or all.

    `generation`: waits until it, or a newer one, is published, `timeout` seconds at most; 0 takes
    what there is. Raises NotFoundError for a name, path or generation that is not there.
    """
    return Found(*default.connection().lookup(name, paths, generation, timeout))


async def alookup(
    name: str,
    paths: Sequence[str] | None = None,
    *,
    generation: int = 0,
    timeout: float | None = None,
) -> Found:
    """`lookup` for an event loop; a task that is cancelled ends the wait in the daemon, too."""
    return Found(*await default.connection().alookup(name, paths, generation, timeout))


def _values(session: Connection, tensors: Mapping[str, Tensor]) -> dict[str, Value]:
    source = here()
    return {path: value_of(t, session, source) for path, t in tensors.items()}
