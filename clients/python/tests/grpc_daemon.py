"""The daemon of fake_daemon.py behind a real gRPC server: `python grpc_daemon.py ADDRESS`.

It stands in for the binary in tests of transport, start-up and fork: takes the daemon's flags, says
`listening ADDRESS`, and ends when its standard input closes.
"""

from __future__ import annotations

import sys
from concurrent import futures
from typing import Any

import grpc
from fake_daemon import FakeDaemon

from tensord._proto import compute_pb2


class Service(grpc.GenericRpcHandler):  # type: ignore[misc]
    """A FakeDaemon per session stream; bulk calls go to the newest."""

    def __init__(self) -> None:
        self.daemon = FakeDaemon()

    def service(self, details: Any) -> Any:
        name = details.method.rpartition("/")[2]
        if name == "Session":
            return grpc.stream_stream_rpc_method_handler(self.session)
        if name == "Upload":
            return grpc.stream_unary_rpc_method_handler(
                lambda chunks, context: self.daemon.upload(chunks).SerializeToString()
            )
        if name == "Download":
            return grpc.unary_stream_rpc_method_handler(self.download)
        if name == "GetStats":
            return grpc.unary_unary_rpc_method_handler(self.stats)
        return None

    def session(self, frames: Any, context: Any) -> Any:
        self.daemon = FakeDaemon()
        yield from self.daemon.session(frames)

    def download(self, request: bytes, context: Any) -> Any:
        message = compute_pb2.DownloadRequest.FromString(request)
        for chunk in self.daemon.download(message):
            yield chunk.SerializeToString()

    def stats(self, request: bytes, context: Any) -> bytes:
        counter = compute_pb2.Counter(name="frames_in", value=len(self.daemon.frames))
        return compute_pb2.StatsReply(counters=[counter]).SerializeToString()


def main() -> None:
    flags = dict(a.lstrip("-").partition("=")[::2] for a in sys.argv[1:])
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((Service(),))
    server.add_insecure_port(flags["listen"])
    server.start()
    print(f"listening {flags['listen']}", flush=True)
    sys.stdin.read()
    server.stop(None)


if __name__ == "__main__":
    main()
