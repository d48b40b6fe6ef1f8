import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from gravitas.telemetry.v1 import answer_pb2 as _answer_pb2
from gravitas.telemetry.v1 import collectors_pb2 as _collectors_pb2
from gravitas.telemetry.v1 import dimensions_pb2 as _dimensions_pb2
from gravitas.telemetry.v1 import footprint_pb2 as _footprint_pb2
from gravitas.telemetry.v1 import question_pb2 as _question_pb2
from gravitas.telemetry.v1 import tail_pb2 as _tail_pb2
from gravitas.telemetry.v1 import telemetry_pb2 as _telemetry_pb2
from gravitas.telemetry.v1 import time_series_pb2 as _time_series_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListEventsRequest(_message.Message):
    __slots__ = ("component", "event_type", "status", "hours", "start_time", "end_time", "page_size", "page_token", "filter", "range", "order", "id")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    component: str
    event_type: str
    status: str
    hours: float
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    page_size: int
    page_token: str
    filter: _question_pb2.EventFilter
    range: _question_pb2.TimeRange
    order: str
    id: str
    def __init__(self, component: _Optional[str] = ..., event_type: _Optional[str] = ..., status: _Optional[str] = ..., hours: _Optional[float] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[_question_pb2.EventFilter, _Mapping]] = ..., range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., order: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ListEventsResponse(_message.Message):
    __slots__ = ("events", "next_page_token", "source", "observed_at")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_telemetry_pb2.Event]
    next_page_token: str
    source: _answer_pb2.AnswerSource
    observed_at: _containers.RepeatedCompositeFieldContainer[_timestamp_pb2.Timestamp]
    def __init__(self, events: _Optional[_Iterable[_Union[_telemetry_pb2.Event, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., observed_at: _Optional[_Iterable[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]]] = ...) -> None: ...

class ListUsageRequest(_message.Message):
    __slots__ = ("filter", "range", "page_size", "page_token", "order", "id")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    filter: _question_pb2.UsageFilter
    range: _question_pb2.TimeRange
    page_size: int
    page_token: str
    order: str
    id: str
    def __init__(self, filter: _Optional[_Union[_question_pb2.UsageFilter, _Mapping]] = ..., range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., order: _Optional[str] = ..., id: _Optional[str] = ...) -> None: ...

class ListUsageResponse(_message.Message):
    __slots__ = ("records", "next_page_token", "source")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[UsageRecord]
    next_page_token: str
    source: _answer_pb2.AnswerSource
    def __init__(self, records: _Optional[_Iterable[_Union[UsageRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ...) -> None: ...

class UsageRecord(_message.Message):
    __slots__ = ("usage", "observed_at", "ambiguous", "cost_usd")
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_AT_FIELD_NUMBER: _ClassVar[int]
    AMBIGUOUS_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    usage: _telemetry_pb2.Usage
    observed_at: _timestamp_pb2.Timestamp
    ambiguous: bool
    cost_usd: str
    def __init__(self, usage: _Optional[_Union[_telemetry_pb2.Usage, _Mapping]] = ..., observed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ambiguous: _Optional[bool] = ..., cost_usd: _Optional[str] = ...) -> None: ...

class GetStatsRequest(_message.Message):
    __slots__ = ("component", "hours", "event_type", "range", "filter", "group_by", "value", "limit", "order_by", "compare_before", "histogram_buckets")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    COMPARE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_BUCKETS_FIELD_NUMBER: _ClassVar[int]
    component: str
    hours: float
    event_type: str
    range: _question_pb2.TimeRange
    filter: _question_pb2.EventFilter
    group_by: _containers.RepeatedScalarFieldContainer[str]
    value: str
    limit: int
    order_by: str
    compare_before: bool
    histogram_buckets: int
    def __init__(self, component: _Optional[str] = ..., hours: _Optional[float] = ..., event_type: _Optional[str] = ..., range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.EventFilter, _Mapping]] = ..., group_by: _Optional[_Iterable[str]] = ..., value: _Optional[str] = ..., limit: _Optional[int] = ..., order_by: _Optional[str] = ..., compare_before: _Optional[bool] = ..., histogram_buckets: _Optional[int] = ...) -> None: ...

class GetStatsResponse(_message.Message):
    __slots__ = ("component", "measurement_count", "avg_efficiency_score", "best_efficiency", "worst_efficiency", "total_tokens", "time_window_hours", "components", "source", "total", "groups", "rest", "rest_groups", "before", "histogram")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_SCORE_FIELD_NUMBER: _ClassVar[int]
    BEST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    WORST_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TIME_WINDOW_HOURS_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    REST_GROUPS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    component: str
    measurement_count: int
    avg_efficiency_score: float
    best_efficiency: float
    worst_efficiency: float
    total_tokens: int
    time_window_hours: float
    components: _containers.RepeatedCompositeFieldContainer[ComponentStats]
    source: _answer_pb2.AnswerSource
    total: _answer_pb2.Statistics
    groups: _containers.RepeatedCompositeFieldContainer[StatisticsGroup]
    rest: _answer_pb2.Statistics
    rest_groups: int
    before: _answer_pb2.Statistics
    histogram: _answer_pb2.Histogram
    def __init__(self, component: _Optional[str] = ..., measurement_count: _Optional[int] = ..., avg_efficiency_score: _Optional[float] = ..., best_efficiency: _Optional[float] = ..., worst_efficiency: _Optional[float] = ..., total_tokens: _Optional[int] = ..., time_window_hours: _Optional[float] = ..., components: _Optional[_Iterable[_Union[ComponentStats, _Mapping]]] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., total: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[StatisticsGroup, _Mapping]]] = ..., rest: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ..., rest_groups: _Optional[int] = ..., before: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ..., histogram: _Optional[_Union[_answer_pb2.Histogram, _Mapping]] = ...) -> None: ...

class StatisticsGroup(_message.Message):
    __slots__ = ("group", "statistics", "before")
    class GroupEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GROUP_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    group: _containers.ScalarMap[str, str]
    statistics: _answer_pb2.Statistics
    before: _answer_pb2.Statistics
    def __init__(self, group: _Optional[_Mapping[str, str]] = ..., statistics: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ..., before: _Optional[_Union[_answer_pb2.Statistics, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("hours", "model", "layer", "range", "filter", "group_by", "width", "compare_before", "forecast", "limit", "order_by")
    HOURS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LAYER_FIELD_NUMBER: _ClassVar[int]
    RANGE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    COMPARE_BEFORE_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    hours: float
    model: str
    layer: str
    range: _question_pb2.TimeRange
    filter: _question_pb2.UsageFilter
    group_by: _containers.RepeatedScalarFieldContainer[str]
    width: str
    compare_before: bool
    forecast: bool
    limit: int
    order_by: str
    def __init__(self, hours: _Optional[float] = ..., model: _Optional[str] = ..., layer: _Optional[str] = ..., range: _Optional[_Union[_question_pb2.TimeRange, _Mapping]] = ..., filter: _Optional[_Union[_question_pb2.UsageFilter, _Mapping]] = ..., group_by: _Optional[_Iterable[str]] = ..., width: _Optional[str] = ..., compare_before: _Optional[bool] = ..., forecast: _Optional[bool] = ..., limit: _Optional[int] = ..., order_by: _Optional[str] = ...) -> None: ...

class GetUsageSummaryResponse(_message.Message):
    __slots__ = ("requests", "input_tokens", "output_tokens", "total_tokens", "l2_tokens", "avg_duration_ms", "cost_usd", "time_window_hours", "breakdown", "cached_tokens", "cache_write_tokens", "reasoning_tokens", "ambiguous", "unpriced", "unpriced_tokens", "price_list", "own_prices", "source", "total", "groups", "rest", "rest_groups", "periods", "before", "forecast", "width")
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
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    REST_GROUPS_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    FORECAST_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
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
    source: _answer_pb2.AnswerSource
    total: _answer_pb2.UsageTotals
    groups: _containers.RepeatedCompositeFieldContainer[UsageGroup]
    rest: _answer_pb2.UsageTotals
    rest_groups: int
    periods: _containers.RepeatedCompositeFieldContainer[UsagePeriod]
    before: UsageBefore
    forecast: UsageForecast
    width: str
    def __init__(self, requests: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., total_tokens: _Optional[int] = ..., l2_tokens: _Optional[int] = ..., avg_duration_ms: _Optional[float] = ..., cost_usd: _Optional[float] = ..., time_window_hours: _Optional[float] = ..., breakdown: _Optional[_Iterable[_Union[UsageBreakdown, _Mapping]]] = ..., cached_tokens: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., ambiguous: _Optional[int] = ..., unpriced: _Optional[int] = ..., unpriced_tokens: _Optional[int] = ..., price_list: _Optional[_Union[PriceEdition, _Mapping]] = ..., own_prices: _Optional[_Union[PriceEdition, _Mapping]] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., total: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., groups: _Optional[_Iterable[_Union[UsageGroup, _Mapping]]] = ..., rest: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., rest_groups: _Optional[int] = ..., periods: _Optional[_Iterable[_Union[UsagePeriod, _Mapping]]] = ..., before: _Optional[_Union[UsageBefore, _Mapping]] = ..., forecast: _Optional[_Union[UsageForecast, _Mapping]] = ..., width: _Optional[str] = ...) -> None: ...

class UsageGroup(_message.Message):
    __slots__ = ("group", "totals", "before", "periods")
    class GroupEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    GROUP_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    group: _containers.ScalarMap[str, str]
    totals: _answer_pb2.UsageTotals
    before: _answer_pb2.UsageTotals
    periods: _containers.RepeatedCompositeFieldContainer[UsagePeriod]
    def __init__(self, group: _Optional[_Mapping[str, str]] = ..., totals: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., before: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., periods: _Optional[_Iterable[_Union[UsagePeriod, _Mapping]]] = ...) -> None: ...

class UsagePeriod(_message.Message):
    __slots__ = ("start_time", "end_time", "totals")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    totals: _answer_pb2.UsageTotals
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., totals: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ...) -> None: ...

class UsageBefore(_message.Message):
    __slots__ = ("start_time", "end_time", "totals", "whole", "whole_end_time", "periods")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    WHOLE_END_TIME_FIELD_NUMBER: _ClassVar[int]
    PERIODS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    totals: _answer_pb2.UsageTotals
    whole: _answer_pb2.UsageTotals
    whole_end_time: _timestamp_pb2.Timestamp
    periods: _containers.RepeatedCompositeFieldContainer[UsagePeriod]
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., totals: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., whole: _Optional[_Union[_answer_pb2.UsageTotals, _Mapping]] = ..., whole_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., periods: _Optional[_Iterable[_Union[UsagePeriod, _Mapping]]] = ...) -> None: ...

class UsageForecast(_message.Message):
    __slots__ = ("end_time", "cost_usd", "total_tokens", "requests", "method", "days", "coming")
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    COMING_FIELD_NUMBER: _ClassVar[int]
    end_time: _timestamp_pb2.Timestamp
    cost_usd: _answer_pb2.Forecast
    total_tokens: _answer_pb2.Forecast
    requests: _answer_pb2.Forecast
    method: str
    days: int
    coming: _containers.RepeatedCompositeFieldContainer[ForecastDay]
    def __init__(self, end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cost_usd: _Optional[_Union[_answer_pb2.Forecast, _Mapping]] = ..., total_tokens: _Optional[_Union[_answer_pb2.Forecast, _Mapping]] = ..., requests: _Optional[_Union[_answer_pb2.Forecast, _Mapping]] = ..., method: _Optional[str] = ..., days: _Optional[int] = ..., coming: _Optional[_Iterable[_Union[ForecastDay, _Mapping]]] = ...) -> None: ...

class ForecastDay(_message.Message):
    __slots__ = ("start_time", "end_time", "cost_usd", "total_tokens", "requests")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    COST_USD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    cost_usd: float
    total_tokens: float
    requests: float
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., cost_usd: _Optional[float] = ..., total_tokens: _Optional[float] = ..., requests: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("id", "time")
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    id: str
    time: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("days", "component", "overall_of_all_events", "time_zone", "event_type", "quantiles")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    OVERALL_OF_ALL_EVENTS_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    QUANTILES_FIELD_NUMBER: _ClassVar[int]
    days: int
    component: str
    overall_of_all_events: bool
    time_zone: str
    event_type: str
    quantiles: bool
    def __init__(self, days: _Optional[int] = ..., component: _Optional[str] = ..., overall_of_all_events: _Optional[bool] = ..., time_zone: _Optional[str] = ..., event_type: _Optional[str] = ..., quantiles: _Optional[bool] = ...) -> None: ...

class GetTrendsResponse(_message.Message):
    __slots__ = ("overall", "model_trends", "retention_window_days", "source")
    OVERALL_FIELD_NUMBER: _ClassVar[int]
    MODEL_TRENDS_FIELD_NUMBER: _ClassVar[int]
    RETENTION_WINDOW_DAYS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    overall: OverallTrend
    model_trends: _containers.RepeatedCompositeFieldContainer[ModelTrend]
    retention_window_days: int
    source: _answer_pb2.AnswerSource
    def __init__(self, overall: _Optional[_Union[OverallTrend, _Mapping]] = ..., model_trends: _Optional[_Iterable[_Union[ModelTrend, _Mapping]]] = ..., retention_window_days: _Optional[int] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("component", "avg_efficiency", "measurement_count", "total_tokens_processed", "days", "p50", "p95", "p99")
    COMPONENT_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOTAL_TOKENS_PROCESSED_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    component: str
    avg_efficiency: float
    measurement_count: int
    total_tokens_processed: int
    days: _containers.RepeatedCompositeFieldContainer[DailyTrend]
    p50: float
    p95: float
    p99: float
    def __init__(self, component: _Optional[str] = ..., avg_efficiency: _Optional[float] = ..., measurement_count: _Optional[int] = ..., total_tokens_processed: _Optional[int] = ..., days: _Optional[_Iterable[_Union[DailyTrend, _Mapping]]] = ..., p50: _Optional[float] = ..., p95: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...

class DailyTrend(_message.Message):
    __slots__ = ("day", "avg_efficiency", "measurement_count", "p50", "p95", "p99")
    DAY_FIELD_NUMBER: _ClassVar[int]
    AVG_EFFICIENCY_FIELD_NUMBER: _ClassVar[int]
    MEASUREMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    P50_FIELD_NUMBER: _ClassVar[int]
    P95_FIELD_NUMBER: _ClassVar[int]
    P99_FIELD_NUMBER: _ClassVar[int]
    day: _timestamp_pb2.Timestamp
    avg_efficiency: float
    measurement_count: int
    p50: float
    p95: float
    p99: float
    def __init__(self, day: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., avg_efficiency: _Optional[float] = ..., measurement_count: _Optional[int] = ..., p50: _Optional[float] = ..., p95: _Optional[float] = ..., p99: _Optional[float] = ...) -> None: ...

class GetFootprintRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFootprintResponse(_message.Message):
    __slots__ = ("table_sizes", "row_counts", "oldest_telemetry_record", "monitored_at", "partitions", "rollups", "spools", "dead_letters", "database_bytes", "price_list", "own_prices", "source", "retention")
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
    PARTITIONS_FIELD_NUMBER: _ClassVar[int]
    ROLLUPS_FIELD_NUMBER: _ClassVar[int]
    SPOOLS_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    DATABASE_BYTES_FIELD_NUMBER: _ClassVar[int]
    PRICE_LIST_FIELD_NUMBER: _ClassVar[int]
    OWN_PRICES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_FIELD_NUMBER: _ClassVar[int]
    table_sizes: _containers.RepeatedCompositeFieldContainer[TableSize]
    row_counts: _containers.ScalarMap[str, int]
    oldest_telemetry_record: _timestamp_pb2.Timestamp
    monitored_at: _timestamp_pb2.Timestamp
    partitions: _containers.RepeatedCompositeFieldContainer[_footprint_pb2.PartitionSize]
    rollups: RollupFootprint
    spools: _containers.RepeatedCompositeFieldContainer[_footprint_pb2.SpoolFootprint]
    dead_letters: _footprint_pb2.DeadLetterFootprint
    database_bytes: int
    price_list: PriceEdition
    own_prices: PriceEdition
    source: _answer_pb2.AnswerSource
    retention: _footprint_pb2.RetentionFootprint
    def __init__(self, table_sizes: _Optional[_Iterable[_Union[TableSize, _Mapping]]] = ..., row_counts: _Optional[_Mapping[str, int]] = ..., oldest_telemetry_record: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., monitored_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., partitions: _Optional[_Iterable[_Union[_footprint_pb2.PartitionSize, _Mapping]]] = ..., rollups: _Optional[_Union[RollupFootprint, _Mapping]] = ..., spools: _Optional[_Iterable[_Union[_footprint_pb2.SpoolFootprint, _Mapping]]] = ..., dead_letters: _Optional[_Union[_footprint_pb2.DeadLetterFootprint, _Mapping]] = ..., database_bytes: _Optional[int] = ..., price_list: _Optional[_Union[PriceEdition, _Mapping]] = ..., own_prices: _Optional[_Union[PriceEdition, _Mapping]] = ..., source: _Optional[_Union[_answer_pb2.AnswerSource, _Mapping]] = ..., retention: _Optional[_Union[_footprint_pb2.RetentionFootprint, _Mapping]] = ...) -> None: ...

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

class RollupFootprint(_message.Message):
    __slots__ = ("total_bytes", "table_sizes", "series", "settled_at", "raw_floor", "oldest_bucket", "waiting")
    class SeriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    TABLE_SIZES_FIELD_NUMBER: _ClassVar[int]
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SETTLED_AT_FIELD_NUMBER: _ClassVar[int]
    RAW_FLOOR_FIELD_NUMBER: _ClassVar[int]
    OLDEST_BUCKET_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    total_bytes: int
    table_sizes: _containers.RepeatedCompositeFieldContainer[TableSize]
    series: _containers.ScalarMap[str, int]
    settled_at: _timestamp_pb2.Timestamp
    raw_floor: _timestamp_pb2.Timestamp
    oldest_bucket: _timestamp_pb2.Timestamp
    waiting: int
    def __init__(self, total_bytes: _Optional[int] = ..., table_sizes: _Optional[_Iterable[_Union[TableSize, _Mapping]]] = ..., series: _Optional[_Mapping[str, int]] = ..., settled_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., raw_floor: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., oldest_bucket: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., waiting: _Optional[int] = ...) -> None: ...
