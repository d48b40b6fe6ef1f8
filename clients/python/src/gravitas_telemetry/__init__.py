"""Client of gravitas-telemetry: never slow, never crashing its host, never losing what it took.

    from gravitas_telemetry import telemetry

    telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata={"gpu_id": 0}, status="OK")
"""

from ._counters import Counts, DropReason
from ._flushing import Flushing, FlushResult
from ._handler import TelemetryHandler
from ._queries import AsyncQueryClient, QueryClient, QueryError
from ._receipt import Receipt
from ._results import (
    ComponentStats,
    DailyTrend,
    Event,
    EventPage,
    Footprint,
    ModelTrend,
    OverallTrend,
    PriceEdition,
    Stats,
    TableSize,
    Trends,
    UsageBreakdown,
    UsageSummary,
)
from ._telemetry import Telemetry
from ._timer import Timer
from ._version import __version__

TelemetryLogger = Telemetry
"""The name that the class had in the application's own module."""

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
    "FlushResult",
    "Flushing",
    "Footprint",
    "ModelTrend",
    "OverallTrend",
    "PriceEdition",
    "QueryClient",
    "QueryError",
    "Receipt",
    "Stats",
    "TableSize",
    "Telemetry",
    "TelemetryHandler",
    "TelemetryLogger",
    "Timer",
    "Trends",
    "UsageBreakdown",
    "UsageSummary",
    "__version__",
    "telemetry",
]
