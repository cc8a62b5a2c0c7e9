from tensord._proto import graph_pb2 as _graph_pb2
from tensord._proto import session_pb2 as _session_pb2
from tensord._proto import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_KIND_UNSPECIFIED: _ClassVar[EventKind]
    EVENT_KIND_SESSION_OPENED: _ClassVar[EventKind]
    EVENT_KIND_SESSION_DETACHED: _ClassVar[EventKind]
    EVENT_KIND_SESSION_RESUMED: _ClassVar[EventKind]
    EVENT_KIND_SESSION_CLOSED: _ClassVar[EventKind]
    EVENT_KIND_FAULT: _ClassVar[EventKind]
    EVENT_KIND_COMPILED: _ClassVar[EventKind]
    EVENT_KIND_DEVICE_FAULT: _ClassVar[EventKind]
    EVENT_KIND_LIMIT: _ClassVar[EventKind]
    EVENT_KIND_STATE: _ClassVar[EventKind]
    EVENT_KIND_STATS: _ClassVar[EventKind]
    EVENT_KIND_LOST: _ClassVar[EventKind]
EVENT_KIND_UNSPECIFIED: EventKind
EVENT_KIND_SESSION_OPENED: EventKind
EVENT_KIND_SESSION_DETACHED: EventKind
EVENT_KIND_SESSION_RESUMED: EventKind
EVENT_KIND_SESSION_CLOSED: EventKind
EVENT_KIND_FAULT: EventKind
EVENT_KIND_COMPILED: EventKind
EVENT_KIND_DEVICE_FAULT: EventKind
EVENT_KIND_LIMIT: EventKind
EVENT_KIND_STATE: EventKind
EVENT_KIND_STATS: EventKind
EVENT_KIND_LOST: EventKind

class UploadChunk(_message.Message):
    __slots__ = ("session", "token", "upload", "total", "offset", "data")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    token: bytes
    upload: int
    total: int
    offset: int
    data: bytes
    def __init__(self, session: _Optional[bytes] = ..., token: _Optional[bytes] = ..., upload: _Optional[int] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class UploadStatus(_message.Message):
    __slots__ = ("upload", "committed", "total", "complete")
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    upload: int
    committed: int
    total: int
    complete: bool
    def __init__(self, upload: _Optional[int] = ..., committed: _Optional[int] = ..., total: _Optional[int] = ..., complete: bool = ...) -> None: ...

class DownloadRequest(_message.Message):
    __slots__ = ("session", "token", "id", "ticket", "offset", "length", "timeout_us")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    token: bytes
    id: int
    ticket: bytes
    offset: int
    length: int
    timeout_us: int
    def __init__(self, session: _Optional[bytes] = ..., token: _Optional[bytes] = ..., id: _Optional[int] = ..., ticket: _Optional[bytes] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ..., timeout_us: _Optional[int] = ...) -> None: ...

class DownloadChunk(_message.Message):
    __slots__ = ("type", "total", "offset", "data")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    type: _types_pb2.TensorType
    total: int
    offset: int
    data: bytes
    def __init__(self, type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class RunRequest(_message.Message):
    __slots__ = ("body", "text", "inputs", "vars", "programs", "device", "timeout_us", "credentials", "numbers")
    BODY_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    body: _graph_pb2.ProgramBody
    text: str
    inputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.Tensor]
    vars: _containers.RepeatedScalarFieldContainer[int]
    programs: _containers.RepeatedCompositeFieldContainer[_graph_pb2.Program]
    device: int
    timeout_us: int
    credentials: _types_pb2.Credentials
    numbers: bool
    def __init__(self, body: _Optional[_Union[_graph_pb2.ProgramBody, _Mapping]] = ..., text: _Optional[str] = ..., inputs: _Optional[_Iterable[_Union[_types_pb2.Tensor, _Mapping]]] = ..., vars: _Optional[_Iterable[int]] = ..., programs: _Optional[_Iterable[_Union[_graph_pb2.Program, _Mapping]]] = ..., device: _Optional[int] = ..., timeout_us: _Optional[int] = ..., credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ..., numbers: bool = ...) -> None: ...

class RunReply(_message.Message):
    __slots__ = ("outputs",)
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    outputs: _containers.RepeatedCompositeFieldContainer[_types_pb2.Tensor]
    def __init__(self, outputs: _Optional[_Iterable[_Union[_types_pb2.Tensor, _Mapping]]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("kinds", "credentials", "stats_interval_ms")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    STATS_INTERVAL_MS_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[EventKind]
    credentials: _types_pb2.Credentials
    stats_interval_ms: int
    def __init__(self, kinds: _Optional[_Iterable[_Union[EventKind, str]]] = ..., credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ..., stats_interval_ms: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("kind", "unix_us", "principal", "session", "label", "message", "count", "counters")
    KIND_FIELD_NUMBER: _ClassVar[int]
    UNIX_US_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    kind: EventKind
    unix_us: int
    principal: str
    session: bytes
    label: str
    message: str
    count: int
    counters: _containers.RepeatedCompositeFieldContainer[Counter]
    def __init__(self, kind: _Optional[_Union[EventKind, str]] = ..., unix_us: _Optional[int] = ..., principal: _Optional[str] = ..., session: _Optional[bytes] = ..., label: _Optional[str] = ..., message: _Optional[str] = ..., count: _Optional[int] = ..., counters: _Optional[_Iterable[_Union[Counter, _Mapping]]] = ...) -> None: ...

class ListOpsRequest(_message.Message):
    __slots__ = ("credentials",)
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    credentials: _types_pb2.Credentials
    def __init__(self, credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ...) -> None: ...

class ListOpsReply(_message.Message):
    __slots__ = ("json", "digest")
    JSON_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    json: str
    digest: bytes
    def __init__(self, json: _Optional[str] = ..., digest: _Optional[bytes] = ...) -> None: ...

class ListDevicesRequest(_message.Message):
    __slots__ = ("credentials",)
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    credentials: _types_pb2.Credentials
    def __init__(self, credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ...) -> None: ...

class ListDevicesReply(_message.Message):
    __slots__ = ("devices",)
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    devices: _containers.RepeatedCompositeFieldContainer[_types_pb2.Device]
    def __init__(self, devices: _Optional[_Iterable[_Union[_types_pb2.Device, _Mapping]]] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ("credentials", "names")
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    credentials: _types_pb2.Credentials
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class Counter(_message.Message):
    __slots__ = ("name", "value", "gauge")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    GAUGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: int
    gauge: bool
    def __init__(self, name: _Optional[str] = ..., value: _Optional[int] = ..., gauge: bool = ...) -> None: ...

class StatsReply(_message.Message):
    __slots__ = ("counters", "uptime_us", "server_version")
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    UPTIME_US_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    counters: _containers.RepeatedCompositeFieldContainer[Counter]
    uptime_us: int
    server_version: str
    def __init__(self, counters: _Optional[_Iterable[_Union[Counter, _Mapping]]] = ..., uptime_us: _Optional[int] = ..., server_version: _Optional[str] = ...) -> None: ...
