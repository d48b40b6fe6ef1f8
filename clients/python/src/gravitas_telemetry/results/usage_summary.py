"""What usage records add up to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from .answers import AnswerSource, Forecast, UsageTotals
from .usage import PriceEdition


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
    unpriced: int = 0
    unpriced_tokens: int = 0


@dataclass(frozen=True)
class UsagePeriod:
    start_time: datetime | None
    end_time: datetime | None
    """When the next part begins."""
    totals: UsageTotals | None


@dataclass(frozen=True)
class UsageGroup:
    group: dict[str, str]
    """Of what it is, by the names of group_by; a name that is missing stands for records without."""
    totals: UsageTotals | None
    before: UsageTotals | None
    """The same before; None where compare_before is not set, or where there was nothing."""
    periods: list[UsagePeriod]
    """As in the response."""


@dataclass(frozen=True)
class UsageBefore:
    """The time before: as long a time up to the beginning, or, for a period of the calendar, the same part of the
    period before it."""

    start_time: datetime | None
    end_time: datetime | None
    totals: UsageTotals | None
    whole: UsageTotals | None
    """All of the period before; None where the range is no period of the calendar."""
    whole_end_time: datetime | None
    """When the period before ends; None where whole is."""
    periods: list[UsagePeriod]
    """All of it by width; none without width."""


@dataclass(frozen=True)
class ForecastDay:
    start_time: datetime | None
    end_time: datetime | None
    cost_usd: float | None
    """In US dollars; None where nothing has a cost."""
    total_tokens: float
    requests: float


@dataclass(frozen=True)
class UsageForecast:
    end_time: datetime | None
    """The end of the period."""
    cost_usd: Forecast | None
    """In US dollars; None where nothing has a cost."""
    total_tokens: Forecast | None
    requests: Forecast | None
    method: str
    """How it was computed, in words."""
    days: int
    """How many whole days it goes by."""
    coming: list[ForecastDay] = field(default_factory=list)
    """What is still to come by day of the calendar: of today the rest, and the days after it."""


@dataclass(frozen=True)
class UsageSummary:
    requests: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    """Input and output together."""
    l2_tokens: int
    """Those of total_tokens whose layer is L2."""
    avg_duration_ms: float | None
    cost_usd: float
    time_window_hours: float
    breakdown: list[UsageBreakdown]
    """One entry a model and layer, most tokens first, at most 1000; none where group_by is given."""
    cached_tokens: int = 0
    """Those of input_tokens that were read from the provider's cache."""
    cache_write_tokens: int = 0
    """Those of input_tokens that were written to the provider's cache."""
    reasoning_tokens: int = 0
    """Those of output_tokens that were spent on reasoning."""
    ambiguous: int = 0
    """Those of requests whose counts contradict each other: a part is greater than its whole."""
    unpriced: int = 0
    """Those of requests that have no cost, and are not in cost_usd."""
    unpriced_tokens: int = 0
    """Their part of total_tokens."""
    price_list: PriceEdition | None = None
    """The list by which costs are computed at the moment; each row says by which its own was."""
    own_prices: PriceEdition | None = None
    """The operator's own prices, which go before the list; None where there are none."""
    source: AnswerSource | None = field(default=None, compare=False)
    total: UsageTotals | None = None
    """Of all together."""
    groups: list[UsageGroup] = field(default_factory=list)
    """None where group_by is empty."""
    rest: UsageTotals | None = None
    """All groups beyond the limit in one; None where there are none."""
    rest_groups: int = 0
    """How many groups are in rest."""
    periods: list[UsagePeriod] = field(default_factory=list)
    """One for each part of the range, oldest first, also where there is nothing; none without width."""
    before: UsageBefore | None = None
    """None where compare_before is not set."""
    forecast: UsageForecast | None = None
    """None where forecast is not set, and where there is too little to go by."""
    width: str = ""
    """The width that was chosen or given, such as 1d."""
