"""Every question in plain types, blocking and not: docs/queries.md."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from answering_server import AnsweringServer
from conftest import eventually
from gravitas_telemetry import AsyncQueryClient, QueryClient, QueryError, Telemetry, results
from gravitas_telemetry._answering import Envelopes, Method, methods
from gravitas_telemetry._generated import query_pb2
from gravitas_telemetry._options import Options

METHODS: dict[str, Method[Any]] = {name: each for name, each in vars(methods).items() if isinstance(each, Method)}


@pytest.fixture
def logged(telemetry: Telemetry, component: str) -> QueryClient:
    """Four events of two statuses, and two calls of a model of the same name."""
    for value in range(4):
        telemetry.log("ASKED", component, value, {"gpu": value % 2}, "OK" if value else "ERROR")
    telemetry.log_usage(component, "L1", 10, 5, 100, provider="openai", response_id=f"{component}-1")
    telemetry.log_usage(component, "L2", 1, 2, 300, metadata={"a": 1}, team="")
    assert telemetry.flush(30).delivered == 6
    return telemetry.queries()


def test_there_is_a_method_for_each_of_the_service() -> None:
    """With its fields as arguments, in both clients, with the same words."""
    service = query_pb2.DESCRIPTOR.services_by_name["QueryService"]
    assert {each.name for each in METHODS.values()} == {each.name for each in service.methods}
    for name, method in METHODS.items():
        blocking, other = (getattr(kind, name) for kind in (QueryClient, AsyncQueryClient))
        parameters = inspect.signature(blocking).parameters
        assert [each for each in parameters if each != "self"] == [each.name for each in method.request.DESCRIPTOR.fields]
        assert parameters == inspect.signature(other).parameters and blocking.__doc__ == other.__doc__


def test_results_have_what_the_contract_has() -> None:
    known = {name: getattr(results, name) for name in results.__all__}
    seen = set()

    def compare(kind: Any, descriptor: Any) -> None:
        if kind in seen:
            return
        seen.add(kind)
        own = {each.name.rstrip("_") for each in dataclasses.fields(kind)}
        assert own >= {each.name for each in descriptor.fields}, kind
        for each in descriptor.fields:
            inner = each.message_type and known.get(each.message_type.name)
            if inner:
                compare(inner, each.message_type)

    for method in METHODS.values():
        compare(method.result, method.response.DESCRIPTOR)
    assert seen == {*known.values()}


def test_questions_about_events(logged: QueryClient, component: str) -> None:
    mine: Any = {"components": [component]}
    page = logged.list_events(filter={**mine, "metadata": {"gpu": 1}}, order="oldest")
    assert [event.value for event in page.events] == [1, 3]
    assert page.source and page.source.kind == "rows" and len(page.observed_at) == 2
    assert logged.list_events(id=page.events[0].id).events == page.events[:1]
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    stats = logged.get_stats(filter=mine, range={"start_time": since}, group_by=["status"], histogram_buckets=2)
    assert {each.group["status"]: each.statistics.count for each in stats.groups if each.statistics} == {"OK": 3, "ERROR": 1}
    assert stats.total and (stats.total.count, stats.total.sum, stats.total.not_ok) == (4, 6, 1)
    assert stats.histogram and sum(each.count for each in stats.histogram.buckets) == 4
    assert stats.histogram.buckets[0].from_ == 0
    series = logged.get_time_series(filter=mine, range={"hours": 2}, width="1h", group_by=("component",))
    assert [each.group for each in series.series] == [{"component": component}] and series.width == "1h"
    assert sum(point.statistics.count for point in series.series[0].points if point.statistics) == 4
    trends = logged.get_trends(component=component, event_type="ASKED", quantiles=True, time_zone="Asia/Kathmandu")
    assert trends.model_trends[0].measurement_count == 4 and trends.model_trends[0].p50 is not None


def test_questions_about_usage(logged: QueryClient, component: str) -> None:
    mine: Any = {"models": [component]}
    second, first = logged.list_usage(filter=mine).records
    assert (first.usage.response_id, first.usage.input_tokens, first.usage.team) == (f"{component}-1", 10, None)
    assert second.usage.metadata == {"a": 1} and first.usage.timestamp and not first.ambiguous
    summary = logged.get_usage_summary(
        filter=mine, range={"period": "day"}, group_by=["layer"], width="1d", compare_before=True, forecast=True
    )
    assert {each.group["layer"]: each.totals.requests for each in summary.groups if each.totals} == {"L1": 1, "L2": 1}
    assert summary.total and summary.total.total_tokens == 18 and summary.total.duration_ms
    assert summary.total.duration_ms.max == 300 and len(summary.periods) == 1 and summary.before
    explained = logged.explain_usage(id=first.usage.id or "", time=first.usage.timestamp)
    assert explained.model == component and explained.explanation


def test_questions_about_the_service(logged: QueryClient, component: str) -> None:
    found = logged.list_dimensions(dimensions=["component", "model"], prefix=component)
    assert {each.name: [value.value for value in each.values] for each in found.dimensions} == {
        "component": [component],
        "model": [component],
    }
    [collector] = logged.get_service().collectors
    assert collector.answering and collector.ready and collector.ledger and collector.ledger.stored >= 6
    footprint = logged.get_footprint()
    assert footprint.database_bytes > 0 and footprint.rollups and footprint.partitions[0].start_time
    assert footprint.row_counts["system_telemetry"] >= 4


def test_what_comes_is_told(telemetry: Telemetry, logged: QueryClient, component: str) -> None:
    tail = logged.tail(kinds=["event", "usage"], filter={"components": [component]}, usage_filter={"models": [component]}, recent=10)
    found: list[results.TailRecord] = []
    while len(found) < 6:
        found += next(tail).records
    telemetry.log("LATER", component, 7)
    while len(found) < 7:
        found += next(tail).records
    assert sum(each.usage is not None for each in found) == 2
    assert found[-1].event and found[-1].event.value == 7 and found[-1].observed_at
    tail.close()  # type: ignore[attr-defined]

    async def asked() -> int:
        async with telemetry.async_queries() as queries:
            assert (await queries.list_events(id=found[-1].event.id)).events == [found[-1].event]  # type: ignore[union-attr]
            async for batch in queries.tail(filter={"components": [component]}, recent=3):
                if batch.records:
                    return len(batch.records)
        return 0

    assert asyncio.run(asked()) == 3


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("list_events", {"page_size": "ten"}, "page_size"),
    ("list_events", {"filter": {"component": ["a"]}}, "filter.component"),
    ("list_events", {"filter": {"components": "a"}}, "filter.components"),
    ("list_events", {"filter": ["a"]}, "filter"),
    ("list_events", {"start_time": "today"}, "start_time"),
    ("get_stats", {"range": {"hours": "six"}}, "range.hours"),
    ("get_stats", {"group_by": "component"}, "group_by"),
    ("get_time_series", {"filter": {"metadata": 5}}, "filter.metadata"),
    ("tail", {"recent": 10**30}, "recent"),
    ("explain_usage", {"id": 5}, "id"),
]


@pytest.mark.parametrize(("name", "arguments", "field"), WRONG)
def test_what_is_wrong_with_a_question_is_said(name: str, arguments: dict[str, Any], field: str) -> None:
    queries = QueryClient(Options(url="http://127.0.0.1:1"))
    with pytest.raises(QueryError, match=f"^{field}: "):
        getattr(queries, name)(**arguments)


def test_the_service_says_what_it_does_not_understand(telemetry: Telemetry) -> None:
    queries = telemetry.queries()
    asks: list[Callable[[], object]] = [
        lambda: queries.get_time_series(width="1 fortnight"),
        lambda: next(queries.tail(kinds=["pigeon"])),
    ]
    for ask in asks:
        with pytest.raises(QueryError) as told:
            ask()
        assert told.value.code == "invalid_argument"


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"content-type": "text/html"}, b"<html>"),
        (502, {}, b"<html>"),
        (200, {"content-type": "application/connect+proto"}, b""),
        (200, {"content-type": "application/connect+proto"}, b"\0\0\0\0\5half"),
        (200, {"content-type": "application/connect+proto"}, b"\0\xff\xff\xff\xff"),
        (200, {"content-type": "application/connect+proto"}, b"\2\0\0\0\2[]"),
        (200, {"content-type": "application/connect+proto"}, b"\0\0\0\0\1\xff"),
    ],
)
def test_a_stream_that_is_none_is_a_query_error(answer: Any) -> None:
    async def asked(url: str) -> None:
        async with AsyncQueryClient(Options(url=url)) as queries:
            with pytest.raises(QueryError):
                async for _ in queries.tail():
                    pass

    with AnsweringServer(otherwise=answer) as server:
        with pytest.raises(QueryError):
            list(QueryClient(Options(url=server.url)).tail())
        asyncio.run(asked(server.url))


def test_a_stream_may_come_in_any_pieces() -> None:
    message = methods.tail.response(skipped=3).SerializeToString()
    whole = (b"\0" + len(message).to_bytes(4, "big") + message) * 3 + b"\2\0\0\0\2{}"
    for size in range(1, len(whole) + 1):
        envelopes = Envelopes(methods.tail)
        parts = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert [each.skipped for part in parts for each in envelopes.read(part)] == [3, 3, 3]
        envelopes.end()
