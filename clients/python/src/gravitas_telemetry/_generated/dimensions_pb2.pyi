import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from . import answer_pb2 as _answer_pb2
from . import question_pb2 as _question_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListDimensionsRequest(_message.Message):
    __slots__ = ("range", "filter", "usage_filter", "dimensions", "limit", "prefix")
    RANGE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    USAGE_FILTER_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    range: _question_pb2.TimeRange
    filter: _question_pb2.EventFilter
    usage_filter: _question_pb2.UsageFilter
    dimensions: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    prefix: str
    def __init__(self, range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.EventFilter, _Mapping]] = ..., usage_filter: _Optional[_Union[_question_pb2.UsageFilter, _Mapping]] = ..., dimensions: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., prefix: _Optional[str] = ...) -> None: ...

class ListDimensionsResponse(_message.Message):
    __slots__ = ("source", "usage_source", "dimensions")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    USAGE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    source: _answer_pb2.AnswerSource
    usage_source: _answer_pb2.AnswerSource
    dimensions: _containers.RepeatedCompositeFieldContainer[Dimension]
    def __init__(self, source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., usage_source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., dimensions: _Optional[_Iterable[_Union[Dimension, _Mapping]]] = ...) -> None: ...

class Dimension(_message.Message):
    __slots__ = ("name", "values", "rest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    name: str
    values: _containers.RepeatedCompositeFieldContainer[DimensionValue]
    rest: int
    def __init__(self, name: _Optional[str] = ..., values: _Optional[_Iterable[_Union[DimensionValue, _Mapping]]] = ..., rest: _Optional[int] = ...) -> None: ...

class DimensionValue(_message.Message):
    __slots__ = ("value", "count", "last_seen_at")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    value: str
    count: int
    last_seen_at: _timestamp_pb2.Timestamp
    def __init__(self, value: _Optional[str] = ..., count: _Optional[int] = ..., last_seen_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
