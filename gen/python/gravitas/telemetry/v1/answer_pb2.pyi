import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnswerSource(_message.Message):
    __slots__ = ("kind", "as_of", "freshest_at", "age_ms", "start_time", "end_time", "rounded", "notes", "duration_ms")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[AnswerSource.Kind]
        KIND_ROWS: _ClassVar[AnswerSource.Kind]
        KIND_ROLLUPS: _ClassVar[AnswerSource.Kind]
        KIND_ROLLUPS_AND_ROWS: _ClassVar[AnswerSource.Kind]
    KIND_UNSPECIFIED: AnswerSource.Kind
    KIND_ROWS: AnswerSource.Kind
    KIND_ROLLUPS: AnswerSource.Kind
    KIND_ROLLUPS_AND_ROWS: AnswerSource.Kind
    KIND_FIELD_NUMBER: _ClassVar[int]
    AS_OF_FIELD_NUMBER: _ClassVar[int]
    FRESHEST_AT_FIELD_NUMBER: _ClassVar[int]
    AGE_MS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ROUNDED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    kind: AnswerSource.Kind
    as_of: _timestamp_pb2.Timestamp
    freshest_at: _timestamp_pb2.Timestamp
    age_ms: float
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    rounded: bool
    notes: _containers.RepeatedCompositeFieldContainer[AnswerNote]
    duration_ms: float
    def __init__(self, kind: _Optional[_Union[AnswerSource.Kind, str]] = ..., as_of: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., freshest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., age_ms: _Optional[float] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., rounded: _Optional[bool] = ..., notes: _Optional[_Iterable[_Union[AnswerNote, _Mapping]]] = ..., duration_ms: _Optional[float] = ...) -> None: ...

class AnswerNote(_message.Message):
    __slots__ = ("field", "message")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    field: str
    message: str
    def __init__(self, field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Statistics(_message.Message):
    __slots__ = ("count", "values", "sum", "mean", "min", "max", "p50", "p95", "p99", "tokens_generated", "total_tokens", "not_ok")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    TOKENS_GENERATED_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    NOT_OK_FIELD_NUMBER: _ClassVar[int]
    count: int
    values: int
    sum: float
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float
    tokens_generated: int
    total_tokens: int
    not_ok: int
    def __init__(self, count: _Optional[int] = ..., values: _Optional[int] = ..., sum: _Optional[float] = ..., mean: _Optional[float] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., p50: _Optional[float] = ..., p95: _Optional[float] = ..., p99: _Optional[float] = ..., tokens_generated: _Optional[int] = ..., total_tokens: _Optional[int] = ..., not_ok: _Optional[int] = ...) -> None: ...

class Histogram(_message.Message):
    __slots__ = ("buckets", "below", "above")
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    ABOVE_FIELD_NUMBER: _ClassVar[int]
    buckets: _containers.RepeatedCompositeFieldContainer[HistogramBucket]
    below: int
    above: int
    def __init__(self, buckets: _Optional[_Iterable[_Union[HistogramBucket, _Mapping]]] = ..., below: _Optional[int] = ..., above: _Optional[int] = ...) -> None: ...

class HistogramBucket(_message.Message):
    __slots__ = ("to", "count")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    to: float
    count: int
    def __init__(self, to: _Optional[float] = ..., count: _Optional[int] = ..., **kwargs) -> None: ...

class UsageTotals(_message.Message):
    __slots__ = ("requests", "errors", "input_tokens", "output_tokens", "total_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "cache_hit_rate", "cost_usd", "unpriced", "unpriced_tokens", "ambiguous", "duration_ms", "time_to_first_token_ms")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_HIT_RATE_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    TIME_TO_FIRST_TOKEN_MS_FIELD_NUMBER: _ClassVar[int]
    requests: int
    errors: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cache_hit_rate: float
    cost_usd: float
    unpriced: int
    unpriced_tokens: int
    ambiguous: int
    duration_ms: Latency
    time_to_first_token_ms: Latency
    def __init__(self, requests: _Optional[int] = ..., errors: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., cache_hit_rate: _Optional[float] = ..., cost_usd: _Optional[float] = ..., unpriced: _Optional[int] = ..., unpriced_tokens: _Optional[int] = ..., ambiguous: _Optional[int] = ..., duration_ms: _Optional[_Union[Latency, _Mapping]] = ..., time_to_first_token_ms: _Optional[_Union[Latency, _Mapping]] = ...) -> None: ...

class Latency(_message.Message):
    __slots__ = ("count", "mean", "min", "max", "p50", "p95", "p99")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    count: int
    mean: float
    min: float
    max: float
    p50: float
    p95: float
    p99: float
    def __init__(self, count: _Optional[int] = ..., mean: _Optional[float] = ..., min: _Optional[float] = ..., max: _Optional[float] = ..., p50: _Optional[float] = ..., p95: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...

class Forecast(_message.Message):
    __slots__ = ("value", "low", "high")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    value: float
    low: float
    high: float
    def __init__(self, value: _Optional[float] = ..., low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...
