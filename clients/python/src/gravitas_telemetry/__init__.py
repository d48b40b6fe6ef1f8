"""Client of gravitas-telemetry: never slow, never crashing its host, never losing what it took.

    from gravitas_telemetry import telemetry

    telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata={"gpu_id": 0}, status="OK")
"""

from ._counters import Counts, DropReason
from ._handler import TelemetryHandler
from ._outcome import Outcome
from ._queries import AsyncQueryClient, QueryClient, QueryError
from ._results import (
    ComponentStats,
    DailyTrend,
    Event,
    EventPage,
    Footprint,
    ModelTrend,
    OverallTrend,
    Stats,
    TableSize,
    Trends,
    UsageBreakdown,
    UsageSummary,
)
from ._telemetry import Telemetry
from ._timer import Timer

telemetry: Telemetry = Telemetry()
"""The client that an application shares. It begins with the first record, by the environment."""

__all__ = [
    "AsyncQueryClient",
    "ComponentStats",
    "Counts",
    "DailyTrend",
    "DropReason",
    "Event",
    "EventPage",
    "Footprint",
    "ModelTrend",
    "Outcome",
    "OverallTrend",
    "QueryClient",
    "QueryError",
    "Stats",
    "TableSize",
    "Telemetry",
    "TelemetryHandler",
    "Timer",
    "Trends",
    "UsageBreakdown",
    "UsageSummary",
    "telemetry",
]
