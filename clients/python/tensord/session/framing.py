"""Frames under construction: nodes, items, freed ids, places and strings, and when they leave."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple

from tensord import source
from tensord._proto import session_pb2
from tensord.base import TensorBase
from tensord.graph import Recorder, Value, span_list
from tensord.nodes import encode, runs
from tensord.session.inbox import Inbox
from tensord.session.interrupt import Exclusive
from tensord.session.outbox import Outbox
from tensord.session.programs import Programs
from tensord.session.trace_context import current_traceparent

__all__ = ["Asked", "Framing", "Share"]

_REPLY_WINDOW: Final = 32 << 20  # bytes of ServerFrames granted ahead
FRAME_BYTES: Final = 256 << 10  # inline data after which a frame leaves
_AHEAD: Final = 1  # frames that are not completed: beyond, the daemon has work
_MANY: Final = 16  # items that do not wait for more


class Share(NamedTuple):
    """Where another process finds a value: the daemon's start, a publication and a path in it."""

    epoch: int
    name: str
    generation: int
    path: str


class Asked:
    """An item that is answered: the frame it is in, and the future of its answer.

    Made before the item is, so that whoever is interrupted knows what to give up. `lazy`: the
    values that are computed for it alone.
    """

    __slots__ = ("future", "item", "lazy", "seq")

    def __init__(self, lazy: Sequence[Value] = ()) -> None:
        self.lazy = lazy
        self.seq = 0  # 0: not asked
        self.item = 0
        self.future: Future[Any] = Future()


class Framing(Recorder):
    """What a session collects until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.exclusive = Exclusive(self.lock)
        self.shares: dict[int, Share] = {}  # of a value's id: where it is published
        self._dropped: deque[int] = deque()
        self.dropped = self._dropped.append
        self._programs = Programs()
        self.drop_program = self._programs.dropped.append
        self._frame = session_pb2.ClientFrame()
        self._pending_bytes = 0
        self._traceparent = ""  # of the frame under construction
        self._seq = 0
        self._nudged = 0  # the frame after this one will be looked after
        self._places_sent = 1
        self._strings_sent = 0
        self._outbox = Outbox(self._flush_if_free, self._progress)
        self._inbox = Inbox(self._outbox, self._on_resumed, self._on_going_away)

    @abstractmethod
    def _on_resumed(self, welcome: session_pb2.Welcome) -> None:
        """A new stream has taken the session over."""

    @abstractmethod
    def _on_going_away(self, notice: session_pb2.GoingAway) -> None:
        """The daemon is about to stop."""

    def _before_item(self) -> None:
        traceparent = current_traceparent()
        if traceparent != self._traceparent:
            if self.rows or self._frame.items:  # a frame belongs to one trace
                self.flush()
            self._traceparent = traceparent

    def _begin(self) -> None:
        with self.exclusive:
            self._outbox.nudge()

    def _full(self) -> None:
        self.flush()
        self.congested = self._outbox.congested

    def _soon(self) -> None:
        """Sends what waits: at once to a daemon that may be idle; to one that has work, with what
        follows within a millisecond."""
        busy = self._seq - self._inbox.completed > _AHEAD
        if not busy or len(self._frame.items) >= _MANY:
            self._full()
        elif self._nudged != self._seq:
            self._nudged = self._seq
            self._outbox.nudge()

    def relieve(self) -> None:
        self.congested = False
        self._outbox.throttle()

    def _progress(self) -> tuple[int, bool]:
        collected = self.rows, self._frame.items, self._dropped, self._programs.dropped
        return self.next_id, any(map(len, collected)) or self._inbox.ack_due

    def _flush_if_free(self) -> bool:
        """From the writer's thread, which must not wait for a producer that waits for it."""
        if not self.lock.acquire(blocking=False):
            return False
        try:
            if self._inbox.error is None:
                self.flush()
            return True
        finally:
            self.lock.release()

    def _item(self, **kind: Any) -> int:
        """Appends an item behind the nodes so far; its position in the frame. Needs the lock."""
        self._before_item()
        self._close_rows()
        self._frame.items.add(**kind)
        return len(self._frame.items) - 1

    def _close_rows(self) -> None:
        if self.rows:
            rows, self.rows = self.rows, []
            for run in runs(rows):
                encode(run, self.intern, self._frame.items.add().nodes)

    def _ask(self, asked: Asked | None = None, **kind: Any) -> Asked:
        """Appends an item that is answered."""
        asked = asked or Asked()
        with self.exclusive:
            asked.item = self._item(**kind)
            asked.seq = self._seq + 1
            self._inbox.expect(asked.seq, asked.item, asked.future)
        return asked

    def flush(self) -> None:
        """Sends what waits. Raises when the session is lost."""
        with self.exclusive:
            self._inbox.check()
            self._close_rows()
            self._add_releases()
            self._add_frees()
            frame = self._frame
            self._seq += 1
            frame.seq = self._seq
            frame.acked, received = self._inbox.acknowledge()
            frame.max_reply_bytes = received + _REPLY_WINDOW
            frame.traceparent, self._traceparent = self._traceparent, ""
            frame.strings.extend(itertools.islice(self.strings, self._strings_sent, None))
            self._strings_sent = len(self.strings)
            self._add_places(frame)
            self._outbox.put(self._seq, frame.SerializeToString(), len(frame.items))
            self._frame = session_pb2.ClientFrame()
            self._pending_bytes = 0

    def _add_releases(self) -> None:
        for slot in self._programs.take_unused():
            self._frame.items.add(release=session_pb2.ReleaseProgram(slot=slot))

    def _add_frees(self) -> None:
        dropped = self._dropped
        count = len(dropped)
        if count:
            ids = sorted([dropped.popleft() for _ in range(count)])
            self._frame.items.add(free=session_pb2.Free(ids=span_list(ids)))
            for id_ in ids if self.shares else ():
                self.shares.pop(id_, None)

    def _add_places(self, frame: session_pb2.ClientFrame) -> None:
        places = source.PLACES
        for number in range(self._places_sent, len(places)):
            file, line, function = places[number]
            frame.sources.add(index=number, file=file, line=line, function=function)
        self._places_sent = len(places)

    def adopt(self, tensor: TensorBase) -> Value:
        graph = tensor._v.graph
        if graph.broken is not None:
            raise graph.broken()
        return super().adopt(tensor)
