"""What can go wrong, as exceptions that are also the builtin ones a Python programmer expects.

Every failure is a TensordError; one that the daemon reported carries its `reason` (a word from the
list in proto/tensord/v1/session.proto), `code` (google.rpc.Code), the op and the user's own line.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "CancelledError",
    "ConnectionLost",
    "DTypeError",
    "DaemonNotFound",
    "DeadlineError",
    "DeviceError",
    "DonatedError",
    "ForkError",
    "IndexOutOfRange",
    "InternalError",
    "JitError",
    "NotFoundError",
    "OutOfMemory",
    "PermissionDenied",
    "ProtocolError",
    "ShapeError",
    "TensordError",
    "TransferError",
    "UnimplementedError",
    "ValueProblem",
]


class TensordError(Exception):
    """Anything that tensord refuses or fails at.

    Attributes: `reason` and `code` as the daemon sent them ("" and 0 for errors found locally),
    `op` and `source` of the node that failed ("file:line in function", or "").
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason: str = "",
        code: int = 0,
        op: str = "",
        source: str = "",
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.code = code
        self.op = op
        self.source = source
        self.retry_after = retry_after  # seconds; 0: not said


class ValueProblem(TensordError, ValueError):
    """An argument whose value does not fit."""


class ShapeError(ValueProblem):
    """Shapes that do not go together."""


class DTypeError(TensordError, TypeError):
    """A dtype or Python type that an operation does not take."""


class IndexOutOfRange(TensordError, IndexError):
    """An axis or index beyond what is there."""


class DonatedError(ValueProblem):
    """A value whose memory a jitted function took over."""


class NotFoundError(TensordError, KeyError):
    """A name, id or Program that the daemon does not know."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class OutOfMemory(TensordError, MemoryError):
    """A limit of the daemon or its device is reached; the message says which and how much."""


class DeadlineError(TensordError, TimeoutError):
    """The work did not end in the time it was given."""


class CancelledError(TensordError, RuntimeError):
    """The work was given up."""


class ConnectionLost(TensordError, ConnectionError):
    """The daemon can't be reached, or went away with this session's values."""


class DaemonNotFound(ConnectionLost):
    """No daemon listens, and no binary to start one was found."""


class PermissionDenied(TensordError, PermissionError):
    """Missing or wrong credentials."""


class ForkError(TensordError, RuntimeError):
    """A tensor of the parent process was used after a fork."""


class UnimplementedError(TensordError, NotImplementedError):
    """The daemon does not know what was asked of it."""


class TransferError(TensordError, OSError):
    """Bytes that did not arrive, or not as they were."""


class ProtocolError(TensordError, RuntimeError):
    """Client and daemon do not understand each other: another version, or a breach of the rules."""


class InternalError(TensordError, RuntimeError):
    """The daemon failed, through no fault of what was asked of it."""


class JitError(TensordError, RuntimeError):
    """A function can't be traced as it is."""


class DeviceError(TensordError, RuntimeError):
    """The device or a compiler failed."""


_BY_REASON: Final[dict[str, type[TensordError]]] = {
    "ARITY": DTypeError,
    "ATTRIBUTE": ValueProblem,
    "AUTH": PermissionDenied,
    "BODY": ValueProblem,
    "CANCELLED": CancelledError,
    "COMPILE": DeviceError,
    "CREDIT": ProtocolError,
    "DEADLINE": DeadlineError,
    "DEVICE": ValueProblem,
    "DEVICE_FAULT": DeviceError,
    "DIGEST": TransferError,
    "DONATED": DonatedError,
    "DONATION": ValueProblem,
    "DRAINING": ConnectionLost,
    "DTYPE": DTypeError,
    "EPOCH_LOST": ConnectionLost,
    "FENCED": ConnectionLost,
    "FORBIDDEN": PermissionDenied,
    "FRAMING": ProtocolError,
    "FREED": ValueProblem,
    "GAP": ProtocolError,
    "ID_RANGE": IndexOutOfRange,
    "ID_USED": ValueProblem,
    "INTERNAL": InternalError,
    "LEASE_EXPIRED": ConnectionLost,
    "LIMIT": OutOfMemory,
    "NAME": ValueProblem,
    "NAME_UNKNOWN": NotFoundError,
    "NO_GRADIENT": ValueProblem,
    "OUT_OF_MEMORY": OutOfMemory,
    "OVERFLOW": ShapeError,
    "PLACEMENT": ValueProblem,
    "PROGRAM_UNKNOWN": NotFoundError,
    "SESSION_UNKNOWN": ConnectionLost,
    "SHAPE": ShapeError,
    "TRUNCATED": TransferError,
    "TYPE_MISMATCH": DTypeError,
    "UNIMPLEMENTED": UnimplementedError,
    "UNKNOWN_ID": ValueProblem,
    "UNKNOWN_OP": UnimplementedError,
    "UPLOAD": TransferError,
    "VERSION": ProtocolError,
}
_BY_CODE: Final[dict[int, type[TensordError]]] = {  # google.rpc.Code
    1: CancelledError,
    2: InternalError,
    3: ValueProblem,
    4: DeadlineError,
    5: NotFoundError,
    6: ValueProblem,
    7: PermissionDenied,
    8: OutOfMemory,
    9: ProtocolError,
    10: ConnectionLost,
    11: IndexOutOfRange,
    12: UnimplementedError,
    13: InternalError,
    14: ConnectionLost,
    15: TransferError,
    16: PermissionDenied,
}


def make_error(
    code: int,
    reason: str,
    message: str,
    *,
    op: str = "",
    source: str = "",
    retry_after: float = 0.0,
) -> TensordError:
    """The exception for a failure that the daemon reported; names the op and the user's line."""
    kind = _BY_REASON.get(reason) or _BY_CODE.get(code) or TensordError
    text = message if not op or op in message else f"{op}: {message}"
    if source:
        text = f"{text}\n  the operation was written at {source}"
    return kind(text, reason=reason, code=code, op=op, source=source, retry_after=retry_after)
