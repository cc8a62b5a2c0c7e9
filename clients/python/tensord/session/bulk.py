"""Bytes over 64 KiB: uploads and downloads through shared memory where the daemon is on this host,
else on the second channel, in 1 MiB chunks.

What is cut short goes on from where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from tensord._proto import compute_pb2, session_pb2
from tensord.errors import CancelledError, TensordError
from tensord.session.reconnect import Attempts, can_resume
from tensord.session.transport import Transport

__all__ = ["download", "upload"]

_CHUNK: Final = 1 << 20
_ALREADY_EXISTS: Final = 6
_DATA_TAG: Final = b"\x7a"  # field 15, length-delimited


def upload(
    transport: Transport,
    welcome: session_pb2.Welcome,
    number: int,
    data: memoryview,
    patience: float = 0.0,
    wanted: Callable[[], bool] = lambda: True,
) -> None:
    """Sends the bytes of an upload; returns when the daemon has them.

    A call that is lost is followed by another one from the offset that the daemon has, until none
    got further for `patience` seconds. `wanted` is asked between chunks; what is not wanted stops.
    """
    if transport.shared.upload(welcome, number, data, wanted):
        return
    attempts, offset = Attempts(), 0
    while True:
        try:
            status = transport.upload(_chunks(welcome, number, data, offset, wanted))
            if status.complete:
                return
            raise TensordError(f"the upload of {len(data)} bytes stopped at {status.committed}")
        except TensordError as error:
            # It has ended: the answer to an attempt before, maybe through shared memory, was lost.
            if error.code == _ALREADY_EXISTS:
                if _committed(transport, welcome, number, len(data)) == len(data):
                    return
                raise
            if not (wanted() and can_resume(error) and attempts.again(offset, patience)):
                raise
        with suppress(TensordError):  # then the next attempt fails too, or goes on from here
            offset = _committed(transport, welcome, number, len(data))
            if offset == len(data):
                return


def _committed(transport: Transport, welcome: session_pb2.Welcome, number: int, total: int) -> int:
    """How many bytes of the upload the daemon has."""
    asked = _head(welcome, number, total, 0)
    status = transport.call("UploadPart", asked, compute_pb2.UploadStatus, 10.0)
    return int(status.committed)


def _head(
    welcome: session_pb2.Welcome, number: int, total: int, offset: int
) -> compute_pb2.UploadChunk:
    return compute_pb2.UploadChunk(
        session=welcome.session,
        token=welcome.data_token,
        upload=number,
        total=total,
        offset=offset,
    )


def _chunks(
    welcome: session_pb2.Welcome,
    number: int,
    data: memoryview,
    start: int,
    wanted: Callable[[], bool],
) -> Iterator[bytes]:
    size = min(welcome.limits.max_chunk_bytes or _CHUNK, _CHUNK)
    total = len(data)
    for offset in range(start, total, size):
        if not wanted():
            return
        head = _head(welcome, number, total, offset)
        part = data[offset : offset + size]
        yield b"".join((head.SerializeToString(), _DATA_TAG, _varint(len(part)), part))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def download(
    transport: Transport,
    welcome: session_pb2.Welcome,
    data: session_pb2.Data,
    patience: float = 0.0,
    wanted: Callable[[], bool] = lambda: True,
) -> bytearray:
    """The bytes behind a ticket.

    A call that is lost is followed by another one from where it stopped, until none got further for
    `patience` seconds. `wanted` is asked between chunks; CancelledError when it says no.
    """
    out = bytearray(data.bytes)
    if transport.shared.download(welcome, data.ticket, out, wanted):
        return out
    attempts, at = Attempts(), 0
    while at < data.bytes:
        request = compute_pb2.DownloadRequest(
            session=welcome.session, token=welcome.data_token, ticket=data.ticket, offset=at
        )
        try:
            for chunk in transport.download(request):
                if not wanted():
                    raise CancelledError("the download was given up", code=1)
                out[at : at + len(chunk.data)] = chunk.data
                at += len(chunk.data)
            if at < data.bytes:
                raise TensordError(f"the download of {data.bytes} bytes stopped at {at}")
        except TensordError as error:
            if not (wanted() and can_resume(error) and attempts.again(at, patience)):
                raise
    return out
