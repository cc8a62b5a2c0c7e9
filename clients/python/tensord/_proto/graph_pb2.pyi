from tensord._proto import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeBatch(_message.Message):
    __slots__ = ("first_id", "op", "n_in", "n_out", "source", "attrs", "device")
    FIRST_ID_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    N_IN_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    N_OUT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    ATTRS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    first_id: int
    op: _containers.RepeatedScalarFieldContainer[int]
    n_in: _containers.RepeatedScalarFieldContainer[int]
    n_out: _containers.RepeatedScalarFieldContainer[int]
    source: _containers.RepeatedScalarFieldContainer[int]
    attrs: _containers.RepeatedCompositeFieldContainer[Attr]
    device: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, first_id: _Optional[int] = ..., op: _Optional[_Iterable[int]] = ..., n_in: _Optional[_Iterable[int]] = ..., n_out: _Optional[_Iterable[int]] = ..., source: _Optional[_Iterable[int]] = ..., attrs: _Optional[_Iterable[_Union[Attr, _Mapping]]] = ..., device: _Optional[_Iterable[int]] = ..., **kwargs) -> None: ...

class Attr(_message.Message):
    __slots__ = ("node", "name", "i", "f", "b", "s", "ints", "dims", "dtype", "scalar", "program", "floats")
    NODE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    I_FIELD_NUMBER: _ClassVar[int]
    F_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    S_FIELD_NUMBER: _ClassVar[int]
    INTS_FIELD_NUMBER: _ClassVar[int]
    DIMS_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    SCALAR_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    FLOATS_FIELD_NUMBER: _ClassVar[int]
    node: int
    name: int
    i: int
    f: float
    b: bool
    s: int
    ints: Ints
    dims: _types_pb2.Dims
    dtype: _types_pb2.DType
    scalar: bytes
    program: bytes
    floats: Floats
    def __init__(self, node: _Optional[int] = ..., name: _Optional[int] = ..., i: _Optional[int] = ..., f: _Optional[float] = ..., b: bool = ..., s: _Optional[int] = ..., ints: _Optional[_Union[Ints, _Mapping]] = ..., dims: _Optional[_Union[_types_pb2.Dims, _Mapping]] = ..., dtype: _Optional[_Union[_types_pb2.DType, str]] = ..., scalar: _Optional[bytes] = ..., program: _Optional[bytes] = ..., floats: _Optional[_Union[Floats, _Mapping]] = ...) -> None: ...

class Ints(_message.Message):
    __slots__ = ("v",)
    V_FIELD_NUMBER: _ClassVar[int]
    v: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, v: _Optional[_Iterable[int]] = ...) -> None: ...

class Floats(_message.Message):
    __slots__ = ("v",)
    V_FIELD_NUMBER: _ClassVar[int]
    v: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, v: _Optional[_Iterable[float]] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("index", "file", "line", "function")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    index: int
    file: str
    line: int
    function: str
    def __init__(self, index: _Optional[int] = ..., file: _Optional[str] = ..., line: _Optional[int] = ..., function: _Optional[str] = ...) -> None: ...

class Gradient(_message.Message):
    __slots__ = ("targets", "wrt", "first_out", "seeds", "source")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    WRT_FIELD_NUMBER: _ClassVar[int]
    FIRST_OUT_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedScalarFieldContainer[int]
    wrt: _containers.RepeatedScalarFieldContainer[int]
    first_out: int
    seeds: _containers.RepeatedScalarFieldContainer[int]
    source: int
    def __init__(self, targets: _Optional[_Iterable[int]] = ..., wrt: _Optional[_Iterable[int]] = ..., first_out: _Optional[int] = ..., seeds: _Optional[_Iterable[int]] = ..., source: _Optional[int] = ...) -> None: ...

class Program(_message.Message):
    __slots__ = ("digest", "body", "slot", "upload")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    body: bytes
    slot: int
    upload: int
    def __init__(self, digest: _Optional[bytes] = ..., body: _Optional[bytes] = ..., slot: _Optional[int] = ..., upload: _Optional[int] = ...) -> None: ...

class ProgramBody(_message.Message):
    __slots__ = ("vars", "out", "items", "strings", "donate", "donate_required", "label")
    VARS_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    OUT_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    DONATE_FIELD_NUMBER: _ClassVar[int]
    DONATE_REQUIRED_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    vars: _containers.RepeatedCompositeFieldContainer[Var]
    out: _containers.RepeatedCompositeFieldContainer[Port]
    items: _containers.RepeatedCompositeFieldContainer[BodyItem]
    strings: _containers.RepeatedScalarFieldContainer[str]
    donate: _containers.RepeatedScalarFieldContainer[int]
    donate_required: bool
    label: str
    def __init__(self, vars: _Optional[_Iterable[_Union[Var, _Mapping]]] = ..., out: _Optional[_Iterable[_Union[Port, _Mapping]]] = ..., items: _Optional[_Iterable[_Union[BodyItem, _Mapping]]] = ..., strings: _Optional[_Iterable[str]] = ..., donate: _Optional[_Iterable[int]] = ..., donate_required: bool = ..., label: _Optional[str] = ..., **kwargs) -> None: ...

class BodyItem(_message.Message):
    __slots__ = ("nodes", "gradient")
    NODES_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_FIELD_NUMBER: _ClassVar[int]
    nodes: NodeBatch
    gradient: Gradient
    def __init__(self, nodes: _Optional[_Union[NodeBatch, _Mapping]] = ..., gradient: _Optional[_Union[Gradient, _Mapping]] = ...) -> None: ...

class Var(_message.Message):
    __slots__ = ("name", "min", "max")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    name: str
    min: int
    max: int
    def __init__(self, name: _Optional[str] = ..., min: _Optional[int] = ..., max: _Optional[int] = ...) -> None: ...

class Port(_message.Message):
    __slots__ = ("id", "type", "name")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    id: int
    type: _types_pb2.TensorType
    name: int
    def __init__(self, id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., name: _Optional[int] = ...) -> None: ...
