"""Values under a name, for other sessions of the daemon: Publish, Lookup, Unpublish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tensord._proto import session_pb2
from tensord.dtype import BY_NUMBER
from tensord.errors import ValueProblem
from tensord.graph import Value
from tensord.session.commands import Commands
from tensord.session.framing import Asked, Share
from tensord.session.terms import microseconds_left

__all__ = ["Publication", "Publishing", "Share"]


class Publication(NamedTuple):
    """What was published: its name, with the principal's before it, and which generation."""

    name: str
    generation: int


class Publishing(Commands):
    """A session's published values."""

    def publish(
        self, name: str, values: Mapping[str, Value], ttl: float | None, shared: bool
    ) -> Publication:
        """All values at once, in place of what was published by that name; waits until they are
        ready. See tensord.publish."""
        return self._published(
            self._answer(Asked(), publish=_publish_item(name, values, ttl, shared)), values
        )

    async def apublish(
        self, name: str, values: Mapping[str, Value], ttl: float | None, shared: bool
    ) -> Publication:
        """The same for an event loop."""
        item = _publish_item(name, values, ttl, shared)
        return self._published(await self._aanswer(Asked(), publish=item), values)

    def _published(self, answer: session_pb2.Published, values: Mapping[str, Value]) -> Publication:
        made = Publication(answer.name, answer.generation)
        for path, value in values.items():
            value.stored = True
            self.shares[value.id] = Share(self.welcome.epoch, *made, path)
        return made

    def unpublish(self, name: str) -> None:
        """Ends a publication of one's own; NotFoundError when there is none."""
        own = name.removeprefix(f"{self.welcome.principal}/")
        after = self._tell(
            {"barrier": session_pb2.Barrier()}, unpublish=session_pb2.Unpublish(name=own)
        )
        if after.any_poisoned:  # the next Barrier of the user's has to tell
            self._failed = True
        full = f"{self.welcome.principal}/{own}"
        for id_ in [i for i, share in self.shares.items() if share.name == full]:
            del self.shares[id_]

    # ------------------------------------------------------------------ looking up

    def lookup(
        self, name: str, paths: Sequence[str] | None, generation: int, timeout: float | None
    ) -> tuple[Publication, dict[str, Value]]:
        """The values of one generation, bound to this session. See tensord.lookup."""
        if paths is None:
            found = self._answer(Asked(), lookup=_lookup_item(name, (), 0, generation, timeout))
            paths, generation = [e.path for e in found.entries], 0  # there now: not to wait
        item = self._binding(name, paths, generation, timeout)
        try:
            return self._bound(self._answer(Asked(), lookup=item))
        except BaseException:
            self._forget_ids(item)
            raise

    async def alookup(
        self, name: str, paths: Sequence[str] | None, generation: int, timeout: float | None
    ) -> tuple[Publication, dict[str, Value]]:
        """The same for an event loop."""
        if paths is None:
            item = _lookup_item(name, (), 0, generation, timeout)
            found = await self._aanswer(Asked(), lookup=item)
            paths, generation = [e.path for e in found.entries], 0  # there now: not to wait
        item = self._binding(name, paths, generation, timeout)
        try:
            return self._bound(await self._aanswer(Asked(), lookup=item))
        except BaseException:
            self._forget_ids(item)
            raise

    def _binding(
        self, name: str, paths: Sequence[str], generation: int, timeout: float | None
    ) -> session_pb2.Lookup:
        if not paths:
            raise ValueProblem(f"lookup of {name!r}: no paths; None binds all there are")
        with self.lock:
            first = self.next_id
            self.next_id = first + len(paths)
        return _lookup_item(name, paths, first, generation, timeout)

    def _forget_ids(self, item: session_pb2.Lookup) -> None:
        """A Lookup that failed has defined its ids, as poison."""
        self._dropped.extend(range(item.first_id, item.first_id + len(item.paths)))

    def _bound(self, found: session_pb2.Found) -> tuple[Publication, dict[str, Value]]:
        values = {}
        for entry in found.entries:
            kind = entry.type
            value = Value(
                self, entry.id, BY_NUMBER[kind.dtype], tuple(kind.dims.sizes), kind.device
            )
            value.stored = True
            values[entry.path] = value
            made = (found.name, found.generation, entry.path)
            self.shares[entry.id] = Share(self.welcome.epoch, *made)
        return Publication(found.name, found.generation), values


def _publish_item(
    name: str, values: Mapping[str, Value], ttl: float | None, shared: bool
) -> session_pb2.Publish:
    if ttl is not None and ttl <= 0:
        raise ValueProblem(f"ttl={ttl:g}; expected seconds above 0, or None for no end")
    entries = [session_pb2.PublishEntry(path=p, id=v.id) for p, v in values.items()]
    milliseconds = 0 if ttl is None else max(1, round(ttl * 1000))
    return session_pb2.Publish(name=name, entries=entries, ttl_ms=milliseconds, shared=shared)


def _lookup_item(
    name: str, paths: Sequence[str], first_id: int, generation: int, timeout: float | None
) -> session_pb2.Lookup:
    left = microseconds_left()
    if timeout is not None:
        own = max(1, int(timeout * 1e6))
        left = min(left, own) if left else own
    return session_pb2.Lookup(
        name=name,
        paths=paths,
        first_id=first_id,
        min_generation=generation,
        timeout_us=left,
    )
