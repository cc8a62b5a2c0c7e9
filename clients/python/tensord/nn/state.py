"""What a model consists of, by name; and safetensors files.

The format (source: the safetensors repository's README): eight bytes of header length, little-
endian; that much JSON, {name: {dtype, shape, data_offsets}}, padded with spaces; the bytes.
"""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tensord import dtype as dt
from tensord.errors import NotFoundError, ShapeError, ValueProblem
from tensord.tensor import Tensor

__all__ = [
    "get_parameters",
    "get_state_dict",
    "load_state_dict",
    "safe_load",
    "safe_load_metadata",
    "safe_save",
]

_NAMES: Final = {
    dt.bool_: "BOOL",
    dt.int8: "I8",
    dt.int16: "I16",
    dt.int32: "I32",
    dt.int64: "I64",
    dt.uint8: "U8",
    dt.uint16: "U16",
    dt.uint32: "U32",
    dt.uint64: "U64",
    dt.float16: "F16",
    dt.bfloat16: "BF16",
    dt.float32: "F32",
    dt.float64: "F64",
}
_DTYPES: Final = {name: d for d, name in _NAMES.items()}
_MAX_HEADER: Final = 100 << 20


def get_state_dict(
    obj: Any, prefix: str = "", tensor_type: type[Tensor] = Tensor
) -> dict[str, Tensor]:
    """Every tensor in an object by its path: attributes, lists, tuples and dicts are walked."""
    found: dict[str, Tensor] = {}
    _walk(obj, prefix.strip("."), tensor_type, found, set())
    return found


def _walk(
    obj: Any, path: str, kind: type[Tensor], found: dict[str, Tensor], seen: set[int]
) -> None:
    if isinstance(obj, kind):
        found[path] = obj
        return
    if id(obj) in seen:
        return
    children: Any = ()
    if hasattr(obj, "_asdict"):
        children = obj._asdict().items()
    elif isinstance(obj, OrderedDict | Mapping):
        children = obj.items()
    elif isinstance(obj, list | tuple):
        children = enumerate(obj)
    elif hasattr(obj, "__dict__") and not isinstance(obj, type):
        children = vars(obj).items()
    for name, child in children:
        _walk(child, f"{path}.{name}" if path else str(name), kind, found, seen | {id(obj)})


def get_parameters(obj: Any) -> list[Tensor]:
    """Every tensor in an object that `backward` fills: what an optimizer takes."""
    return [t for t in get_state_dict(obj).values() if t.requires_grad]


def load_state_dict(
    model: Any,
    state_dict: Mapping[str, Tensor],
    strict: bool = True,
    verbose: bool = False,
    consume: bool = False,
    realize: bool = True,
) -> None:
    """Gives a model's tensors the values of the same names, cast to their dtypes.

    strict: names that only one side has raise KeyError. Shapes must be equal (ShapeError).
    """
    own = get_state_dict(model)
    missing, extra = sorted(set(own) - set(state_dict)), sorted(set(state_dict) - set(own))
    if strict and (missing or extra):
        raise NotFoundError(f"load_state_dict: missing {missing}, not expected {extra}")
    loaded = []
    for name, tensor in own.items():
        if name not in state_dict:
            continue
        value = state_dict[name]
        if value.shape != tensor.shape:
            raise ShapeError(
                f"load_state_dict: {name} has shape {value.shape}, the model's has {tensor.shape}"
            )
        tensor.assign(value.detach().cast(tensor.dtype))
        loaded.append(tensor)
        if verbose:
            print(f"{name}: {tensor.dtype.short}{list(tensor.shape)}")
    if loaded and realize:
        loaded[0].realize(*loaded[1:])


def safe_save(
    tensors: Mapping[str, Tensor],
    path: str | os.PathLike[str],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Writes a safetensors file, whole or not at all."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, t in tensors.items():
        size = t.numel() * t.dtype.itemsize
        header[name] = {
            "dtype": _NAMES[t.dtype],
            "shape": list(t.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    temporary = f"{os.fspath(path)}.{os.getpid()}.part"
    try:
        with open(temporary, "wb") as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for t in tensors.values():
                file.write(t._read())
        os.replace(temporary, path)
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def safe_load_metadata(path: str | os.PathLike[str]) -> tuple[int, dict[str, Any]]:
    """Where a file's bytes begin, and its header, checked. ValueError for what is no such file."""
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise ValueProblem(f"{path} is no safetensors file: a header of {length} bytes")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise ValueProblem(f"{path} is no safetensors file: {error}") from None
    if not isinstance(header, dict):
        raise ValueProblem(f"{path} is no safetensors file: its header is no object")
    for name, entry in header.items():
        if name != "__metadata__":
            _check_entry(path, name, entry, size - 8 - length)
    return 8 + length, header


def _check_entry(path: Any, name: str, entry: Any, room: int) -> None:
    try:
        dtype, (begin, end) = _DTYPES[entry["dtype"]], entry["data_offsets"]
        count = int(np.prod([int(d) for d in entry["shape"]], dtype=np.int64))
        good = 0 <= begin <= end <= room and end - begin == count * dtype.itemsize
    except (KeyError, TypeError, ValueError):
        good = False
    if not good:
        raise ValueProblem(f"{path}: entry {name!r} is unsound: {entry!r}")


def safe_load(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, sent to the daemon."""
    start, header = safe_load_metadata(path)
    raw = np.memmap(path, np.uint8, "r") if os.path.getsize(path) else np.zeros(0, np.uint8)
    loaded = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        dtype = _DTYPES[entry["dtype"]]
        begin, end = (start + at for at in entry["data_offsets"])
        array = np.frombuffer(raw[begin:end].tobytes(), dtype.wire)
        loaded[name] = Tensor(array.reshape(entry["shape"]), dtype=dtype)
    return loaded
