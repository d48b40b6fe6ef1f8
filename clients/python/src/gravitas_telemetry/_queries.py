"""Reads telemetry back, blocking. `_async_queries.py` says the same for asyncio, and a test compares them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any

import httpx
from google.protobuf.message import Message

from . import results
from ._answering import ENVELOPED, HEADERS, Envelopes, Method, Queries, answer_of, asked, envelope, failure, methods
from ._http_client import bound_answer, new_stream, settings
from ._questions import EventFilter, QueryError, TimeRange, UsageFilter
from ._reading import Result


class QueryClient(Queries[httpx.Client]):
    """Blocking queries. Each raises `QueryError` where it has no answer.

    `docs/queries.md` of the service says what the questions mean; what is None, empty or 0 is as if it were not given.
    """

    def list_events(
        self,
        *,
        component: str = "",
        event_type: str = "",
        status: str = "",
        hours: float = 0,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        page_size: int = 100,
        page_token: str = "",
        filter: EventFilter | None = None,
        range: TimeRange | None = None,
        order: str = "",
        id: str = "",
    ) -> results.EventPage:
        """Events, newest first: at most 1,000 a page. `start_time` is inclusive, `end_time` is not."""
        return self._ask(methods.list_events, locals())

    def list_usage(
        self,
        *,
        filter: UsageFilter | None = None,
        range: TimeRange | None = None,
        page_size: int = 100,
        page_token: str = "",
        order: str = "",
        id: str = "",
    ) -> results.UsagePage:
        """Usage records, newest first: at most 1,000 a page."""
        return self._ask(methods.list_usage, locals())

    def get_stats(
        self,
        *,
        component: str = "",
        hours: float = 0,
        event_type: str = "",
        range: TimeRange | None = None,
        filter: EventFilter | None = None,
        group_by: Sequence[str] = (),
        value: str = "",
        limit: int = 0,
        order_by: str = "",
        compare_before: bool = False,
        histogram_buckets: int = 0,
    ) -> results.Stats:
        """What values of events add up to, over 24 hours by default: of THOUGHT_LATENCY or another type,
        by component; or by what `group_by` names (`component`, `event_type`, `status`, `metadata.<name>`)."""
        return self._ask(methods.get_stats, locals())

    def get_time_series(
        self,
        *,
        range: TimeRange | None = None,
        filter: EventFilter | None = None,
        width: str = "",
        group_by: Sequence[str] = (),
        value: str = "",
        limit: int = 0,
    ) -> results.TimeSeriesAnswer:
        """Statistics over time, in parts of `width`, such as `15m` or `1d`; the last 24 hours by default."""
        return self._ask(methods.get_time_series, locals())

    def get_usage_summary(
        self,
        *,
        hours: float = 0,
        model: str = "",
        layer: str = "",
        range: TimeRange | None = None,
        filter: UsageFilter | None = None,
        group_by: Sequence[str] = (),
        width: str = "",
        compare_before: bool = False,
        forecast: bool = False,
        limit: int = 0,
        order_by: str = "",
    ) -> results.UsageSummary:
        """Requests, tokens and costs over 24 hours by default: in total and by model and layer, or by what
        `group_by` names; by period with `width`."""
        return self._ask(methods.get_usage_summary, locals())

    def explain_usage(self, *, id: str, time: datetime | None = None) -> results.UsageExplanation:
        """How a usage record was counted and priced. `time`: of the call, about, which finds it sooner."""
        return self._ask(methods.explain_usage, locals())

    def get_trends(
        self,
        *,
        days: int = 60,
        component: str = "",
        overall_of_all_events: bool = False,
        time_zone: str = "",
        event_type: str = "",
        quantiles: bool = False,
    ) -> results.Trends:
        """THOUGHT_LATENCY by model and day; `overall_of_all_events`: `overall` of all types."""
        return self._ask(methods.get_trends, locals())

    def get_footprint(self) -> results.Footprint:
        """Sizes and row counts of the tables, and what else the store takes."""
        return self._ask(methods.get_footprint, locals())

    def list_dimensions(
        self,
        *,
        range: TimeRange | None = None,
        filter: EventFilter | None = None,
        usage_filter: UsageFilter | None = None,
        dimensions: Sequence[str] = (),
        limit: int = 0,
        prefix: str = "",
    ) -> results.Dimensions:
        """Which components, event types, models and so on there are; in the last 7 days by default."""
        return self._ask(methods.list_dimensions, locals())

    def get_service(self) -> results.Service:
        """How the collectors fare."""
        return self._ask(methods.get_service, locals())

    def tail(
        self,
        *,
        kinds: Sequence[str] = (),
        filter: EventFilter | None = None,
        usage_filter: UsageFilter | None = None,
        recent: int = 0,
        records_per_second_max: int = 0,
    ) -> Iterator[results.TailBatch]:
        """Records from now on, as they are committed: events, or what `kinds` names (`event`, `usage`).
        It ends when it is closed; a batch without records says now and then that it goes on."""
        return self._stream(methods.tail, asked(methods.tail, locals()))

    def close(self) -> None:
        """Gives its connections back."""
        if self._made:
            self._made.close()
            self._made = None

    def __enter__(self) -> QueryClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: Method[Result], arguments: dict[str, Any]) -> Result:
        content = asked(method, arguments).SerializeToString()
        client = self._client(httpx.Client)
        try:
            bound_answer(self._timeout_s, float("inf"))
            response = client.post(method.path, content=content, headers=HEADERS, extensions={"trace": new_stream})
        except Exception as error:  # httpx's own, and what a transport below lets through
            raise failure(error) from error
        return answer_of(method, response)

    def _stream(self, method: Method[Result], request: Message) -> Iterator[Result]:
        envelopes = Envelopes(method)
        try:
            # With a connection that nobody else waits for.
            with (
                httpx.Client(**settings(self._options)) as client,
                client.stream("POST", method.path, content=envelope(request), **ENVELOPED) as response,
            ):
                envelopes.begin(response.status_code, response.headers, b"" if response.is_success else response.read())
                for part in response.iter_raw():
                    yield from envelopes.read(part)
        except QueryError:
            raise
        except Exception as error:
            raise failure(error) from error
        envelopes.end()
