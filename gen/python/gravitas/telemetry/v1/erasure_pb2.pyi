from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EraseRecordsRequest(_message.Message):
    __slots__ = ("user_id", "session_id", "dry_run")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    session_id: str
    dry_run: bool
    def __init__(self, user_id: _Optional[str] = ..., session_id: _Optional[str] = ..., dry_run: _Optional[bool] = ...) -> None: ...

class EraseRecordsResponse(_message.Message):
    __slots__ = ("erased",)
    ERASED_FIELD_NUMBER: _ClassVar[int]
    erased: _containers.RepeatedCompositeFieldContainer[ErasedRows]
    def __init__(self, erased: _Optional[_Iterable[_Union[ErasedRows, _Mapping]]] = ...) -> None: ...

class ErasedRows(_message.Message):
    __slots__ = ("table_name", "rows")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    rows: int
    def __init__(self, table_name: _Optional[str] = ..., rows: _Optional[int] = ...) -> None: ...
