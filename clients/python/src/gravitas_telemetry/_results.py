"""What the queries give. Times are aware datetimes in UTC; None is what the service left out."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timezone
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ._generated import query_pb2, telemetry_pb2


@dataclass(frozen=True)
class Event:
    id: str
    event_type: str
    component: str | None
    value: float | None
    metadata: dict[str, Any]
    status: str | None
    timestamp: datetime


@dataclass(frozen=True)
class EventPage:
    """Events, newest first."""

    events: list[Event]
    next_page_token: str
    """Empty on the last page."""


@dataclass(frozen=True)
class ComponentStats:
    component: str | None
    measurement_count: int
    avg_efficiency_score: float | None
    best_efficiency: float | None
    """The least value."""
    worst_efficiency: float | None
    """The greatest value."""
    total_tokens: int
    """Sum of metadata `tokens_generated`."""


@dataclass(frozen=True)
class Stats(ComponentStats):
    time_window_hours: float
    components: list[ComponentStats]
    """Most measurements first."""


@dataclass(frozen=True)
class PriceEdition:
    """Which prices."""

    name: str
    version: str
    date: str
    """The day (UTC) of their last change."""


@dataclass(frozen=True)
class UsageBreakdown:
    model: str | None
    layer: str | None
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    avg_duration_ms: float | None
    cost_usd: float
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    ambiguous: int = 0
    """Requests whose counts contradict each other."""
    unpriced: int = 0
    """Requests without a cost, which are not in `cost_usd`."""
    unpriced_tokens: int = 0
    """Their tokens."""


@dataclass(frozen=True)
class UsageSummary:
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    l2_tokens: int
    avg_duration_ms: float | None
    cost_usd: float
    time_window_hours: float
    breakdown: list[UsageBreakdown]
    """One entry a model and layer, most tokens first."""
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    ambiguous: int = 0
    """Requests whose counts contradict each other."""
    unpriced: int = 0
    """Requests without a cost, which are not in `cost_usd`."""
    unpriced_tokens: int = 0
    """Their tokens."""
    price_list: PriceEdition | None = None
    """The list by which costs are computed at the moment; each row says by which its own was."""
    own_prices: PriceEdition | None = None
    """The operator's own prices, which go before the list."""


@dataclass(frozen=True)
class DailyTrend:
    day: datetime | None
    avg_efficiency: float | None
    measurement_count: int


@dataclass(frozen=True)
class ModelTrend:
    component: str | None
    avg_efficiency: float | None
    """Mean milliseconds per generated token."""
    measurement_count: int
    total_tokens_processed: int
    days: list[DailyTrend]
    """Those with measurements, oldest first."""


@dataclass(frozen=True)
class OverallTrend:
    total_measurements: int
    unique_models: int
    oldest_record: datetime | None
    newest_record: datetime | None


@dataclass(frozen=True)
class Trends:
    overall: OverallTrend
    model_trends: list[ModelTrend]
    retention_window_days: int


@dataclass(frozen=True)
class TableSize:
    table_name: str
    total_bytes: int
    index_bytes: int
    partitions: int


@dataclass(frozen=True)
class Footprint:
    table_sizes: list[TableSize]
    row_counts: dict[str, int]
    oldest_telemetry_record: datetime | None
    monitored_at: datetime | None


def event_page(message: query_pb2.ListEventsResponse) -> EventPage:
    return EventPage([_event(each) for each in message.events], message.next_page_token)


def stats(message: query_pb2.GetStatsResponse) -> Stats:
    components = [ComponentStats(**_component_stats(each)) for each in message.components]
    return Stats(**_component_stats(message), time_window_hours=message.time_window_hours, components=components)


def usage_summary(message: query_pb2.GetUsageSummaryResponse) -> UsageSummary:
    return UsageSummary(
        **_scalars(UsageSummary, message),
        breakdown=[UsageBreakdown(**_scalars(UsageBreakdown, each)) for each in message.breakdown],
        price_list=_edition(message, "price_list"),
        own_prices=_edition(message, "own_prices"),
    )


def trends(message: query_pb2.GetTrendsResponse) -> Trends:
    overall = message.overall
    return Trends(
        OverallTrend(
            overall.total_measurements,
            overall.unique_models,
            _time(overall, "oldest_record"),
            _time(overall, "newest_record"),
        ),
        [_model_trend(each) for each in message.model_trends],
        message.retention_window_days,
    )


def footprint(message: query_pb2.GetFootprintResponse) -> Footprint:
    return Footprint(
        [TableSize(**_scalars(TableSize, each)) for each in message.table_sizes],
        dict(message.row_counts),
        _time(message, "oldest_telemetry_record"),
        _time(message, "monitored_at"),
    )


def _event(message: telemetry_pb2.Event) -> Event:
    return Event(
        message.id,
        message.event_type,
        message.component or None,
        _present(message, "value"),
        _whole_numbers(MessageToDict(message.metadata)) if message.HasField("metadata") else {},
        message.status or None,
        message.timestamp.ToDatetime(timezone.utc),
    )


def _whole_numbers(value: Any) -> Any:
    """A Struct has only doubles: what was an int becomes one again, as JSON would give it."""
    if isinstance(value, dict):
        return {key: _whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _component_stats(message: query_pb2.GetStatsResponse | query_pb2.ComponentStats) -> dict[str, Any]:
    names = ("measurement_count", "avg_efficiency_score", "best_efficiency", "worst_efficiency", "total_tokens")
    return {name: _present(message, name) for name in ("component", *names)}


def _model_trend(message: query_pb2.ModelTrend) -> ModelTrend:
    days = [
        DailyTrend(_time(each, "day"), _present(each, "avg_efficiency"), each.measurement_count)
        for each in message.days
    ]
    return ModelTrend(**_scalars(ModelTrend, message), days=days)


def _edition(message: query_pb2.GetUsageSummaryResponse, name: str) -> PriceEdition | None:
    edition = _present(message, name)
    return None if edition is None else PriceEdition(**_scalars(PriceEdition, edition))


def _scalars(result: Any, message: Message) -> dict[str, Any]:
    """The fields of a dataclass that are neither messages nor lists: a service may say more."""
    wanted = {each.name for each in fields(result)}
    scalars = (each.name for each in message.DESCRIPTOR.fields if not each.message_type)
    return {name: _present(message, name) for name in scalars if name in wanted}


def _present(message: Message, name: str) -> Any:
    has_presence = message.DESCRIPTOR.fields_by_name[name].has_presence
    return None if has_presence and not message.HasField(name) else getattr(message, name)


def _time(message: Message, name: str) -> datetime | None:
    timestamp: Timestamp = getattr(message, name)
    return timestamp.ToDatetime(timezone.utc) if message.HasField(name) else None
