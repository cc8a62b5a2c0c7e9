from tensord._proto import graph_pb2 as _graph_pb2
from tensord._proto import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ValueState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VALUE_STATE_UNSPECIFIED: _ClassVar[ValueState]
    VALUE_STATE_UNKNOWN: _ClassVar[ValueState]
    VALUE_STATE_LAZY: _ClassVar[ValueState]
    VALUE_STATE_PENDING: _ClassVar[ValueState]
    VALUE_STATE_READY: _ClassVar[ValueState]
    VALUE_STATE_POISONED: _ClassVar[ValueState]
    VALUE_STATE_FREED: _ClassVar[ValueState]
    VALUE_STATE_DONATED: _ClassVar[ValueState]
VALUE_STATE_UNSPECIFIED: ValueState
VALUE_STATE_UNKNOWN: ValueState
VALUE_STATE_LAZY: ValueState
VALUE_STATE_PENDING: ValueState
VALUE_STATE_READY: ValueState
VALUE_STATE_POISONED: ValueState
VALUE_STATE_FREED: ValueState
VALUE_STATE_DONATED: ValueState

class ClientFrame(_message.Message):
    __slots__ = ("seq", "acked", "items", "strings", "sources", "session", "token", "max_reply_bytes", "traceparent", "wait_us")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACKED_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    STRINGS_FIELD_NUMBER: _ClassVar[int]
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    MAX_REPLY_BYTES_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    WAIT_US_FIELD_NUMBER: _ClassVar[int]
    seq: int
    acked: int
    items: _containers.RepeatedCompositeFieldContainer[Item]
    strings: _containers.RepeatedScalarFieldContainer[str]
    sources: _containers.RepeatedCompositeFieldContainer[_graph_pb2.Source]
    session: bytes
    token: bytes
    max_reply_bytes: int
    traceparent: str
    wait_us: int
    def __init__(self, seq: _Optional[int] = ..., acked: _Optional[int] = ..., items: _Optional[_Iterable[_Union[Item, _Mapping]]] = ..., strings: _Optional[_Iterable[str]] = ..., sources: _Optional[_Iterable[_Union[_graph_pb2.Source, _Mapping]]] = ..., session: _Optional[bytes] = ..., token: _Optional[bytes] = ..., max_reply_bytes: _Optional[int] = ..., traceparent: _Optional[str] = ..., wait_us: _Optional[int] = ...) -> None: ...

