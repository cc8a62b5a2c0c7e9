from tensord._proto import compute_pb2 as _compute_pb2
from tensord._proto import types_pb2 as _types_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RingRequest(_message.Message):
    __slots__ = ("open", "upload", "download", "release")
    OPEN_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    DOWNLOAD_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    open: RingOpen
    upload: RingUpload
    download: _compute_pb2.DownloadRequest
    release: RingRelease
    def __init__(self, open: _Optional[_Union[RingOpen, _Mapping]] = ..., upload: _Optional[_Union[RingUpload, _Mapping]] = ..., download: _Optional[_Union[_compute_pb2.DownloadRequest, _Mapping]] = ..., release: _Optional[_Union[RingRelease, _Mapping]] = ...) -> None: ...

class RingOpen(_message.Message):
    __slots__ = ("session", "token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: bytes
    token: bytes
    def __init__(self, session: _Optional[bytes] = ..., token: _Optional[bytes] = ...) -> None: ...

class RingUpload(_message.Message):
    __slots__ = ("upload", "total", "offset", "slot", "bytes")
    UPLOAD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    upload: int
    total: int
    offset: int
    slot: int
    bytes: int
    def __init__(self, upload: _Optional[int] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ..., slot: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class RingRelease(_message.Message):
    __slots__ = ("slot",)
    SLOT_FIELD_NUMBER: _ClassVar[int]
    slot: int
    def __init__(self, slot: _Optional[int] = ...) -> None: ...

class RingReply(_message.Message):
    __slots__ = ("opened", "uploaded", "part", "end")
    OPENED_FIELD_NUMBER: _ClassVar[int]
    UPLOADED_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    opened: RingOpened
    uploaded: RingUploaded
    part: RingPart
    end: RingEnd
    def __init__(self, opened: _Optional[_Union[RingOpened, _Mapping]] = ..., uploaded: _Optional[_Union[RingUploaded, _Mapping]] = ..., part: _Optional[_Union[RingPart, _Mapping]] = ..., end: _Optional[_Union[RingEnd, _Mapping]] = ...) -> None: ...

class RingOpened(_message.Message):
    __slots__ = ("slots", "slot_bytes")
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOT_BYTES_FIELD_NUMBER: _ClassVar[int]
    slots: int
    slot_bytes: int
    def __init__(self, slots: _Optional[int] = ..., slot_bytes: _Optional[int] = ...) -> None: ...

class RingUploaded(_message.Message):
    __slots__ = ("slot", "status", "code", "message")
    SLOT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    slot: int
    status: _compute_pb2.UploadStatus
    code: int
    message: str
    def __init__(self, slot: _Optional[int] = ..., status: _Optional[_Union[_compute_pb2.UploadStatus, _Mapping]] = ..., code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...

class RingPart(_message.Message):
    __slots__ = ("type", "total", "offset", "slot", "bytes")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    type: _types_pb2.TensorType
    total: int
    offset: int
    slot: int
    bytes: int
    def __init__(self, type: _Optional[_Union[_types_pb2.TensorType, _Mapping]] = ..., total: _Optional[int] = ..., offset: _Optional[int] = ..., slot: _Optional[int] = ..., bytes: _Optional[int] = ...) -> None: ...

class RingEnd(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    message: str
    def __init__(self, code: _Optional[int] = ..., message: _Optional[str] = ...) -> None: ...
