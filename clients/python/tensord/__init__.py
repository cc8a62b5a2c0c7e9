"""tensord: a client of the tensor daemon, with tinygrad's interface.

    from tensord import Tensor, nn, jit

    x = Tensor.rand(3, 4)
    print((x @ x.T).relu().sum().item())

The first operation connects: to $TENSORD_ADDR, the configured or default daemon, or one of its own
(see `connect`).
"""

import os as _os

# Before grpc is imported: a child of this process may open a session of its own.
_os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")
_os.environ.setdefault("GRPC_VERBOSITY", "NONE")

from tensord import errors, nn
from tensord.context import Context
from tensord.dtype import DType, dtypes
from tensord.errors import TensordError
from tensord.jit import TinyJit, jit
from tensord.session.connection import Connection
from tensord.session.default import (
    aconnect,
    asynchronize,
    connect,
    connection,
    disconnect,
    synchronize,
)
from tensord.session.terms import device, priority, timeout
from tensord.session.trace_context import traceparent
from tensord.sharing import alookup, apublish, lookup, publish, unpublish
from tensord.symbolic import Variable
from tensord.tensor import Tensor
from tensord.version import __version__

__all__ = [
    "Connection",
    "Context",
    "DType",
    "Tensor",
    "TensordError",
    "TinyJit",
    "Variable",
    "__version__",
    "aconnect",
    "alookup",
    "apublish",
    "asynchronize",
    "connect",
    "connection",
    "device",
    "disconnect",
    "dtypes",
    "errors",
    "jit",
    "lookup",
    "nn",
    "priority",
    "publish",
    "synchronize",
    "timeout",
    "traceparent",
    "unpublish",
]
