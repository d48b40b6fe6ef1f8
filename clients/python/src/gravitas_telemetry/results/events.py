"""Events, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .answers import AnswerSource, Histogram, Statistics


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
    """Numbers in metadata are the nearest doubles, or their digits as a string beyond them; the HTTP name gives them
    digit by digit."""
    next_page_token: str
    """Empty on the last page."""
    source: AnswerSource | None = field(default=None, compare=False)
    observed_at: list[datetime] = field(default_factory=list)
    """When a collector took each of the events, in their order."""


@dataclass(frozen=True)
class ComponentStats:
    component: str | None
    measurement_count: int
    avg_efficiency_score: float | None
    best_efficiency: float | None
    worst_efficiency: float | None
    total_tokens: int


@dataclass(frozen=True)
class StatisticsGroup:
    group: dict[str, str]
    """Of what it is, by the names of group_by; a name that is missing stands for events without."""
    statistics: Statistics | None
    before: Statistics | None
    """The same before; None where compare_before is not set, or where there was nothing."""


@dataclass(frozen=True)
class Stats(ComponentStats):
    time_window_hours: float
    """From the beginning of what was asked for to its end, or to now."""
    components: list[ComponentStats]
    """One entry a component, most measurements first, at most 1000; none where group_by is given."""
    source: AnswerSource | None = field(default=None, compare=False)
    total: Statistics | None = None
    """Of all together."""
    groups: list[StatisticsGroup] = field(default_factory=list)
    """None where group_by is empty."""
    rest: Statistics | None = None
    """All groups beyond the limit in one; None where there are none."""
    rest_groups: int = 0
    """How many groups are in rest."""
    before: Statistics | None = None
    """Of all together, before; None where compare_before is not set."""
    histogram: Histogram | None = None
    """None where histogram_buckets is 0, or where there are no values."""


@dataclass(frozen=True)
class TimePoint:
    start_time: datetime | None
    end_time: datetime | None
    """When the next part begins."""
    statistics: Statistics | None


@dataclass(frozen=True)
class TimeSeries:
    group: dict[str, str]
    """Of what it is, by the names of group_by; a name that is missing stands for events without."""
    total: Statistics | None
    """Of all of the range."""
    points: list[TimePoint]
    """One for each part of the range, oldest first, also where there is nothing: then count is 0."""


@dataclass(frozen=True)
class TimeSeriesAnswer:
    """Statistics over time, by series."""

    source: AnswerSource | None = field(compare=False)
    width: str
    """The width that was chosen or given, such as 15m."""
    series: list[TimeSeries]
    """Most events first."""
    rest: TimeSeries | None
    """All series beyond the limit in one; None where there are none."""
    rest_groups: int
    """How many series are in rest."""


@dataclass(frozen=True)
class DailyTrend:
    day: datetime | None
    """Midnight at which the day begins."""
    avg_efficiency: float | None
    measurement_count: int
    p50: float | None = None
    """None unless quantiles were asked for."""
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class ModelTrend:
    component: str | None
    avg_efficiency: float | None
    """Mean milliseconds per generated token."""
    measurement_count: int
    total_tokens_processed: int
    """Sum of metadata.total_tokens."""
    days: list[DailyTrend]
    """One entry a day with measurements, oldest first."""
    p50: float | None = None
    """None unless quantiles were asked for."""
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class OverallTrend:
    total_measurements: int
    unique_models: int
    oldest_record: datetime | None
    newest_record: datetime | None


@dataclass(frozen=True)
class Trends:
    overall: OverallTrend
    """Of THOUGHT_LATENCY, unless more was asked for."""
    model_trends: list[ModelTrend]
    """One entry a model, most measurements first, at most 1000."""
    retention_window_days: int
    source: AnswerSource | None = field(default=None, compare=False)
