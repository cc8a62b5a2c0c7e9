"""Bytes over 64 KiB: uploads and downloads on the second channel, in 1 MiB chunks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Final

from tensord._proto import compute_pb2, session_pb2
from tensord.errors import DeadlineError, TensordError
from tensord.session.transport import Transport

__all__ = ["read", "upload"]

_CHUNK: Final = 1 << 20
_DATA_TAG: Final = b"\x7a"  # field 15, length-delimited


def upload(
    transport: Transport, welcome: session_pb2.Welcome, number: int, data: memoryview
) -> None:
    """Sends the bytes of an upload; returns when the daemon has them."""
    chunk = min(welcome.limits.max_chunk_bytes or _CHUNK, _CHUNK)
    status = transport.upload(_chunks(welcome, number, data, chunk))
    if not status.complete:
        raise TensordError(f"the upload of {len(data)} bytes stopped at {status.committed}")


def _chunks(
    welcome: session_pb2.Welcome, number: int, data: memoryview, size: int
) -> Iterator[bytes]:
    total = len(data)
    for offset in range(0, total, size):
        head = compute_pb2.UploadChunk(
            session=welcome.session,
            token=welcome.data_token,
            upload=number,
            total=total,
            offset=offset,
        )
        part = data[offset : offset + size]
        yield b"".join((head.SerializeToString(), _DATA_TAG, _varint(len(part)), part))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read(
    transport: Transport,
    welcome: session_pb2.Welcome,
    answer: Future[session_pb2.Data],
    timeout: float | None,
) -> bytes | bytearray:
    """The bytes that a Fetch answers, inline or by its ticket."""
    try:
        data = answer.result(timeout)
    except FutureTimeout as error:
        if isinstance(error, TensordError):
            raise
        answer.cancel()
        raise DeadlineError(f"no value within {timeout:g} s") from None
    return download(transport, welcome, data) if data.ticket else data.inline


def download(
    transport: Transport, welcome: session_pb2.Welcome, data: session_pb2.Data
) -> bytearray:
    """The bytes behind a ticket."""
    out = bytearray(data.bytes)
    request = compute_pb2.DownloadRequest(
        session=welcome.session, token=welcome.data_token, ticket=data.ticket
    )
    at = 0
    for chunk in transport.download(request):
        out[at : at + len(chunk.data)] = chunk.data
        at += len(chunk.data)
    if at != data.bytes:
        raise TensordError(f"the download of {data.bytes} bytes stopped at {at}")
    return out
