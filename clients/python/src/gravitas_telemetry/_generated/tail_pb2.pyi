import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import question_pb2 as _question_pb2
from . import telemetry_pb2 as _telemetry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TailRequest(_message.Message):
    __slots__ = ("kinds", "filter", "usage_filter", "recent", "records_per_second_max")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    USAGE_FILTER_FIELD_NUMBER: _ClassVar[int]
    RECENT_FIELD_NUMBER: _ClassVar[int]
    RECORDS_PER_SECOND_MAX_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[str]
    filter: _question_pb2.EventFilter
    usage_filter: _question_pb2.UsageFilter
    recent: int
    records_per_second_max: int
    def __init__(self, kinds: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_question_pb2.EventFilter, _Mapping]] = ..., usage_filter: _Optional[_Union[_question_pb2.UsageFilter, _Mapping]] = ..., recent: _Optional[int] = ..., records_per_second_max: _Optional[int] = ...) -> None: ...

class TailResponse(_message.Message):
    __slots__ = ("records", "skipped", "skipped_in_all", "as_of")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_IN_ALL_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[TailRecord]
    skipped: int
    skipped_in_all: int
    as_of: _timestamp_pb2.Timestamp
    def __init__(self, records: _Optional[_Iterable[_Union[TailRecord, _Mapping]]] = ..., skipped: _Optional[int] = ..., skipped_in_all: _Optional[int] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TailRecord(_message.Message):
    __slots__ = ("event", "usage", "observed_at")
    EVENT_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    event: _telemetry_pb2.Event
    usage: _telemetry_pb2.Usage
    observed_at: _timestamp_pb2.Timestamp
    def __init__(self, event: _Optional[_Union[_telemetry_pb2.Event, _Mapping]] = ..., usage: _Optional[_Union[_telemetry_pb2.Usage, _Mapping]] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
