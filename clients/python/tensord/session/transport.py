"""How frames and bulk bytes reach the daemon: gRPC, without generated stubs.

Messages of the hot paths stay bytes here: the session serialises them itself, because credit is
counted in serialised bytes and because an upload's data need not be copied into a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

import grpc

from tensord._proto import compute_pb2
from tensord.errors import ConnectionLost, TensordError, make_error
from tensord.session.address import Tls
from tensord.session.shared import SharedLane

__all__ = ["GrpcTransport", "Transport", "grpc_target", "rpc_error"]

_SERVICE: Final = "/tensord.v1.Compute/"
_OPTIONS: Final = (
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),  # the two channels get a connection each
    ("grpc.primary_user_agent", "tensord-python"),
    # A connection that is lost is made anew soon: gRPC's own pauses grow to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 5000),  # how long one attempt may take
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class Transport(Protocol):
    """What a Connection needs of the other side. Errors are TensordErrors."""

    shared: SharedLane
    """For bulk bytes, before `upload` and `download`."""

    def session(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        """Serialised ClientFrames in, ServerFrames out, until either side ends."""

    def upload(self, chunks: Iterable[bytes]) -> compute_pb2.UploadStatus:
        """Serialised UploadChunks."""

    def download(self, request: compute_pb2.DownloadRequest) -> Iterable[compute_pb2.DownloadChunk]:
        """The chunks in order."""

    def call(self, method: str, request: Any, reply: Any, timeout: float | None) -> Any:
        """A unary call of the service; `reply` is the class of its answer."""

    def close(self) -> None:
        """Ends every call."""


def grpc_target(address: str) -> str:
    """gRPC's spelling of "unix:///path", "tcp://host:port", "tls://host:port" or "host:port"."""
    return address.removeprefix("tcp://").removeprefix("tls://")


def rpc_error(error: grpc.RpcError) -> TensordError:
    """A gRPC status as the exception that a fault of the same code gives."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = (error.details() if isinstance(error, grpc.Call) else "") or str(error)
    if "andshake failed" in details:
        details += (
            "; look at the daemon's address (does it listen with tls:// there?), at the CA (`ca`, "
            "$TENSORD_CA) and at the host's name (is it in the certificate?)"
        )
    if code == grpc.StatusCode.UNAVAILABLE:
        return ConnectionLost(
            f"the daemon can't be reached: {details}", reason="UNAVAILABLE", code=14
        )
    return make_error(int(code.value[0]), "", f"{code.name}: {details}")


def _bytes(data: bytes) -> bytes:
    return data


def _channel(address: str, tls: Tls | None) -> grpc.Channel:
    target = grpc_target(address)
    if tls is None:
        return grpc.insecure_channel(target, _OPTIONS)
    credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.cert)
    return grpc.secure_channel(target, credentials, _OPTIONS)


class GrpcTransport:
    """Two channels to one address: the session's own, and one for bulk bytes."""

    def __init__(self, address: str, tls: Tls | None = None, shared_memory: bool = True) -> None:
        path = address.removeprefix("unix:") if address.startswith("unix:") else None
        self.shared = SharedLane(path.removeprefix("//") if path and shared_memory else None)
        self._control = _channel(address, tls)
        self._bulk = _channel(address, tls)
        self._call: Any = None

    def session(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        stub = self._control.stream_stream(_SERVICE + "Session", _bytes, _bytes)
        self._call = stub(frames)
        try:
            yield from self._call
        except grpc.RpcError as error:
            raise rpc_error(error) from None

    def upload(self, chunks: Iterable[bytes]) -> compute_pb2.UploadStatus:
        stub = self._bulk.stream_unary(
            _SERVICE + "Upload", _bytes, compute_pb2.UploadStatus.FromString
        )
        call = stub.future(iter(chunks))
        try:
            status: compute_pb2.UploadStatus = call.result()
            return status
        except grpc.RpcError as error:
            raise rpc_error(error) from None
        finally:
            call.cancel()  # of one that was interrupted

    def download(self, request: compute_pb2.DownloadRequest) -> Iterable[compute_pb2.DownloadChunk]:
        stub = self._bulk.unary_stream(
            _SERVICE + "Download",
            compute_pb2.DownloadRequest.SerializeToString,
            compute_pb2.DownloadChunk.FromString,
        )
        call = stub(request)
        try:
            yield from call
        except grpc.RpcError as error:
            raise rpc_error(error) from None
        finally:
            call.cancel()  # of one that is given up

    def call(self, method: str, request: Any, reply: Any, timeout: float | None) -> Any:
        stub = self._bulk.unary_unary(
            _SERVICE + method, type(request).SerializeToString, reply.FromString
        )
        try:
            return stub(request, timeout=timeout)
        except grpc.RpcError as error:
            raise rpc_error(error) from None

    def close(self) -> None:
        if self._call is not None:
            self._call.cancel()
        self._control.close()
        self._bulk.close()
        self.shared.close()
