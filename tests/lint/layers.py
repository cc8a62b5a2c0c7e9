"""Includes point one way: engine folders to their left, server to one header, clients to proto.

Prints each arrow that runs back and exits 1 when there is one.
"""

import re
import sys
from pathlib import Path

from tree import CPP, ROOT, files, read

ORDER = [
    "base",
    "types",
    "ir",
    "ops",
    "passes",
    "schedule",
    "kernel",
    "codegen",
    "device",
    "runtime",
]

# What the server may include of the engine: its public header, what a session is made of (graph of
# names, functions by description, errors with reasons), and the values that appear in their
# signatures (base: Status, settings, logs; types: dtypes, host tensors).
SERVER_MAY_INCLUDE = (
    "engine/runtime/engine.h",
    "engine/runtime/session_graph.h",
    "engine/runtime/cell.h",
    "engine/runtime/id_set.h",
    "engine/runtime/make_node.h",
    "engine/runtime/function_builder.h",
    "engine/runtime/fault.h",
    "engine/base/",
    "engine/types/",
)

# Heavy SDKs: where their headers may appear, and in how many files at most.
SDKS = [
    ("LLVM", ("llvm/", "llvm-c/"), "engine/", 2),
    ("OpenCL", ("CL/",), "engine/device/opencl/", None),
    ("gRPC", ("grpc/", "grpcpp/", "grpc++/"), "server/", None),
    ("protobuf", ("google/protobuf/",), "server/", None),
]

# Arrows that run back for a reason: (file, include) → the reason.
EXCEPTIONS: dict[tuple[str, str], str] = {}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^">]+)[">]', re.MULTILINE)


def engine_fault(path: str, include: str) -> str:
    """Why a file of the engine may not include this, or nothing."""
    if include.endswith(".pb.h") or include.startswith(("server/", "clients/", "proto/", "tests/")):
        return "the engine knows neither the wire nor the server"
    if not include.startswith("engine/"):
        return ""
    here, there = path.split("/"), include.split("/")
    for folder in (here[1], there[1]):
        if folder not in ORDER:
            return f"engine/{folder} has no place in the order of folders"
    if ORDER.index(there[1]) > ORDER.index(here[1]):
        return f"engine/{here[1]} stands before engine/{there[1]}"
    both_devices = here[1] == there[1] == "device" and len(there) > 3
    if both_devices and here[:3] != there[:3]:
        return f"engine/device/{there[2]} is reached through the registry"
    return ""


def server_fault(include: str) -> str:
    if include.startswith(("clients/", "tests/")):
        return "the server knows no client and no test"
    if include.startswith("engine/") and not include.startswith(SERVER_MAY_INCLUDE):
        return "the server reaches the engine through engine/runtime/engine.h"
    return ""


def client_fault(include: str) -> str:
    if include.startswith(("engine/", "server/", "tests/")):
        return "clients know the protocol only"
    return ""


def layer_fault(path: str, include: str) -> str:
    if (path, include) in EXCEPTIONS:
        return ""
    if path.startswith("engine/"):
        return engine_fault(path, include)
    if path.startswith("server/"):
        return server_fault(include)
    if path.startswith("clients/"):
        return client_fault(include)
    return ""


def sdk_faults(uses: dict[str, list[str]]) -> list[str]:
    """`uses`: the includes of each file."""
    faults = []
    for name, prefixes, folder, most in SDKS:
        users = [path for path, found in uses.items() if any(i.startswith(prefixes) for i in found)]
        users = [path for path in users if not path.startswith("tests/")]
        allowed = (folder, "clients/") if name in ("gRPC", "protobuf") else (folder,)
        for path in users:
            if not path.startswith(allowed):
                faults.append(f"{path}: {name} headers belong in {folder}")
        if most is not None and len(users) > most:
            faults.append(
                f"{name} headers are in {len(users)} files, at most {most}: {', '.join(users)}"
            )
    return faults


def faults_of(root: Path) -> list[str]:
    uses = {
        path.relative_to(root).as_posix(): INCLUDE.findall(read(path)) for path in files(root, CPP)
    }
    faults = []
    for path, includes in uses.items():
        for include in includes:
            if fault := layer_fault(path, include):
                faults.append(f"{path}: includes {include}: {fault}")
    stale = [pair for pair in EXCEPTIONS if pair[1] not in uses.get(pair[0], [])]
    faults += [
        f"{path}: no longer includes {include}: drop the exception" for path, include in stale
    ]
    return faults + sdk_faults(uses)


def main() -> int:
    faults = faults_of(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)
    for fault in faults:
        print(fault)
    print(f"layers: {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
