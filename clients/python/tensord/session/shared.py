"""Bulk bytes through memory shared with a daemon on this host: tensord/v1/shared_memory.proto."""

from __future__ import annotations

import array
import fcntl
import mmap
import os
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tensord._proto import compute_pb2, session_pb2, shared_memory_pb2
from tensord.errors import CancelledError, ConnectionLost, make_error

__all__ = ["SharedLane"]

_MAGIC: Final = b"tensord\x01"
_MAX_MESSAGE: Final = 64 << 10
_WORTHWHILE: Final = 256 << 10
_BYTES_UNDER_WAY: Final = 3 << 19  # filled and not yet emptied; bulk_copy.h says why
_OPEN_TIMEOUT: Final = 5.0  # seconds
_PAUSE: Final = 10.0
_GET_SEALS: Final = getattr(fcntl, "F_GET_SEALS", 1034)  # of Linux, as the two below
_SEAL_SHRINK: Final = 2

Reply = shared_memory_pb2.RingReply
Request = shared_memory_pb2.RingRequest


class _Ring:
    """One connection with its memory. Errors are TensordErrors; after one it is of no more use."""

    def __init__(self, path: str, welcome: session_pb2.Welcome) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._in = bytearray()
        self._descriptor = -1
        try:
            self._socket.settimeout(_OPEN_TIMEOUT)
            self._socket.connect(path)
            self._socket.sendall(_MAGIC)
            opened = shared_memory_pb2.RingOpen(session=welcome.session, token=welcome.data_token)
            self._send(Request(open=opened))
            reply = self._receive()
            if not reply.HasField("opened"):
                raise make_error(reply.end.code, "", reply.end.message)
            self._map(reply.opened)
            self._socket.settimeout(None)
        except OSError as error:
            self.close()
            raise _gone(str(error)) from None
        except BaseException:
            self.close()
            raise

    def _map(self, opened: shared_memory_pb2.RingOpened) -> None:
        """The seals keep a daemon that shrinks the memory from ending this process."""
        self._slots, self._slot_bytes = opened.slots, opened.slot_bytes
        size = opened.slots * opened.slot_bytes
        if self._descriptor < 0 or not size:
            raise _gone("no descriptor came")
        seals = fcntl.fcntl(self._descriptor, _GET_SEALS)
        if not seals & _SEAL_SHRINK or os.fstat(self._descriptor).st_size < size:
            raise _gone("it is not sealed, or too small")
        self._memory = memoryview(mmap.mmap(self._descriptor, size))

    def close(self) -> None:
        self._socket.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _send(self, request: shared_memory_pb2.RingRequest) -> None:
        data = request.SerializeToString()
        try:
            self._socket.sendall(struct.pack("<I", len(data)) + data)
        except OSError as error:
            raise _gone(str(error)) from None

    def _receive(self) -> shared_memory_pb2.RingReply:
        while True:
            if len(self._in) >= 4:
                (length,) = struct.unpack_from("<I", self._in)
                if length > _MAX_MESSAGE:
                    raise _gone("the answer is none of its messages")
                if len(self._in) >= 4 + length:
                    data = bytes(self._in[4 : 4 + length])
                    del self._in[: 4 + length]
                    return Reply.FromString(data)
            self._receive_more()

    def _receive_more(self) -> None:
        room = socket.CMSG_SPACE(array.array("i").itemsize)
        try:
            data, ancillary, _, _ = self._socket.recvmsg(4096, room, socket.MSG_CMSG_CLOEXEC)
        except OSError as error:
            raise _gone(str(error)) from None
        if not data:
            raise _gone("the daemon closed the connection")
        self._in += data
        for level, kind, descriptors in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                (self._descriptor,) = struct.unpack("i", descriptors)

    def _slot(self, slot: int, size: int) -> memoryview:
        if slot >= self._slots or size > self._slot_bytes:
            raise _gone("the daemon named a slot that does not exist")
        return self._memory[slot * self._slot_bytes :][:size]

    def _uploaded(self) -> int:
        """The slot that the next answer gives back."""
        reply = self._receive()
        if not reply.HasField("uploaded"):
            raise make_error(reply.end.code, "", reply.end.message)
        if reply.uploaded.code:
            raise make_error(reply.uploaded.code, "", reply.uploaded.message)
        return int(reply.uploaded.slot)

    def upload(self, number: int, data: memoryview, wanted: Callable[[], bool]) -> None:
        free = deque(range(self._slots))
        under_way = max(1, min(self._slots, _BYTES_UNDER_WAY // self._slot_bytes))
        for offset in range(0, len(data), self._slot_bytes):
            if not wanted():
                raise CancelledError("the upload was given up", code=1)
            if len(free) == self._slots - under_way:
                free.append(self._uploaded())
            slot = free.popleft()
            part = data[offset : offset + self._slot_bytes]
            self._slot(slot, len(part))[:] = part
            chunk = shared_memory_pb2.RingUpload(
                upload=number, total=len(data), offset=offset, slot=slot, bytes=len(part)
            )
            self._send(Request(upload=chunk))
        for _ in range(self._slots - len(free)):
            self._uploaded()

    def download(self, ticket: bytes, out: bytearray, wanted: Callable[[], bool]) -> None:
        self._send(Request(download=compute_pb2.DownloadRequest(ticket=ticket)))
        at = 0
        while (reply := self._receive()).HasField("part"):
            if not wanted():
                raise CancelledError("the download was given up", code=1)
            size = reply.part.bytes
            if size > len(out) - at:
                raise _gone("the daemon sent more bytes than the value has")
            out[at : at + size] = self._slot(reply.part.slot, size)
            at += size
            release = shared_memory_pb2.RingRelease(slot=reply.part.slot)
            self._send(Request(release=release))
        if reply.end.code:
            raise make_error(reply.end.code, "", reply.end.message)
        if at < len(out):
            raise _gone(f"the download of {len(out)} bytes stopped at {at}")


class SharedLane:
    """A session's ring: opened by the first transfer that is worth it, and anew when the daemon has
    closed it. Thread-safe; a second transfer at the same time goes another way."""

    def __init__(self, path: str | None) -> None:
        """`path`: of the daemon's Unix socket; None: there is no ring."""
        self._path = path
        self._lock = threading.Lock()
        self._ring: _Ring | None = None
        self._again = 0.0  # when to try to open one next

    def upload(
        self,
        welcome: session_pb2.Welcome,
        number: int,
        data: memoryview,
        wanted: Callable[[], bool],
    ) -> bool:
        """Sends the bytes of an upload; False: it is to be done in another way."""
        return self._use(welcome, len(data), lambda ring: ring.upload(number, data, wanted))

    def download(
        self,
        welcome: session_pb2.Welcome,
        ticket: bytes,
        out: bytearray,
        wanted: Callable[[], bool],
    ) -> bool:
        """Fills `out` with what is behind a ticket; False: it is to be done in another way."""
        return self._use(welcome, len(out), lambda ring: ring.download(ticket, out, wanted))

    def _use(
        self, welcome: session_pb2.Welcome, size: int, transfer: Callable[[_Ring], None]
    ) -> bool:
        if self._path is None or size < _WORTHWHILE:
            return False
        if not self._lock.acquire(blocking=False):
            return False
        try:
            ring = self._open(self._path, welcome)
            if ring is None:
                return False
            transfer(ring)
            return True
        except ConnectionLost:
            self._drop()
            return False
        except BaseException:
            self._drop()
            raise
        finally:
            self._lock.release()

    def _open(self, path: str, welcome: session_pb2.Welcome) -> _Ring | None:
        if self._ring is None and time.monotonic() >= self._again:
            self._again = time.monotonic() + _PAUSE
            with suppress(Exception):  # refused, or not offered: the other way tells why
                self._ring = _Ring(path, welcome)
        return self._ring

    def _drop(self) -> None:
        if self._ring is not None:
            self._ring.close()
        self._ring = None

    def abandon_after_fork(self) -> None:
        """In the child: the parent's connection ends with the parent. No lock is touched."""
        self._path = None
        self._drop()

    def close(self) -> None:
        """Between transfers; one that is under way ends by itself."""
        if self._lock.acquire(blocking=False):
            self._drop()
            self._lock.release()


def _gone(why: str) -> ConnectionLost:
    return ConnectionLost(f"shared memory: {why}", reason="UNAVAILABLE", code=14)
