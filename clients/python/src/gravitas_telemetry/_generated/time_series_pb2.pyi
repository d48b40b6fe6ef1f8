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

class GetTimeSeriesRequest(_message.Message):
    __slots__ = ("range", "filter", "width", "group_by", "value", "limit")
    RANGE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    range: _question_pb2.TimeRange
    filter: _question_pb2.EventFilter
    width: str
    group_by: _containers.RepeatedScalarFieldContainer[str]
    value: str
    limit: int
    def __init__(self, range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.EventFilter, _Mapping]] = ..., width: _Optional[str] = ..., group_by: _Optional[_Iterable[str]] = ..., value: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetTimeSeriesResponse(_message.Message):
    __slots__ = ("source", "width", "series", "rest", "rest_groups")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    REST_GROUPS_FIELD_NUMBER: _ClassVar[int]
    source: _answer_pb2.AnswerSource
    width: str
    series: _containers.RepeatedCompositeFieldContainer[TimeSeries]
    rest: TimeSeries
    rest_groups: int
    def __init__(self, source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., width: _Optional[str] = ..., series: _Optional[_Iterable[_Union[TimeSeries, _Mapping]]] = ..., rest: _Optional[_Union[TimeSeries, _Mapping]] = ..., rest_groups: _Optional[int] = ...) -> None: ...

class TimeSeries(_message.Message):
    __slots__ = ("group", "total", "points")
    class GroupEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    group: _containers.ScalarMap[str, str]
    total: _answer_pb2.Statistics
    points: _containers.RepeatedCompositeFieldContainer[TimePoint]
    def __init__(self, group: _Optional[_Mapping[str, str]] = ..., total: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ..., points: _Optional[_Iterable[_Union[TimePoint, _Mapping]]] = ...) -> None: ...

class TimePoint(_message.Message):
    __slots__ = ("start_time", "end_time", "statistics")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    statistics: _answer_pb2.Statistics
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., statistics: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ...) -> None: ...
