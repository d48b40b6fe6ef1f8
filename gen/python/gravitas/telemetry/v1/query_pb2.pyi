import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from gravitas.telemetry.v1 import telemetry_pb2 as _telemetry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListEventsRequest(_message.Message):
    __slots__ = ("component", "event_type", "status", "hours", "start_time", "end_time", "page_size", "page_token")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    component: str
    event_type: str
    status: str
    hours: float
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    def __init__(self, component: _Optional[str] = ..., event_type: _Optional[str] = ..., status: _Optional[str] = ..., hours: _Optional[float] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Event]
    next_page_token: str
    def __init__(self, events: _Optional[_Iterable[_Union[_telemetry_pb2.Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ("component", "hours", "event_type")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    component: str
    hours: float
    event_type: str
    def __init__(self, component: _Optional[str] = ..., hours: _Optional[float] = ..., event_type: _Optional[str] = ...) -> None: ...

class GetStatsResponse(_message.Message):
    __slots__ = ("component", "measurement_count", "avg_efficiency_score", "best_efficiency", "worst_efficiency", "total_tokens", "time_window_hours", "components")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_SCORE_FIELD_NUMBER: _ClassVar[int]
    BEST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    WORST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIME_WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    component: str
    measurement_count: int
    avg_efficiency_score: float
    best_efficiency: float
    worst_efficiency: float
    total_tokens: int
    time_window_hours: float
    components: _containers.RepeatedCompositeFieldContainer[ComponentStats]
    def __init__(self, component: _Optional[str] = ..., measurement_count: _Optional[int] = ..., avg_efficiency_score: _Optional[float] = ..., best_efficiency: _Optional[float] = ..., worst_efficiency: _Optional[float] = ..., total_tokens: _Optional[int] = ..., time_window_hours: _Optional[float] = ..., components: _Optional[_Iterable[_Union[ComponentStats, _Mapping]]] = ...) -> None: ...

class ComponentStats(_message.Message):
    __slots__ = ("component", "measurement_count", "avg_efficiency_score", "best_efficiency", "worst_efficiency", "total_tokens")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_SCORE_FIELD_NUMBER: _ClassVar[int]
    BEST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    WORST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    component: str
    measurement_count: int
    avg_efficiency_score: float
    best_efficiency: float
    worst_efficiency: float
    total_tokens: int
    def __init__(self, component: _Optional[str] = ..., measurement_count: _Optional[int] = ..., avg_efficiency_score: _Optional[float] = ..., best_efficiency: _Optional[float] = ..., worst_efficiency: _Optional[float] = ..., total_tokens: _Optional[int] = ...) -> None: ...

class GetUsageSummaryRequest(_message.Message):
    __slots__ = ("hours", "model", "layer")
    HOURS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    hours: float
    model: str
    layer: str
    def __init__(self, hours: _Optional[float] = ..., model: _Optional[str] = ..., layer: _Optional[str] = ...) -> None: ...

class GetUsageSummaryResponse(_message.Message):
    __slots__ = ("requests", "input_tokens", "output_tokens", "total_tokens", "l2_tokens", "avg_duration_ms", "cost_usd", "time_window_hours", "breakdown", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "ambiguous", "unpriced", "unpriced_tokens", "price_list", "own_prices")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    L2_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AVG_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TIME_WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    BREAKDOWN_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    PRICE_LIST_FIELD_NUMBER: _ClassVar[int]
    OWN_PRICES_FIELD_NUMBER: _ClassVar[int]
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    l2_tokens: int
    avg_duration_ms: float
    cost_usd: float
    time_window_hours: float
    breakdown: _containers.RepeatedCompositeFieldContainer[UsageBreakdown]
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    ambiguous: int
    unpriced: int
    unpriced_tokens: int
    price_list: PriceEdition
    own_prices: PriceEdition
    def __init__(self, requests: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., l2_tokens: _Optional[int] = ..., avg_duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., time_window_hours: _Optional[float] = ..., breakdown: _Optional[_Iterable[_Union[UsageBreakdown, _Mapping]]] = ..., cached_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., ambiguous: _Optional[int] = ..., unpriced: _Optional[int] = ..., unpriced_tokens: _Optional[int] = ..., price_list: _Optional[_Union[PriceEdition, _Mapping]] = ..., own_prices: _Optional[_Union[PriceEdition, _Mapping]] = ...) -> None: ...

class PriceEdition(_message.Message):
    __slots__ = ("name", "version", "date")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    date: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., date: _Optional[str] = ...) -> None: ...

class UsageBreakdown(_message.Message):
    __slots__ = ("model", "layer", "requests", "input_tokens", "output_tokens", "total_tokens", "avg_duration_ms", "cost_usd", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "ambiguous", "unpriced", "unpriced_tokens")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AVG_DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    model: str
    layer: str
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    avg_duration_ms: float
    cost_usd: float
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    ambiguous: int
    unpriced: int
    unpriced_tokens: int
    def __init__(self, model: _Optional[str] = ..., layer: _Optional[str] = ..., requests: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., avg_duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., cached_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., ambiguous: _Optional[int] = ..., unpriced: _Optional[int] = ..., unpriced_tokens: _Optional[int] = ...) -> None: ...

class ExplainUsageRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class ExplainUsageResponse(_message.Message):
    __slots__ = ("id", "timestamp", "model", "provider", "cost_usd", "cost_source", "usage_rule", "unpriced_reason", "current_cost_usd", "current_cost_source", "explanation", "price_list", "own_prices")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    USAGE_RULE_FIELD_NUMBER: _ClassVar[int]
    UNPRICED_REASON_FIELD_NUMBER: _ClassVar[int]
    CURRENT_COST_USD_FIELD_NUMBER: _ClassVar[int]
    CURRENT_COST_SOURCE_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    PRICE_LIST_FIELD_NUMBER: _ClassVar[int]
    OWN_PRICES_FIELD_NUMBER: _ClassVar[int]
    id: str
    timestamp: _timestamp_pb2.Timestamp
    model: str
    provider: str
    cost_usd: str
    cost_source: str
    usage_rule: str
    unpriced_reason: str
    current_cost_usd: str
    current_cost_source: str
    explanation: _containers.RepeatedScalarFieldContainer[str]
    price_list: PriceEdition
    own_prices: PriceEdition
    def __init__(self, id: _Optional[str] = ..., timestamp: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., model: _Optional[str] = ..., provider: _Optional[str] = ..., cost_usd: _Optional[str] = ..., cost_source: _Optional[str] = ..., usage_rule: _Optional[str] = ..., unpriced_reason: _Optional[str] = ..., current_cost_usd: _Optional[str] = ..., current_cost_source: _Optional[str] = ..., explanation: _Optional[_Iterable[str]] = ..., price_list: _Optional[_Union[PriceEdition, _Mapping]] = ..., own_prices: _Optional[_Union[PriceEdition, _Mapping]] = ...) -> None: ...

class GetTrendsRequest(_message.Message):
    __slots__ = ("days", "component", "overall_of_all_events")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    OVERALL_OF_ALL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    days: int
    component: str
    overall_of_all_events: bool
    def __init__(self, days: _Optional[int] = ..., component: _Optional[str] = ..., overall_of_all_events: _Optional[bool] = ...) -> None: ...

class GetTrendsResponse(_message.Message):
    __slots__ = ("overall", "model_trends", "retention_window_days")
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    MODEL_TRENDS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    overall: OverallTrend
    model_trends: _containers.RepeatedCompositeFieldContainer[ModelTrend]
    retention_window_days: int
    def __init__(self, overall: _Optional[_Union[OverallTrend, _Mapping]] = ..., model_trends: _Optional[_Iterable[_Union[ModelTrend, _Mapping]]] = ..., retention_window_days: _Optional[int] = ...) -> None: ...

class OverallTrend(_message.Message):
    __slots__ = ("total_measurements", "unique_models", "oldest_record", "newest_record")
    TOTAL_MEASUREMENTS_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_MODELS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_RECORD_FIELD_NUMBER: _ClassVar[int]
    NEWEST_RECORD_FIELD_NUMBER: _ClassVar[int]
    total_measurements: int
    unique_models: int
    oldest_record: _timestamp_pb2.Timestamp
    newest_record: _timestamp_pb2.Timestamp
    def __init__(self, total_measurements: _Optional[int] = ..., unique_models: _Optional[int] = ..., oldest_record: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., newest_record: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ModelTrend(_message.Message):
    __slots__ = ("component", "avg_efficiency", "measurement_count", "total_tokens_processed", "days")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    component: str
    avg_efficiency: float
    measurement_count: int
    total_tokens_processed: int
    days: _containers.RepeatedCompositeFieldContainer[DailyTrend]
    def __init__(self, component: _Optional[str] = ..., avg_efficiency: _Optional[float] = ..., measurement_count: _Optional[int] = ..., total_tokens_processed: _Optional[int] = ..., days: _Optional[_Iterable[_Union[DailyTrend, _Mapping]]] = ...) -> None: ...

class DailyTrend(_message.Message):
    __slots__ = ("day", "avg_efficiency", "measurement_count")
    DAY_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    day: _timestamp_pb2.Timestamp
    avg_efficiency: float
    measurement_count: int
    def __init__(self, day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., avg_efficiency: _Optional[float] = ..., measurement_count: _Optional[int] = ...) -> None: ...

class GetFootprintRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFootprintResponse(_message.Message):
    __slots__ = ("table_sizes", "row_counts", "oldest_telemetry_record", "monitored_at")
    class RowCountsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TABLE_SIZES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNTS_FIELD_NUMBER: _ClassVar[int]
    OLDEST_TELEMETRY_RECORD_FIELD_NUMBER: _ClassVar[int]
    MONITORED_AT_FIELD_NUMBER: _ClassVar[int]
    table_sizes: _containers.RepeatedCompositeFieldContainer[TableSize]
    row_counts: _containers.ScalarMap[str, int]
    oldest_telemetry_record: _timestamp_pb2.Timestamp
    monitored_at: _timestamp_pb2.Timestamp
    def __init__(self, table_sizes: _Optional[_Iterable[_Union[TableSize, _Mapping]]] = ..., row_counts: _Optional[_Mapping[str, int]] = ..., oldest_telemetry_record: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., monitored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class TableSize(_message.Message):
    __slots__ = ("table_name", "total_bytes", "index_bytes", "partitions")
    TABLE_NAME_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_BYTES_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    table_name: str
    total_bytes: int
    index_bytes: int
    partitions: int
    def __init__(self, table_name: _Optional[str] = ..., total_bytes: _Optional[int] = ..., index_bytes: _Optional[int] = ..., partitions: _Optional[int] = ...) -> None: ...
