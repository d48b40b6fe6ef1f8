"""The legacy methods with their shapes, and the typed queries."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gate import Gate
from gravitas_telemetry import QueryError, Telemetry, _telemetry
from gravitas_telemetry._legacy_shapes import size_pretty


@pytest.fixture
def model(telemetry: Telemetry, component: str) -> str:
    """A model with some measurements."""
    telemetry.log_load_latency(component, 3.5)
    telemetry.log_load_latency(component, 1.5, success=False)
    telemetry.log_thought_latency(component, 2.0, 100, prompt_tokens=20)
    telemetry.log_thought_latency(component, 1.0, 100)
    telemetry.log_thought_latency(component, 1.0, 0)
    assert telemetry.flush()
    return component


def test_events_of_the_legacy_methods(telemetry: Telemetry, model: str) -> None:
    none, second, first, failed, load = telemetry.get_recent_events(10, model)
    assert load.keys() == {"id", "event_type", "component", "value", "metadata", "status", "timestamp"}
    assert (load["event_type"], load["value"], load["status"]) == ("LOAD_LATENCY", 3.5, "OK")
    assert load["metadata"] == {"model": model, "load_time_ms": 3500}
    assert failed["status"] == "ERROR"
    assert isinstance(load["timestamp"], datetime)
    assert (first["event_type"], first["value"]) == ("THOUGHT_LATENCY", 20)
    assert first["metadata"] == {
        "model": model,
        "inference_time_ms": 2000,
        "tokens_generated": 100,
        "prompt_tokens": 20,
        "total_tokens": 120,
        "latency_per_token_ms": 20,
    }
    assert second["value"] == 10 and none["value"] is None
    assert len(telemetry.get_recent_events(limit=2, component=model)) == 2


def test_more_events_than_a_page_has(telemetry: Telemetry, component: str) -> None:
    for value in range(1500):
        telemetry.log("A", component, value)
    assert telemetry.flush()
    assert [event["value"] for event in telemetry.get_recent_events(1200, component)] == [*range(1499, 299, -1)]


def test_legacy_statistics(telemetry: Telemetry, model: str) -> None:
    efficiency = {
        "component": model,
        "avg_efficiency_score": 15,
        "best_efficiency": 10,
        "worst_efficiency": 20,
        "total_tokens": 200,
    }
    found = telemetry.get_aggregated_efficiency(model, 1)
    assert efficiency.items() <= found.items()
    every = telemetry.get_aggregated_efficiency()
    assert every["time_window_hours"] == 24 and found in every["components"]
    assert telemetry.get_aggregated_efficiency("nothing") == {}
    footprint = telemetry.get_telemetry_footprint()
    assert footprint.keys() == {"table_sizes", "row_counts", "oldest_telemetry_record", "monitored_at"}
    assert footprint["row_counts"]["system_telemetry"] >= 5
    sizes = [table["size_bytes"] for table in footprint["table_sizes"]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0
    for table in footprint["table_sizes"]:
        assert {"tablename", "total_size", "size_bytes"} <= table.keys()
        assert table["total_size"] == size_pretty(table["size_bytes"])
    for name in ("oldest_telemetry_record", "monitored_at"):
        assert datetime.fromisoformat(footprint[name]).tzinfo
    json.dumps(footprint)


def test_60_day_statistics_of_all_events_and_models_best_first(telemetry: Telemetry, model: str) -> None:
    before = telemetry.get_60day_statistics()
    for seconds in (3.0, 0.5):
        telemetry.log_thought_latency(f"{model}-{seconds}", seconds, 100)
    telemetry.log_thought_latency(f"{model}-none", 1, 0)
    telemetry.log("VRAM_CHECK", f"{model}-gpu", 1)
    statistics = telemetry.get_60day_statistics()
    assert statistics["retention_window_days"] == 60
    overall = statistics["overall"]
    assert overall.keys() == {"total_measurements", "unique_models", "oldest_record", "newest_record"}
    assert overall["total_measurements"] == before["overall"]["total_measurements"] + 4
    assert overall["unique_models"] == before["overall"]["unique_models"] + 4
    assert overall["oldest_record"] < overall["newest_record"]
    mine = [trend for trend in statistics["model_trends"] if (trend["component"] or "").startswith(model)]
    assert [trend["component"] for trend in mine] == [f"{model}-0.5", model, f"{model}-3.0", f"{model}-none"]
    assert mine[1].keys() == {"component", "avg_efficiency", "measurement_count", "total_tokens_processed"}
    assert (mine[1]["avg_efficiency"], mine[1]["total_tokens_processed"]) == (15, 220)


@pytest.mark.parametrize(
    ("size", "text"),
    # What select pg_size_pretty(size) gives.
    [
        (0, "0 bytes"),
        (10239, "10239 bytes"),
        (10240, "10 kB"),
        (10751, "10 kB"),
        (10752, "11 kB"),
        (10485247, "10239 kB"),
        (10485248, "10 MB"),
        (123456789, "118 MB"),
        (5 << 40, "5120 GB"),
        (50 << 40, "50 TB"),
        (1 << 60, "1024 PB"),
    ],
)
def test_sizes_are_written_as_postgresql_writes_them(size: int, text: str) -> None:
    assert size_pretty(size) == text


def test_usage_statistics_are_plain(telemetry: Telemetry, model: str) -> None:
    before = telemetry.get_usage_statistics(1) or {"total_requests": 0, "total_tokens": 0, "l2_tokens": 0}
    telemetry.log_usage(model, "L1", prompt_tokens=10, completion_tokens=5, duration_ms=100)
    telemetry.log_usage(model, "L2", prompt_tokens=1, completion_tokens=2, duration_ms=300)
    found = telemetry.get_usage_statistics(hours=1)
    assert found["total_requests"] == before["total_requests"] + 2
    assert found["total_tokens"] == before["total_tokens"] + 18
    assert found["l2_tokens"] == before["l2_tokens"] + 3
    assert found["avg_latency_ms"] > 0 and found["time_window_hours"] == 1
    mine = {each["layer"]: each for each in found["breakdown"] if each["model"] == model}
    assert (mine["L1"]["requests"], mine["L1"]["total_tokens"], mine["L1"]["avg_latency_ms"]) == (1, 15, 100)
    assert json.loads(json.dumps(found)) == found


def test_a_read_sees_what_was_logged_before(telemetry: Telemetry, component: str) -> None:
    for value in range(3):
        telemetry.log("A", component, value)
        assert telemetry.get_recent_events(1, component)[0]["value"] == value

    async def read() -> None:
        await telemetry.log("A", component, 3)
        assert [each["value"] for each in await telemetry.get_recent_events(1, component)] == [3]

    asyncio.run(read())


def test_a_read_does_not_wait_for_an_outage_to_end(gate: Gate, spool: Path) -> None:
    gate.shut()
    telemetry = Telemetry(url=gate.url, spool_directory=spool)
    telemetry.log("A")
    started_at = time.monotonic()
    assert telemetry.get_recent_events() == []
    # A second for the flush, and what a busy machine adds.
    assert time.monotonic() - started_at < 4
    assert telemetry.close().complete


def test_a_read_of_a_service_that_says_nothing_is_brief(
    gate: Gate, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _telemetry.BRIEF_TIMEOUT_S == 5
    monkeypatch.setattr(_telemetry, "BRIEF_TIMEOUT_S", 0.5)
    gate.swallow()
    with Telemetry(url=gate.url, spool_directory=spool) as telemetry:
        begin = time.monotonic()
        assert telemetry.get_recent_events(10) == []
        assert telemetry.get_60day_statistics() == {}
        assert time.monotonic() - begin < 5


def test_every_legacy_method_can_be_awaited(telemetry: Telemetry, model: str) -> None:
    anything: Any = telemetry

    async def awaited() -> None:
        start = await anything.start_timer()
        assert 0 <= await anything.measure_latency(start) < 60
        assert await anything.log_usage(model, "L1", 1, 2, 3.5)
        assert await anything.log_load_latency(model, 1)
        assert await anything.log_thought_latency(model, 1, 1)
        assert (await anything.get_recent_events(1, model))[0]["component"] == model
        assert (await anything.get_aggregated_efficiency(model))["component"] == model
        assert (await anything.get_60day_statistics())["retention_window_days"] == 60
        assert (await anything.get_telemetry_footprint())["row_counts"]

    asyncio.run(awaited())
    assert 0 <= telemetry.measure_latency(telemetry.start_timer()) < 60
    assert asyncio.run(anything.get_recent_events(1, model))[0]["component"] == model


def test_typed_queries_blocking_and_not(telemetry: Telemetry, model: str) -> None:
    queries = telemetry.queries()

    async def asked() -> list[Any]:
        async with telemetry.async_queries() as asynchronous:
            return [
                await asynchronous.list_events(component=model, status="OK"),
                await asynchronous.get_stats(component=model),
                await asynchronous.get_usage_summary(model=model),
                await asynchronous.get_trends(component=model),
                (await asynchronous.get_footprint()).row_counts.keys(),
            ]

    events, stats, usage, trends, tables = asyncio.run(asked())
    assert queries.list_events(component=model, status="OK") == events
    assert len(events.events) == 4 and events.next_page_token == ""
    now = datetime.now(timezone.utc)
    later = queries.list_events(component=model, start_time=now + timedelta(minutes=1))
    assert later.events == []
    assert len(queries.list_events(component=model, end_time=now).events) == 5
    assert (stats := queries.get_stats(component=model)) == stats and stats.total_tokens == 200
    assert queries.get_usage_summary(model=model) == usage and usage.requests == 0
    assert queries.get_trends(component=model) == trends and len(trends.model_trends[0].days) == 1
    assert queries.get_footprint().row_counts.keys() == tables


def test_no_answer(gate: Gate, url: str, caplog: pytest.LogCaptureFixture) -> None:
    gate.shut()
    telemetry = Telemetry(url=gate.url)
    assert telemetry.get_recent_events() == []
    assert telemetry.get_60day_statistics() == {}
    assert "telemetry can't be read" in caplog.text
    with pytest.raises(QueryError, match="ConnectError"):
        telemetry.queries().get_footprint()
    with pytest.raises(QueryError, match="page_size"), Telemetry(url=url) as reachable:
        reachable.queries().list_events(page_size=-1)
