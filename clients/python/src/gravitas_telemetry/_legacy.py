"""The methods of the module that this library takes the place of, with the shapes that they gave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

from ._complaints import complain
from ._flushing import FlushResult
from ._legacy_shapes import efficiency, footprint_shape, statistics_shape, usage_shape
from ._questions import QueryError
from ._receipt import ReadyDict, ReadyFloat, ReadyList, Receipt

if TYPE_CHECKING:
    from ._queries import QueryClient
    from .results import Event

Shape = TypeVar("Shape", "ReadyList[dict[str, Any]]", "ReadyDict[str, Any]")

_PAGE_SIZE_MAX = 1000
# A read sees what its own process has logged before, unless the service is too slow for that.
_FLUSH_S = 1.0
# These never fail, so whoever calls them may not expect to wait either: a few seconds, and then nothing.
BRIEF_TIMEOUT_S = 5.0


class LegacyMethods:
    """Each may be awaited, and need not be.

    Queries give a result at once where no event loop runs; where one runs they have to be awaited,
    and do not block it. Where the service has no answer they log that and give what is empty.
    """

    def log(
        self,
        event_type: str,
        component: str | None = None,
        value: float | None = None,
        metadata: dict[str, Any] | None = None,
        status: str | None = None,
    ) -> Receipt:
        raise NotImplementedError

    def queries(self) -> QueryClient:
        raise NotImplementedError

    def _refuse(self, error: Exception) -> Receipt:
        raise NotImplementedError

    def _brief_queries(self) -> QueryClient:
        raise NotImplementedError

    def _flush(self, timeout: float) -> FlushResult:
        raise NotImplementedError

    def log_load_latency(self, model_name: str, load_time_seconds: float, success: bool = True) -> Receipt:
        """How long it took to load a model: an event LOAD_LATENCY in seconds."""
        try:
            metadata = {"model": model_name, "load_time_ms": load_time_seconds * 1000}
        except Exception as error:  # of whatever is no number
            return self._refuse(error)
        return self.log("LOAD_LATENCY", model_name, load_time_seconds, metadata, "OK" if success else "ERROR")

    def log_thought_latency(
        self, model_name: str, inference_time_seconds: float, tokens_generated: int, prompt_tokens: int = 0
    ) -> Receipt:
        """How long an inference took: an event THOUGHT_LATENCY in milliseconds per generated token."""
        try:
            inference_time_ms = inference_time_seconds * 1000
            per_token_ms = inference_time_ms / tokens_generated if tokens_generated else None
            total_tokens = prompt_tokens + tokens_generated
        except Exception as error:  # of whatever is no number
            return self._refuse(error)
        metadata = {
            "model": model_name,
            "inference_time_ms": inference_time_ms,
            "tokens_generated": tokens_generated,
            "prompt_tokens": prompt_tokens,
            "total_tokens": total_tokens,
            "latency_per_token_ms": per_token_ms,
        }
        return self.log("THOUGHT_LATENCY", model_name, per_token_ms, metadata, "OK")

    def start_timer(self) -> ReadyFloat:
        """A time to give to `measure_latency`."""
        return ReadyFloat(time.perf_counter())

    def measure_latency(self, start: float) -> ReadyFloat:
        """Seconds since `start`."""
        return ReadyFloat(time.perf_counter() - start)

    def get_recent_events(self, limit: int = 10, component: str | None = None) -> ReadyList[dict[str, Any]]:
        """Newest first: dicts of id, event_type, component, value, metadata, status and timestamp."""
        return self._now_or_later(lambda: self._recent_events(limit, component or ""), ReadyList())

    def get_aggregated_efficiency(self, component: str | None = None, hours: float = 24) -> ReadyDict[str, Any]:
        """Milliseconds per generated token of one component, or of each."""
        return self._now_or_later(lambda: self._aggregated_efficiency(component, hours), ReadyDict())

    def get_60day_statistics(self) -> ReadyDict[str, Any]:
        """All events of the last 60 days, and their milliseconds per generated token by model, best first."""
        return self._now_or_later(self._statistics, ReadyDict())

    def get_telemetry_footprint(self) -> ReadyDict[str, Any]:
        """Sizes of the tables, largest first, and row counts."""
        return self._now_or_later(lambda: ReadyDict(footprint_shape(self._brief_queries().get_footprint())), ReadyDict())

    def get_usage_statistics(self, hours: float = 24) -> ReadyDict[str, Any]:
        """Requests, tokens, L2 tokens and average latency, in total and by model and layer."""
        return self._now_or_later(
            lambda: ReadyDict(usage_shape(self._brief_queries().get_usage_summary(hours=hours))), ReadyDict()
        )

    def _recent_events(self, limit: int, component: str) -> ReadyList[dict[str, Any]]:
        events: list[Event] = []
        token = ""
        while len(events) < limit:
            size = min(limit - len(events), _PAGE_SIZE_MAX)
            page = self._brief_queries().list_events(component=component, page_size=size, page_token=token)
            events += page.events
            token = page.next_page_token
            if not token:
                break
        return ReadyList(asdict(event) for event in events)

    def _aggregated_efficiency(self, component: str | None, hours: float) -> ReadyDict[str, Any]:
        found = self._brief_queries().get_stats(component=component or "", hours=hours)
        if found.measurement_count == 0:
            return ReadyDict()
        if component:
            return ReadyDict(efficiency(found))
        components = [efficiency(each) for each in found.components]
        return ReadyDict(components=components, time_window_hours=hours)

    def _statistics(self) -> ReadyDict[str, Any]:
        return ReadyDict(statistics_shape(self._brief_queries().get_trends(days=60, overall_of_all_events=True)))

    def _now_or_later(self, query: Callable[[], Shape], empty: Shape) -> Shape:
        def answer() -> Shape:
            try:
                self._flush(_FLUSH_S)
                return query()
            except QueryError as error:
                complain("query", f"telemetry can't be read: {error}")
                return empty

        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return answer()
        # Has the shape once it is awaited, and an event loop leaves no other way to get it.
        return asyncio.to_thread(answer)  # type: ignore[return-value]