class Item(_message.Message):
    __slots__ = ("nodes", "execute", "free", "evaluate", "fetch", "put", "bind", "program", "gradient", "barrier", "cancel", "lookup", "publish", "ping", "describe", "hello", "resume", "bye", "release", "auth", "unpublish")
    NODES_FIELD_NUMBER: _ClassVar[int]
    EXECUTE_FIELD_NUMBER: _ClassVar[int]
    FREE_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    PUT_FIELD_NUMBER: _ClassVar[int]
    BIND_FIELD_NUMBER: _ClassVar[int]
    PROGRAM_FIELD_NUMBER: _ClassVar[int]
    GRADIENT_FIELD_NUMBER: _ClassVar[int]
    BARRIER_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    PUBLISH_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    DESCRIBE_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    BYE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    AUTH_FIELD_NUMBER: _ClassVar[int]
    UNPUBLISH_FIELD_NUMBER: _ClassVar[int]
    nodes: _graph_pb2.NodeBatch
    execute: Execute
    free: Free
    evaluate: Evaluate
    fetch: Fetch
    put: Put
    bind: BindUpload
    program: _graph_pb2.Program
    gradient: _graph_pb2.Gradient
    barrier: Barrier
    cancel: Cancel
    lookup: Lookup
    publish: Publish
    ping: Ping
    describe: Describe
    hello: Hello
    resume: Resume
    bye: Bye
    release: ReleaseProgram
    auth: AuthRefresh
    unpublish: Unpublish
    def __init__(self, nodes: _Optional[_Union[_graph_pb2.NodeBatch, _Mapping]] = ..., execute: _Optional[_Union[Execute, _Mapping]] = ..., free: _Optional[_Union[Free, _Mapping]] = ..., evaluate: _Optional[_Union[Evaluate, _Mapping]] = ..., fetch: _Optional[_Union[Fetch, _Mapping]] = ..., put: _Optional[_Union[Put, _Mapping]] = ..., bind: _Optional[_Union[BindUpload, _Mapping]] = ..., program: _Optional[_Union[_graph_pb2.Program, _Mapping]] = ..., gradient: _Optional[_Union[_graph_pb2.Gradient, _Mapping]] = ..., barrier: _Optional[_Union[Barrier, _Mapping]] = ..., cancel: _Optional[_Union[Cancel, _Mapping]] = ..., lookup: _Optional[_Union[Lookup, _Mapping]] = ..., publish: _Optional[_Union[Publish, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., describe: _Optional[_Union[Describe, _Mapping]] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., bye: _Optional[_Union[Bye, _Mapping]] = ..., release: _Optional[_Union[ReleaseProgram, _Mapping]] = ..., auth: _Optional[_Union[AuthRefresh, _Mapping]] = ..., unpublish: _Optional[_Union[Unpublish, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("min_version", "max_version", "features", "client_name", "client_version", "label", "credentials", "lease_ms", "op_set_digest")
    MIN_VERSION_FIELD_NUMBER: _ClassVar[int]
    MAX_VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    CLIENT_NAME_FIELD_NUMBER: _ClassVar[int]
    CLIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    OP_SET_DIGEST_FIELD_NUMBER: _ClassVar[int]
    min_version: int
    max_version: int
    features: _containers.RepeatedScalarFieldContainer[str]
    client_name: str
    client_version: str
    label: str
    credentials: _types_pb2.Credentials
    lease_ms: int
    op_set_digest: bytes
    def __init__(self, min_version: _Optional[int] = ..., max_version: _Optional[int] = ..., features: _Optional[_Iterable[str]] = ..., client_name: _Optional[str] = ..., client_version: _Optional[str] = ..., label: _Optional[str] = ..., credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ..., lease_ms: _Optional[int] = ..., op_set_digest: _Optional[bytes] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("session", "resume_secret", "epoch", "last_seen", "credentials")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_SECRET_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    resume_secret: bytes
    epoch: int
    last_seen: int
    credentials: _types_pb2.Credentials
    def __init__(self, session: _Optional[bytes] = ..., resume_secret: _Optional[bytes] = ..., epoch: _Optional[int] = ..., last_seen: _Optional[int] = ..., credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ...) -> None: ...

class Bye(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class AuthRefresh(_message.Message):
    __slots__ = ("credentials",)
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    credentials: _types_pb2.Credentials
    def __init__(self, credentials: _Optional[_Union[_types_pb2.Credentials, _Mapping]] = ...) -> None: ...

class Put(_message.Message):
    __slots__ = ("id", "type", "data")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    id: int
    type: _types_pb2.TensorType
    data: bytes
    def __init__(self, id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., data: _Optional[bytes] = ...) -> None: ...

class BindUpload(_message.Message):
    __slots__ = ("id", "type", "upload", "digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: int
    type: _types_pb2.TensorType
    upload: int
    digest: bytes
    def __init__(self, id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., upload: _Optional[int] = ..., digest: _Optional[bytes] = ...) -> None: ...

class Free(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    def __init__(self, ids: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ...) -> None: ...

class Evaluate(_message.Message):
    __slots__ = ("ids", "after", "priority", "timeout_us")
    IDS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    after: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    priority: int
    timeout_us: int
    def __init__(self, ids: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ..., after: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ..., priority: _Optional[int] = ..., timeout_us: _Optional[int] = ...) -> None: ...

class Fetch(_message.Message):
    __slots__ = ("id", "offset", "length", "priority", "timeout_us", "max_inline")
    ID_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    MAX_INLINE_FIELD_NUMBER: _ClassVar[int]
    id: int
    offset: int
    length: int
    priority: int
    timeout_us: int
    max_inline: int
    def __init__(self, id: _Optional[int] = ..., offset: _Optional[int] = ..., length: _Optional[int] = ..., priority: _Optional[int] = ..., timeout_us: _Optional[int] = ..., max_inline: _Optional[int] = ...) -> None: ...

class Execute(_message.Message):
    __slots__ = ("digest", "slot", "first_out", "vars", "after", "device", "priority", "timeout_us")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    IN_FIELD_NUMBER: _ClassVar[int]
    FIRST_OUT_FIELD_NUMBER: _ClassVar[int]
    VARS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    slot: int
    first_out: int
    vars: _containers.RepeatedScalarFieldContainer[int]
    after: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    device: int
    priority: int
    timeout_us: int
    def __init__(self, digest: _Optional[bytes] = ..., slot: _Optional[int] = ..., first_out: _Optional[int] = ..., vars: _Optional[_Iterable[int]] = ..., after: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ..., device: _Optional[int] = ..., priority: _Optional[int] = ..., timeout_us: _Optional[int] = ..., **kwargs) -> None: ...

class ReleaseProgram(_message.Message):
    __slots__ = ("digest", "slot")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    slot: int
    def __init__(self, digest: _Optional[bytes] = ..., slot: _Optional[int] = ...) -> None: ...

class Barrier(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    def __init__(self, ids: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("first_seq", "last_seq", "ids")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    last_seq: int
    ids: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    def __init__(self, first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., ids: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ...) -> None: ...

class Publish(_message.Message):
    __slots__ = ("name", "entries", "ttl_ms", "shared")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    name: str
    entries: _containers.RepeatedCompositeFieldContainer[PublishEntry]
    ttl_ms: int
    shared: bool
    def __init__(self, name: _Optional[str] = ..., entries: _Optional[_Iterable[_Union[PublishEntry, _Mapping]]] = ..., ttl_ms: _Optional[int] = ..., shared: bool = ...) -> None: ...

class PublishEntry(_message.Message):
    __slots__ = ("path", "id")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    path: str
    id: int
    def __init__(self, path: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class Unpublish(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Lookup(_message.Message):
    __slots__ = ("name", "paths", "first_id", "min_generation", "timeout_us")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PATHS_FIELD_NUMBER: _ClassVar[int]
    FIRST_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_GENERATION_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_US_FIELD_NUMBER: _ClassVar[int]
    name: str
    paths: _containers.RepeatedScalarFieldContainer[str]
    first_id: int
    min_generation: int
    timeout_us: int
    def __init__(self, name: _Optional[str] = ..., paths: _Optional[_Iterable[str]] = ..., first_id: _Optional[int] = ..., min_generation: _Optional[int] = ..., timeout_us: _Optional[int] = ...) -> None: ...

class Describe(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    def __init__(self, ids: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ("nonce",)
    NONCE_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    def __init__(self, nonce: _Optional[int] = ...) -> None: ...

class ServerFrame(_message.Message):
    __slots__ = ("seq", "applied", "completed", "max_items", "max_bytes", "replies")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_FIELD_NUMBER: _ClassVar[int]
    MAX_BYTES_FIELD_NUMBER: _ClassVar[int]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    seq: int
    applied: int
    completed: int
    max_items: int
    max_bytes: int
    replies: _containers.RepeatedCompositeFieldContainer[Reply]
    def __init__(self, seq: _Optional[int] = ..., applied: _Optional[int] = ..., completed: _Optional[int] = ..., max_items: _Optional[int] = ..., max_bytes: _Optional[int] = ..., replies: _Optional[_Iterable[_Union[Reply, _Mapping]]] = ...) -> None: ...

class Reply(_message.Message):
    __slots__ = ("of_seq", "of_item", "welcome", "fault", "data", "described", "found", "barrier_done", "need_program", "need_blob", "going_away", "pong", "published", "donated")
    OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    OF_ITEM_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DESCRIBED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    BARRIER_DONE_FIELD_NUMBER: _ClassVar[int]
    NEED_PROGRAM_FIELD_NUMBER: _ClassVar[int]
    NEED_BLOB_FIELD_NUMBER: _ClassVar[int]
    GOING_AWAY_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_FIELD_NUMBER: _ClassVar[int]
    DONATED_FIELD_NUMBER: _ClassVar[int]
    of_seq: int
    of_item: int
    welcome: Welcome
    fault: Fault
    data: Data
    described: Described
    found: Found
    barrier_done: BarrierDone
    need_program: NeedProgram
    need_blob: NeedBlob
    going_away: GoingAway
    pong: Pong
    published: Published
    donated: Donated
    def __init__(self, of_seq: _Optional[int] = ..., of_item: _Optional[int] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ..., data: _Optional[_Union[Data, _Mapping]] = ..., described: _Optional[_Union[Described, _Mapping]] = ..., found: _Optional[_Union[Found, _Mapping]] = ..., barrier_done: _Optional[_Union[BarrierDone, _Mapping]] = ..., need_program: _Optional[_Union[NeedProgram, _Mapping]] = ..., need_blob: _Optional[_Union[NeedBlob, _Mapping]] = ..., going_away: _Optional[_Union[GoingAway, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., published: _Optional[_Union[Published, _Mapping]] = ..., donated: _Optional[_Union[Donated, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("version", "features", "session", "resume_secret", "data_token", "epoch", "fencing", "lease_ms", "limits", "devices", "op_set_digest", "endpoints", "server_version", "principal", "resumed", "applied")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_SECRET_FIELD_NUMBER: _ClassVar[int]
    DATA_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    FENCING_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    DEVICES_FIELD_NUMBER: _ClassVar[int]
    OP_SET_DIGEST_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    SERVER_VERSION_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    APPLIED_FIELD_NUMBER: _ClassVar[int]
    version: int
    features: _containers.RepeatedScalarFieldContainer[str]
    session: bytes
    resume_secret: bytes
    data_token: bytes
    epoch: int
    fencing: int
    lease_ms: int
    limits: Limits
    devices: _containers.RepeatedCompositeFieldContainer[_types_pb2.Device]
    op_set_digest: bytes
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    server_version: str
    principal: str
    resumed: bool
    applied: int
    def __init__(self, version: _Optional[int] = ..., features: _Optional[_Iterable[str]] = ..., session: _Optional[bytes] = ..., resume_secret: _Optional[bytes] = ..., data_token: _Optional[bytes] = ..., epoch: _Optional[int] = ..., fencing: _Optional[int] = ..., lease_ms: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., devices: _Optional[_Iterable[_Union[_types_pb2.Device, _Mapping]]] = ..., op_set_digest: _Optional[bytes] = ..., endpoints: _Optional[_Iterable[str]] = ..., server_version: _Optional[str] = ..., principal: _Optional[str] = ..., resumed: bool = ..., applied: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_frame_bytes", "max_items_per_frame", "max_inline_bytes", "max_chunk_bytes", "max_nodes", "max_values", "max_resident_bytes", "max_staging_bytes", "max_programs", "max_program_bytes", "max_program_nodes", "max_in_flight", "max_sessions", "max_strings", "max_rank", "max_elements", "max_uploads")
    MAX_FRAME_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_ITEMS_PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    MAX_INLINE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_NODES_FIELD_NUMBER: _ClassVar[int]
    MAX_VALUES_FIELD_NUMBER: _ClassVar[int]
    MAX_RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_STAGING_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_PROGRAM_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PROGRAM_NODES_FIELD_NUMBER: _ClassVar[int]
    MAX_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MAX_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    MAX_STRINGS_FIELD_NUMBER: _ClassVar[int]
    MAX_RANK_FIELD_NUMBER: _ClassVar[int]
    MAX_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_UPLOADS_FIELD_NUMBER: _ClassVar[int]
    max_frame_bytes: int
    max_items_per_frame: int
    max_inline_bytes: int
    max_chunk_bytes: int
    max_nodes: int
    max_values: int
    max_resident_bytes: int
    max_staging_bytes: int
    max_programs: int
    max_program_bytes: int
    max_program_nodes: int
    max_in_flight: int
    max_sessions: int
    max_strings: int
    max_rank: int
    max_elements: int
    max_uploads: int
    def __init__(self, max_frame_bytes: _Optional[int] = ..., max_items_per_frame: _Optional[int] = ..., max_inline_bytes: _Optional[int] = ..., max_chunk_bytes: _Optional[int] = ..., max_nodes: _Optional[int] = ..., max_values: _Optional[int] = ..., max_resident_bytes: _Optional[int] = ..., max_staging_bytes: _Optional[int] = ..., max_programs: _Optional[int] = ..., max_program_bytes: _Optional[int] = ..., max_program_nodes: _Optional[int] = ..., max_in_flight: _Optional[int] = ..., max_sessions: _Optional[int] = ..., max_strings: _Optional[int] = ..., max_rank: _Optional[int] = ..., max_elements: _Optional[int] = ..., max_uploads: _Optional[int] = ...) -> None: ...

class Fault(_message.Message):
    __slots__ = ("code", "reason", "message", "of_seq", "of_item", "poisoned", "node", "source", "cause", "retry_after_ms", "limit", "used", "max", "op", "fatal")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    OF_ITEM_FIELD_NUMBER: _ClassVar[int]
    POISONED_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    FATAL_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    of_seq: int
    of_item: int
    poisoned: _containers.RepeatedCompositeFieldContainer[_types_pb2.IdSpan]
    node: int
    source: int
    cause: int
    retry_after_ms: int
    limit: str
    used: int
    max: int
    op: str
    fatal: bool
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., of_seq: _Optional[int] = ..., of_item: _Optional[int] = ..., poisoned: _Optional[_Iterable[_Union[_types_pb2.IdSpan, _Mapping]]] = ..., node: _Optional[int] = ..., source: _Optional[int] = ..., cause: _Optional[int] = ..., retry_after_ms: _Optional[int] = ..., limit: _Optional[str] = ..., used: _Optional[int] = ..., max: _Optional[int] = ..., op: _Optional[str] = ..., fatal: bool = ...) -> None: ...

class Data(_message.Message):
    __slots__ = ("id", "type", "inline", "ticket", "bytes", "offset")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INLINE_FIELD_NUMBER: _ClassVar[int]
    TICKET_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    id: int
    type: _types_pb2.TensorType
    inline: bytes
    ticket: bytes
    bytes: int
    offset: int
    def __init__(self, id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., inline: _Optional[bytes] = ..., ticket: _Optional[bytes] = ..., bytes: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class Described(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[Description]
    def __init__(self, values: _Optional[_Iterable[_Union[Description, _Mapping]]] = ...) -> None: ...

class Description(_message.Message):
    __slots__ = ("id", "state", "type", "fault", "bytes")
    ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    id: int
    state: ValueState
    type: _types_pb2.TensorType
    fault: Fault
    bytes: int
    def __init__(self, id: _Optional[int] = ..., state: _Optional[_Union[ValueState, str]] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., fault: _Optional[_Union[Fault, _Mapping]] = ..., bytes: _Optional[int] = ...) -> None: ...

class BarrierDone(_message.Message):
    __slots__ = ("any_poisoned",)
    ANY_POISONED_FIELD_NUMBER: _ClassVar[int]
    any_poisoned: bool
    def __init__(self, any_poisoned: bool = ...) -> None: ...

class NeedProgram(_message.Message):
    __slots__ = ("digest",)
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    def __init__(self, digest: _Optional[bytes] = ...) -> None: ...

class NeedBlob(_message.Message):
    __slots__ = ("digest", "upload")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    digest: bytes
    upload: int
    def __init__(self, digest: _Optional[bytes] = ..., upload: _Optional[int] = ...) -> None: ...

class Published(_message.Message):
    __slots__ = ("name", "generation")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    name: str
    generation: int
    def __init__(self, name: _Optional[str] = ..., generation: _Optional[int] = ...) -> None: ...

class Found(_message.Message):
    __slots__ = ("name", "generation", "entries")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    name: str
    generation: int
    entries: _containers.RepeatedCompositeFieldContainer[FoundEntry]
    def __init__(self, name: _Optional[str] = ..., generation: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[FoundEntry, _Mapping]]] = ...) -> None: ...

class FoundEntry(_message.Message):
    __slots__ = ("path", "id", "type")
    PATH_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    path: str
    id: int
    type: _types_pb2.TensorType
    def __init__(self, path: _Optional[str] = ..., id: _Optional[int] = ..., type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ...) -> None: ...

class Donated(_message.Message):
    __slots__ = ("copied_bytes", "why")
    COPIED_BYTES_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    copied_bytes: int
    why: str
    def __init__(self, copied_bytes: _Optional[int] = ..., why: _Optional[str] = ...) -> None: ...

class GoingAway(_message.Message):
    __slots__ = ("deadline_us", "reason", "retry_after_ms", "endpoints")
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    ENDPOINTS_FIELD_NUMBER: _ClassVar[int]
    deadline_us: int
    reason: str
    retry_after_ms: int
    endpoints: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deadline_us: _Optional[int] = ..., reason: _Optional[str] = ..., retry_after_ms: _Optional[int] = ..., endpoints: _Optional[_Iterable[str]] = ...) -> None: ...

class Pong(_message.Message):
    __slots__ = ("nonce", "in_flight", "resident_bytes")
    NONCE_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    nonce: int
    in_flight: int
    resident_bytes: int
    def __init__(self, nonce: _Optional[int] = ..., in_flight: _Optional[int] = ..., resident_bytes: _Optional[int] = ...) -> None: ...
