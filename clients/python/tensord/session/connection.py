"""A session: who is at the other end, the stream and its successors, and its end.

What is asked of it stands in commands.py and publishing.py, how that travels in framing.py. See
proto/tensord/v1/session.proto for the semantics of every message.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Final

from tensord._proto import session_pb2, types_pb2
from tensord.errors import ConnectionLost, DeadlineError, ForkError, TensordError
from tensord.graph import ignore
from tensord.session.credentials import Credentials, Token
from tensord.session.interrupt import Exclusive
from tensord.session.publishing import Publishing
from tensord.session.reconnect import Attempts, can_resume, is_unauthenticated
from tensord.session.transport import GrpcTransport, Transport
from tensord.version import __version__

__all__ = ["Connection"]

log = logging.getLogger("tensord")
_AUTH_PATIENCE: Final = 10.0  # seconds


class Connection(Publishing):
    """A session with a daemon. Thread-safe; close it or use it in a `with` block.

    `welcome` is the daemon's Welcome; `address` what was connected to. A stream that is lost is
    taken up again by itself, for as long as the daemon keeps the session, `reconnect` seconds at
    most: nothing is lost, and nothing is done twice. After that, after `close`, or when the daemon
    was started anew, every use raises ConnectionLost. Where the daemon does not take the token any
    more, one that its file or function has by then is tried. `token`: see tensord.connect.
    """

    def __init__(
        self,
        address: str,
        *,
        transport: Transport | None = None,
        token: Token = "",
        label: str = "",
        timeout: float = 10.0,
        reconnect: float = 10.0,
    ) -> None:
        super().__init__()
        self.address = address
        self.token = token
        # ca, cert and key as `connect` was given them.
        self.tls_files: tuple[str | None, str | None, str | None] = (None, None, None)
        self.label = label
        self.going_away: session_pb2.GoingAway | None = None  # the daemon's notice
        self._credentials = Credentials(token)
        self.reconnect_seconds = reconnect
        self._welcomed = self._closing = self._over = False
        self.forked = False
        self._resumptions = 0
        #: what the daemon has heard last
        credentials = self._shown = self._credentials.now()
        self.transport: Transport = transport or GrpcTransport(address)
        self.welcome = self._hello(credentials, label, timeout)
        self._inline = self.welcome.limits.max_inline_bytes or self._inline
        self.devices = {d.name: d.number for d in self.welcome.devices}
        self.default_device = next((d.name for d in self.welcome.devices if d.is_default), "")
        self._credentials.keep_fresh(self._tell_credentials)

    def _hello(
        self, credentials: types_pb2.Credentials, label: str, timeout: float
    ) -> session_pb2.Welcome:
        hello = session_pb2.Hello(
            min_version=1,
            max_version=1,
            client_name="tensord-python",
            client_version=__version__,
            label=label,
            credentials=credentials,
        )
        answer = self._ask(hello=hello).future
        self.flush()
        reader = threading.Thread(target=self._read, name="tensord-reader", daemon=True)
        reader.start()
        self._reader = reader
        try:
            welcome: session_pb2.Welcome = self._wait(answer, timeout)
        except DeadlineError:
            lost = ConnectionLost(f"no answer from {self.address} in {timeout:g} s")
            self._abort(lost)
            raise lost from None
        except BaseException as error:
            self._abort(error if isinstance(error, TensordError) else ConnectionLost("interrupted"))
            raise
        self._welcomed = True
        return welcome

    def _abort(self, error: TensordError) -> None:
        self._closing = True
        self._shut(error)
        self.transport.close()

    def _lost(self) -> Exception:
        error = self._inbox.error or ConnectionLost("the session is closed")
        return type(error)(str(error), reason=error.reason, code=error.code)

    def _read(self) -> None:
        try:
            self._follow_streams()
        except TensordError as error:  # no token for the next one
            self._shut(error)
        except Exception as error:  # of the function that should have answered a token
            self._shut(ConnectionLost(f"the session ended: {error!r}"))

    def _follow_streams(self) -> None:
        frames = self._outbox.frames()
        attempts = Attempts()
        while True:
            error = self._listen(frames)
            refused = is_unauthenticated(error)
            if self._closing or self._inbox.error is not None or not self._welcomed:
                return self._shut(error)
            if not (refused or can_resume(error)):
                return self._shut(error)
            if self.successors or not attempts.again(self._resumptions, self.patience):
                return self._shut(self._state_lost(error))
            fresh = self._credentials.now()
            if refused and fresh == self._shown:
                return self._shut(error)
            log.info("the stream was lost (%s); taking the session up again", error)
            frames = self._outbox.frames(self._resume_frame(fresh))

    def _listen(self, frames: Iterator[bytes]) -> TensordError:
        """Takes in what one stream brings; how it ended."""
        self._inbox.refusal = None
        try:
            for raw in self.transport.session(frames):
                self._inbox.receive(raw)
            return ConnectionLost("the session is closed")
        except TensordError as error:
            return self._inbox.refusal or error
        except Exception as error:
            return ConnectionLost(f"the session ended: {error}")

    @property
    def patience(self) -> float:
        """Seconds for which a lost connection is made anew: the daemon's lease at most."""
        if self._closing or not self._welcomed:
            return 0.0
        return min(self.reconnect_seconds, self.welcome.lease_ms / 1000)

    def _resume_frame(self, credentials: types_pb2.Credentials) -> bytes:
        self._shown = credentials
        resume = session_pb2.Resume(
            session=self.welcome.session,
            resume_secret=self.welcome.resume_secret,
            epoch=self.welcome.epoch,
            last_seen=self._inbox.seen,
            credentials=credentials,
        )
        frame = session_pb2.ClientFrame(items=[session_pb2.Item(resume=resume)])
        return frame.SerializeToString()

    def _state_lost(self, error: TensordError) -> TensordError:
        """Why the session is over, which is more than that a stream was lost."""
        why = self.going_away.reason if self.going_away is not None else str(error)
        return ConnectionLost(
            f"the session with {self.address} is lost, and its values with it ({why}); make "
            "tensors anew",
            reason=error.reason,
            code=error.code,
        )

    def _on_going_away(self, notice: session_pb2.GoingAway) -> None:
        if self.going_away is None:
            log.warning(
                "the daemon at %s is going away in %.3g s: %s; fetch what is needed%s",
                self.address,
                notice.deadline_us / 1e6,
                notice.reason,
                f", it goes on at {', '.join(notice.endpoints)}" if notice.endpoints else "",
            )
        self.going_away = notice

    @property
    def successors(self) -> list[str]:
        """Where the daemon, when it said that it goes away, said to go."""
        return list(self.going_away.endpoints) if self.going_away is not None else []

    def _on_resumed(self, welcome: session_pb2.Welcome) -> None:
        self.welcome = welcome
        self._resumptions += 1
        self._outbox.resume(welcome.applied)

    def _shut(self, error: TensordError) -> None:
        if self._welcomed and not self._closing and not self._over:
            log.warning("%s", error)  # values are gone: said once, and by all that use them
        self._over = True
        self._inbox.fail(error)
        self.broken = self._lost
        self._outbox.close()
        self._background.close()
        self._credentials.close()

    # ------------------------------------------------------------------ credentials

    def refresh_credentials(self) -> None:
        """Tells the daemon the token of now, before the old one ends. Done by itself for tokens
        from files and functions. Raises PermissionDenied; the session goes on with the old one."""
        self._tell_credentials(self._credentials.now())

    def _tell_credentials(self, credentials: types_pb2.Credentials) -> None:
        auth = session_pb2.AuthRefresh(credentials=credentials)
        self._tell({"ping": session_pb2.Ping()}, _AUTH_PATIENCE, auth=auth)
        self._shown = credentials

    # ------------------------------------------------------------------ end

    @property
    def alive(self) -> bool:
        """Whether the session can be used."""
        return not self.forked and self._inbox.error is None

    @property
    def closed(self) -> bool:
        """Whether `close` was called: the end was wanted."""
        return self._closing

    def close(self, timeout: float = 2.0) -> None:
        """Says Bye: the daemon frees every value. Idempotent."""
        self._closing = True
        if self.alive:
            with self.exclusive:
                self._item(bye=session_pb2.Bye())
                self.flush()
            self._outbox.close()
            self._reader.join(timeout)
        if not self.forked:
            self._shut(ConnectionLost("the session is closed"))
            self.transport.close()

    def abandon_after_fork(self) -> None:
        """In the child: the session stays the parent's. No lock of the parent is touched."""
        self.forked = True
        self.lock = threading.RLock()
        self.exclusive = Exclusive(self.lock)
        self._inbox.error = ForkError("this session belongs to the parent process")
        self.broken = _forked
        self.transport.shared.abandon_after_fork()
        self.dropped = ignore

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "" if self.alive else ", closed"
        return f"<tensord.Connection {self.address}{state}>"


def _forked() -> ForkError:
    return ForkError(
        "this tensor belongs to the parent process; after a fork make tensors anew in "
        "the child, from numpy arrays for example"
    )
