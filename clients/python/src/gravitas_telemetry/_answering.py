"""How questions are asked and answers read, blocking or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import httpx
from google.protobuf.message import DecodeError, Message

from . import results
from ._answers import connect_error
from ._generated import collectors_pb2, dimensions_pb2, query_pb2, tail_pb2, time_series_pb2
from ._http_client import settings
from ._options import Options
from ._questions import QueryError, question
from ._reading import Result, read

_TIMEOUT_S = 20.0
_CONNECT_TIMEOUT_S = 1.0
# The service says every few seconds that it is there.
_SILENCE_S = 45.0
HEADERS = {"content-type": "application/proto"}
_STREAM_TYPE = "application/connect+proto"
ENVELOPED: dict[str, Any] = {
    "headers": {"content-type": _STREAM_TYPE, "accept-encoding": "identity"},
    "timeout": httpx.Timeout(_SILENCE_S, connect=_CONNECT_TIMEOUT_S),
}
_ENVELOPE_BYTES_MAX = 64 * 1024 * 1024
Client = TypeVar("Client")


@dataclass(frozen=True)
class Method(Generic[Result]):
    name: str
    request: type[Message]
    response: type[Message]
    result: type[Result]

    @property
    def path(self) -> str:
        return f"/gravitas.telemetry.v1.QueryService/{self.name}"


class methods:
    """Those of QueryService."""

    list_events = Method(
        "ListEvents", query_pb2.ListEventsRequest, query_pb2.ListEventsResponse, results.EventPage
    )
    list_usage = Method("ListUsage", query_pb2.ListUsageRequest, query_pb2.ListUsageResponse, results.UsagePage)
    get_stats = Method("GetStats", query_pb2.GetStatsRequest, query_pb2.GetStatsResponse, results.Stats)
    get_time_series = Method(
        "GetTimeSeries",
        time_series_pb2.GetTimeSeriesRequest,
        time_series_pb2.GetTimeSeriesResponse,
        results.TimeSeriesAnswer,
    )
    get_usage_summary = Method(
        "GetUsageSummary", query_pb2.GetUsageSummaryRequest, query_pb2.GetUsageSummaryResponse, results.UsageSummary
    )
    explain_usage = Method(
        "ExplainUsage", query_pb2.ExplainUsageRequest, query_pb2.ExplainUsageResponse, results.UsageExplanation
    )
    get_trends = Method("GetTrends", query_pb2.GetTrendsRequest, query_pb2.GetTrendsResponse, results.Trends)
    get_footprint = Method(
        "GetFootprint", query_pb2.GetFootprintRequest, query_pb2.GetFootprintResponse, results.Footprint
    )
    list_dimensions = Method(
        "ListDimensions",
        dimensions_pb2.ListDimensionsRequest,
        dimensions_pb2.ListDimensionsResponse,
        results.Dimensions,
    )
    get_service = Method(
        "GetService", collectors_pb2.GetServiceRequest, collectors_pb2.GetServiceResponse, results.Service
    )
    tail = Method("Tail", tail_pb2.TailRequest, tail_pb2.TailResponse, results.TailBatch)


class Queries(Generic[Client]):
    """What both clients share."""

    def __init__(self, options: Options, timeout_s: float = _TIMEOUT_S) -> None:
        self._options = options
        self._timeout_s = timeout_s
        self._made: Client | None = None

    def _client(self, kind: Callable[..., Client]) -> Client:
        """Made with the first query, because its failure is one of that."""
        if self._made is None:
            timeout = httpx.Timeout(self._timeout_s, connect=_CONNECT_TIMEOUT_S)
            try:
                self._made = kind(**settings(self._options), timeout=timeout)
            except Exception as error:  # a proxy without its package, a certificate that is none
                raise failure(error) from error
        return self._made


def asked(method: Method[Any], arguments: Mapping[str, Any]) -> Message:
    """`arguments`: what a method finds as its own."""
    given = {name: value for name, value in arguments.items() if name != "self"}
    return question(method.request, given)


def failure(error: BaseException) -> QueryError:
    return QueryError(f"{type(error).__name__}: {error}")


def answer_of(method: Method[Result], response: httpx.Response) -> Result:
    _check(response.status_code, response.headers, response.content, HEADERS["content-type"])
    return _read(method, response.content)


def envelope(message: Message) -> bytes:
    """As the streams of Connect have it: flags, length, message."""
    content = message.SerializeToString()
    return b"\0" + len(content).to_bytes(4, "big") + content


class Envelopes(Generic[Result]):
    """Takes a stream in whatever pieces it comes."""

    def __init__(self, method: Method[Result]) -> None:
        self._method = method
        self._rest = b""
        self._has_ended = False

    def begin(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        _check(status, headers, content, _STREAM_TYPE)

    def read(self, part: bytes) -> Iterator[Result]:
        self._rest += part
        while len(self._rest) >= 5:
            size = int.from_bytes(self._rest[1:5], "big")
            if size > _ENVELOPE_BYTES_MAX:
                raise QueryError("what answers is not the service: a message is too long")
            if len(self._rest) < 5 + size:
                return
            flags, content = self._rest[0], self._rest[5 : 5 + size]
            self._rest = self._rest[5 + size :]
            if flags & 2:
                self._last(content)
            else:
                yield _read(self._method, content)

    def end(self) -> None:
        if not self._has_ended:
            raise QueryError("the stream ended before its end")

    def _last(self, content: bytes) -> None:
        self._has_ended = True
        error = json.loads(content).get("error")
        if error:
            raise QueryError(f"{error.get('code')}: {error.get('message', '')}", error.get("code"))


def _check(status: int, headers: Mapping[str, str], content: bytes, expected: str) -> None:
    if status != 200:
        error = connect_error(content)
        if error is None:
            raise QueryError(f"HTTP status {status}, and not of the service")
        raise QueryError(f"{error.code}: {error.message}", error.code)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != expected:
        raise QueryError(f"what answers is not the service: its success is of type {kind or 'none'}")


def _read(method: Method[Result], content: bytes) -> Result:
    try:
        return read(method.result, method.response.FromString(content))
    except (DecodeError, ValueError, OverflowError) as error:
        raise QueryError(f"what answers is not the service: {error}") from error
