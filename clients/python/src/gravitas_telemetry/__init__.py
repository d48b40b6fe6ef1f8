"""Client of gravitas-telemetry: never slow, never crashing its host, never losing what it took.

    from gravitas_telemetry import telemetry

    telemetry.log("VRAM_CHECK", component="L1", value=12.5, metadata={"gpu_id": 0}, status="OK")
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ._counters import Counts, DropReason
from ._flushing import Flushing, FlushResult
from ._handler import TelemetryHandler
from ._questions import EventFilter, QueryError, TimeRange, UsageFilter
from ._receipt import Receipt
from ._telemetry import Telemetry
from ._timer import Timer
from ._version import __version__

if TYPE_CHECKING:
    from . import results
    from ._async_queries import AsyncQueryClient
    from ._queries import QueryClient
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

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What only questions need is imported when it is asked for: most programs ask none."""
        if name == "results":
            return import_module(".results", __name__)
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        places = {"QueryClient": "._queries", "AsyncQueryClient": "._async_queries"}
        value = globals()[name] = getattr(import_module(places.get(name, ".results"), __name__), name)
        return value

    def __dir__() -> list[str]:
        return [*__all__, "results"]
