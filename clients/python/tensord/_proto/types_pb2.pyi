from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DTYPE_UNSPECIFIED: _ClassVar[DType]
    DTYPE_BOOL: _ClassVar[DType]
    DTYPE_I8: _ClassVar[DType]
    DTYPE_I16: _ClassVar[DType]
    DTYPE_I32: _ClassVar[DType]
    DTYPE_I64: _ClassVar[DType]
    DTYPE_U8: _ClassVar[DType]
    DTYPE_U16: _ClassVar[DType]
    DTYPE_U32: _ClassVar[DType]
    DTYPE_U64: _ClassVar[DType]
    DTYPE_F16: _ClassVar[DType]
    DTYPE_BF16: _ClassVar[DType]
    DTYPE_F32: _ClassVar[DType]
    DTYPE_F64: _ClassVar[DType]
    DTYPE_WEAK_INT: _ClassVar[DType]
    DTYPE_WEAK_FLOAT: _ClassVar[DType]
DTYPE_UNSPECIFIED: DType
DTYPE_BOOL: DType
DTYPE_I8: DType
DTYPE_I16: DType
DTYPE_I32: DType
DTYPE_I64: DType
DTYPE_U8: DType
DTYPE_U16: DType
DTYPE_U32: DType
DTYPE_U64: DType
DTYPE_F16: DType
DTYPE_BF16: DType
DTYPE_F32: DType
DTYPE_F64: DType
DTYPE_WEAK_INT: DType
DTYPE_WEAK_FLOAT: DType

class Dim(_message.Message):
    __slots__ = ("size", "expr")
    SIZE_FIELD_NUMBER: _ClassVar[int]
    EXPR_FIELD_NUMBER: _ClassVar[int]
    size: int
    expr: str
    def __init__(self, size: _Optional[int] = ..., expr: _Optional[str] = ...) -> None: ...

class Dims(_message.Message):
    __slots__ = ("sizes", "dims")
    SIZES_FIELD_NUMBER: _ClassVar[int]
    DIMS_FIELD_NUMBER: _ClassVar[int]
    sizes: _containers.RepeatedScalarFieldContainer[int]
    dims: _containers.RepeatedCompositeFieldContainer[Dim]
    def __init__(self, sizes: _Optional[_Iterable[int]] = ..., dims: _Optional[_Iterable[_Union[Dim, _Mapping]]] = ...) -> None: ...

class TensorType(_message.Message):
    __slots__ = ("dtype", "dims", "device")
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    DIMS_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    dtype: DType
    dims: Dims
    device: int
    def __init__(self, dtype: _Optional[_Union[DType, str]] = ..., dims: _Optional[_Union[Dims, _Mapping]] = ..., device: _Optional[int] = ...) -> None: ...

class IdSpan(_message.Message):
    __slots__ = ("first", "count")
    FIRST_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    first: int
    count: int
    def __init__(self, first: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class Tensor(_message.Message):
    __slots__ = ("type", "data", "numbers")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    NUMBERS_FIELD_NUMBER: _ClassVar[int]
    type: TensorType
    data: bytes
    numbers: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, type: _Optional[_Union[TensorType, _Mapping]] = ..., data: _Optional[bytes] = ..., numbers: _Optional[_Iterable[float]] = ...) -> None: ...

class Credentials(_message.Message):
    __slots__ = ("bearer",)
    BEARER_FIELD_NUMBER: _ClassVar[int]
    bearer: str
    def __init__(self, bearer: _Optional[str] = ...) -> None: ...

class Device(_message.Message):
    __slots__ = ("number", "name", "description", "memory_bytes", "memory_used", "threads", "dtypes", "healthy", "is_default")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_USED_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    DTYPES_FIELD_NUMBER: _ClassVar[int]
    HEALTHY_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    number: int
    name: str
    description: str
    memory_bytes: int
    memory_used: int
    threads: int
    dtypes: _containers.RepeatedScalarFieldContainer[DType]
    healthy: bool
    is_default: bool
    def __init__(self, number: _Optional[int] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., memory_bytes: _Optional[int] = ..., memory_used: _Optional[int] = ..., threads: _Optional[int] = ..., dtypes: _Optional[_Iterable[_Union[DType, str]]] = ..., healthy: bool = ..., is_default: bool = ...) -> None: ...
