"""Reads telemetry back, blocking or with asyncio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Generic, TypeVar

import httpx
from google.protobuf.message import DecodeError, Message

from . import _results as results
from ._answers import Acknowledged, judge_http
from ._generated import query_pb2 as pb
from ._http_client import answered_within, new_stream, settings
from ._options import Options

_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 1.0
_HEADERS = {"content-type": "application/proto"}
Answer = TypeVar("Answer", bound=Message)
Client = TypeVar("Client")


class QueryError(Exception):
    """The service could not be asked, or refused to answer."""


class _Queries(Generic[Client]):
    """What both clients share: requests are made here, and answers read."""

    def __init__(self, options: Options, timeout_s: float = _TIMEOUT_S) -> None:
        self._options = options
        self._timeout_s = timeout_s
        self._timeout = httpx.Timeout(timeout_s, connect=_CONNECT_TIMEOUT_S)
        self._made: Client | None = None

    def _client(self, kind: Callable[..., Client]) -> Client:
        """Made with the first query, because its failure is one of that."""
        if self._made is None:
            try:
                self._made = kind(**settings(self._options), timeout=self._timeout)
            except Exception as error:  # a proxy without its package, a certificate that is none
                raise QueryError(f"{type(error).__name__}: {error}") from error
        return self._made


class QueryClient(_Queries[httpx.Client]):
    """Blocking queries. Each raises `QueryError` where it has no answer."""

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
    ) -> results.EventPage:
        """Events, newest first: at most 1,000 a page. `start_time` is inclusive, `end_time` is not."""
        request = events_request(**_arguments(locals()))
        return results.event_page(self._ask("ListEvents", request, pb.ListEventsResponse))

    def get_stats(self, *, component: str = "", hours: float = 24, event_type: str = "") -> results.Stats:
        """Count, mean, least and greatest value of THOUGHT_LATENCY or another event type."""
        request = pb.GetStatsRequest(**_arguments(locals()))
        return results.stats(self._ask("GetStats", request, pb.GetStatsResponse))

    def get_usage_summary(self, *, hours: float = 24, model: str = "", layer: str = "") -> results.UsageSummary:
        """Token usage in total and by model and layer."""
        request = pb.GetUsageSummaryRequest(**_arguments(locals()))
        return results.usage_summary(self._ask("GetUsageSummary", request, pb.GetUsageSummaryResponse))

    def get_trends(
        self, *, days: int = 60, component: str = "", overall_of_all_events: bool = False
    ) -> results.Trends:
        """THOUGHT_LATENCY by model and day; `overall_of_all_events`: `overall` of all types."""
        request = pb.GetTrendsRequest(**_arguments(locals()))
        return results.trends(self._ask("GetTrends", request, pb.GetTrendsResponse))

    def get_footprint(self) -> results.Footprint:
        """Sizes and row counts of the tables."""
        return results.footprint(self._ask("GetFootprint", pb.GetFootprintRequest(), pb.GetFootprintResponse))

    def close(self) -> None:
        if self._made:
            self._made.close()
            self._made = None

    def __enter__(self) -> QueryClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        client = self._client(httpx.Client)
        try:
            with answered_within(self._timeout_s, float("inf")):
                extensions = {"trace": new_stream}
                content = request.SerializeToString()
                response = client.post(_path(method), content=content, headers=_HEADERS, extensions=extensions)
        except Exception as error:  # httpx's own, and what a transport below lets through
            raise QueryError(f"{type(error).__name__}: {error}") from error
        return _read(response, answer)


class AsyncQueryClient(_Queries[httpx.AsyncClient]):
    """The same queries as coroutines."""

    async def list_events(
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
    ) -> results.EventPage:
        """Events, newest first: at most 1,000 a page. `start_time` is inclusive, `end_time` is not."""
        request = events_request(**_arguments(locals()))
        return results.event_page(await self._ask("ListEvents", request, pb.ListEventsResponse))

    async def get_stats(self, *, component: str = "", hours: float = 24, event_type: str = "") -> results.Stats:
        """Count, mean, least and greatest value of THOUGHT_LATENCY or another event type."""
        request = pb.GetStatsRequest(**_arguments(locals()))
        return results.stats(await self._ask("GetStats", request, pb.GetStatsResponse))

    async def get_usage_summary(self, *, hours: float = 24, model: str = "", layer: str = "") -> results.UsageSummary:
        """Token usage in total and by model and layer."""
        request = pb.GetUsageSummaryRequest(**_arguments(locals()))
        return results.usage_summary(await self._ask("GetUsageSummary", request, pb.GetUsageSummaryResponse))

    async def get_trends(
        self, *, days: int = 60, component: str = "", overall_of_all_events: bool = False
    ) -> results.Trends:
        """THOUGHT_LATENCY by model and day; `overall_of_all_events`: `overall` of all types."""
        request = pb.GetTrendsRequest(**_arguments(locals()))
        return results.trends(await self._ask("GetTrends", request, pb.GetTrendsResponse))

    async def get_footprint(self) -> results.Footprint:
        """Sizes and row counts of the tables."""
        return results.footprint(await self._ask("GetFootprint", pb.GetFootprintRequest(), pb.GetFootprintResponse))

    async def close(self) -> None:
        if self._made:
            await self._made.aclose()
            self._made = None

    async def __aenter__(self) -> AsyncQueryClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        # As httpx does: when it is needed.
        import anyio

        client = self._client(httpx.AsyncClient)
        try:
            # Its time-outs are of each read.
            with anyio.fail_after(self._timeout_s):
                response = await client.post(_path(method), content=request.SerializeToString(), headers=_HEADERS)
        except Exception as error:
            raise QueryError(f"{type(error).__name__}: {error}") from error
        return _read(response, answer)


def events_request(
    start_time: datetime | None = None, end_time: datetime | None = None, **fields: Any
) -> pb.ListEventsRequest:
    request = pb.ListEventsRequest(**fields)
    if start_time is not None:
        request.start_time.FromDatetime(start_time.astimezone(timezone.utc))
    if end_time is not None:
        request.end_time.FromDatetime(end_time.astimezone(timezone.utc))
    return request


def _arguments(names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if name not in ("self", "__class__")}


def _path(method: str) -> str:
    return f"/gravitas.telemetry.v1.QueryService/{method}"


def _read(response: httpx.Response, answer: type[Answer]) -> Answer:
    if response.status_code != 200:
        judged = judge_http(response.status_code, response.headers, response.content)
        raise QueryError("no answer" if isinstance(judged, Acknowledged) else judged.message)
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/proto":
        raise QueryError(f"what answers is not the service: its success is of type {kind or 'none'}")
    try:
        return answer.FromString(response.content)
    except DecodeError as error:
        raise QueryError(f"what answers is not the service: {error}") from error
