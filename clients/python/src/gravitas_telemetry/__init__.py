"""Client of gravitas-telemetry: never slow, never crashing its host, never losing what it took.

    from gravitas_telemetry import telemetry

    telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata={"gpu_id": 0}, status="OK")
"""

from . import results
from ._async_queries import AsyncQueryClient
from ._counters import Counts, DropReason
from ._flushing import Flushing, FlushResult
from ._handler import TelemetryHandler
from ._queries import QueryClient
from ._questions import EventFilter, QueryError, TimeRange, UsageFilter
from ._receipt import Receipt
from ._telemetry import Telemetry
from ._timer import Timer
from ._version import __version__
from .results import (
    ComponentStats,
    DailyTrend,
    Dimensions,
    Event,
    EventPage,
    Footprint,
    ModelTrend,
    OverallTrend,
    PriceEdition,
    Service,
    Stats,
    TableSize,
    TailBatch,
    TimeSeriesAnswer,
    Trends,
    UsageBreakdown,
    UsageExplanation,
    UsagePage,
    UsageSummary,
)

TelemetryLogger = Telemetry
"""The name that the class had in the application's own module."""

telemetry: Telemetry = Telemetry()
"""The client that an application shares. It begins with the first record, by the environment."""

__all__ = [
    "AsyncQueryClient",
    "ComponentStats",
    "Counts",
    "DailyTrend",
    "Dimensions",
    "DropReason",
    "Event",
    "EventFilter",
    "EventPage",
    "FlushResult",
    "Flushing",
    "Footprint",
    "ModelTrend",
    "OverallTrend",
    "PriceEdition",
    "QueryClient",
    "QueryError",
    "Receipt",
    "Service",
    "Stats",
    "TableSize",
    "TailBatch",
    "Telemetry",
    "TelemetryHandler",
    "TelemetryLogger",
    "TimeRange",
    "TimeSeriesAnswer",
    "Timer",
    "Trends",
    "UsageBreakdown",
    "UsageExplanation",
    "UsageFilter",
    "UsagePage",
    "UsageSummary",
    "__version__",
    "telemetry",
]
