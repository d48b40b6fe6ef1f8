"""What callers are promised: docs/specs/client.md, section 1."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry
from gravitas_telemetry._generated.telemetry_pb2 import Usage
from gravitas_telemetry._records import USAGE_AMOUNTS, USAGE_TEXTS, USAGE_TOKENS


def test_an_event_comes_back_as_it_was_logged(
    telemetry: Telemetry, component: str, stored: Callable[[], list[Event]]
) -> None:
    metadata = {"gpu_id": 0, "total_vram_gb": 24.0, "used_vram_gb": 11.5, "tags": ["a", None, True], "of": {"x": "ü"}}
    before = datetime.now(timezone.utc)
    assert telemetry.log("VRAM_CHECK", component=component, value=12.5, metadata=metadata, status="OK")
    after = datetime.now(timezone.utc)
    assert telemetry.flush()
    [event] = stored()
    assert (event.event_type, event.value, event.status) == ("VRAM_CHECK", 12.5, "OK")
    assert event.metadata == metadata
    assert event.timestamp is not None
    assert before - timedelta(microseconds=1) <= event.timestamp <= after


def test_awaiting_is_possible_everywhere_and_never_needed(
    telemetry: Telemetry, component: str, stored: Callable[[], list[Event]]
) -> None:
    async def log_all() -> None:
        assert await telemetry.log("A", component, 1)
        assert telemetry.log("A", component, 2)
        assert await asyncio.create_task(telemetry.log("A", component, 3))
        assert all(await asyncio.gather(telemetry.log("A", component, 4), telemetry.log("A", component, 5)))

    asyncio.run(log_all())
    assert asyncio.run(telemetry.log("A", component, 6))
    threads = [threading.Thread(target=telemetry.log, args=("A", component, 7 + n)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert telemetry.flush()
    assert values(stored()) == list(range(1, 10))


def test_the_caller_may_give_the_time(
    telemetry: Telemetry, component: str, stored: Callable[[], list[Event]]
) -> None:
    at = datetime.now(timezone.utc) - timedelta(hours=3)
    telemetry.log("A", component, 1, timestamp=at)
    telemetry.log("A", component, 2, timestamp=at.timestamp() + 1)
    assert telemetry.flush()
    first, second = stored()
    assert first.timestamp == at
    assert second.timestamp is not None
    assert abs(second.timestamp - at - timedelta(seconds=1)) < timedelta(microseconds=2)


class Broken:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (Path("/x"), "/x"),
        (Decimal("1.5"), "1.5"),
        (b"x", "b'x'"),
        ("half \ud800", "half \ufffd"),
        (10**400, str(10**400)),
        ((1, 2), [1, 2]),
        ({1: "a", "1": "b"}, {"1": "b"}),
    ],
)
def test_metadata_is_made_storable(
    telemetry: Telemetry, component: str, stored: Callable[[], list[Event]], value: Any, expected: Any
) -> None:
    assert telemetry.log("A", component, metadata={"of": value})
    assert telemetry.flush()
    [event] = stored()
    assert event.metadata == {"of": expected}


def test_what_can_not_be_stored_is_dropped_and_counted(
    telemetry: Telemetry, component: str, stored: Callable[[], list[Event]], caplog: pytest.LogCaptureFixture
) -> None:
    anything: Any = telemetry
    assert not anything.log("A", component, timestamp="yesterday")
    for fault in (
        {"value": float("nan")},
        {"value": "much"},
        {"value": Broken()},
        {"status": Broken()},
        {"status": "x" * 100_000},
        {"timestamp": 1e12},
    ):
        assert anything.log("A", component, **fault)
    assert anything.log("", component)
    assert anything.log(None, component)
    assert not anything.log_load_latency(component, None)
    assert not anything.log_thought_latency(component, "long", 3)
    with anything.timer("", component, 5) as timer:
        assert timer.metadata == {"value": 5}
    assert anything.log_usage("")
    assert anything.log_usage("A", prompt_tokens=-1)
    assert anything.log("A", component, 1)
    assert telemetry.flush()
    assert telemetry.counters()["dropped"]["invalid"] == 14
    assert values(stored()) == [1]
    assert len([record for record in caplog.records if "is dropped" in record.message]) <= 1


def test_what_the_service_rejects_is_counted(telemetry: Telemetry, component: str) -> None:
    telemetry.log("A", component, timestamp=datetime.now(timezone.utc) - timedelta(days=40))
    telemetry.log("A", component)
    assert telemetry.flush()
    counts = telemetry.counters()
    assert (counts["dropped"]["rejected"], counts["delivered"]) == (1, 1)


def test_usage_is_summed_up(telemetry: Telemetry, component: str) -> None:
    assert telemetry.log_usage(component, "L2", 10, 5, 100.5, cached_tokens=4, cost_usd=0.25, metadata={"a": 1})
    assert telemetry.log_usage(model=component, layer="L1", prompt_tokens=1, completion_tokens=2, duration_ms=50)
    assert telemetry.flush()
    summary = telemetry.queries().get_usage_summary(model=component)
    assert (summary.requests, summary.input_tokens, summary.output_tokens) == (2, 11, 7)
    assert (summary.l2_tokens, summary.cost_usd) == (15, 0.25)
    assert [part.layer for part in summary.breakdown] == ["L2", "L1"]


def test_usage_has_every_field_of_the_contract(telemetry: Telemetry) -> None:
    usage = {field.name for field in Usage.DESCRIPTOR.fields} - {"id"}
    given = {"input_tokens": "prompt_tokens", "output_tokens": "completion_tokens"}
    taken = set(inspect.signature(telemetry.log_usage).parameters)
    assert {given.get(name, name) for name in usage} == taken
    known = {*USAGE_TEXTS.items(), *USAGE_TOKENS.items(), *USAGE_AMOUNTS.items()}
    others = {"metadata", "timestamp", "id"}
    assert known == {(field.name, field.number) for field in Usage.DESCRIPTOR.fields if field.name not in others}


def test_disabled_and_closed_clients_take_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch, component: str, stored: Callable[[], list[Event]]
) -> None:
    monkeypatch.setenv("TELEMETRY_ENABLED", "off")
    disabled = Telemetry(url=url)
    assert not disabled.log("A", component)
    assert not disabled.log_usage("A")
    assert disabled.flush() and disabled.close()
    monkeypatch.delenv("TELEMETRY_ENABLED")
    closed = Telemetry(url=url)
    assert closed.log("A", component, 1)
    assert closed.close() and closed.close()
    assert not closed.log("A", component, 2)
    never_used = Telemetry(url=url)
    assert never_used.close()
    assert not never_used.log("A", component, 3)
    assert values(stored()) == [1]


def test_a_full_queue_refuses_and_the_service_is_told(
    url: str, spool: Path, component: str, stored: Callable[[], list[Event]]
) -> None:
    with Telemetry(
        url=url, spool_directory=spool, queue_events_max=100, service_name=component, batch_events_max=1000
    ) as telemetry:
        taken = sum(bool(telemetry.log("A", component, n)) for n in range(1000))
        dropped = telemetry.counters()["dropped"]["queue_full"]
        assert taken + dropped == 1000 and dropped > 0
        assert telemetry.flush()
        assert telemetry.flush()
    *events, report = sorted(stored(), key=lambda event: event.event_type)
    assert len(events) == taken
    assert (report.event_type, report.value, report.status) == ("TELEMETRY_DROPPED", dropped, "WARNING")
    assert report.metadata["queue_full"] == dropped
    assert report.metadata["resource"]["service.name"] == component


def test_a_resource_goes_into_the_metadata(
    url: str, spool: Path, component: str, stored: Callable[[], list[Event]]
) -> None:
    with Telemetry(url=url, spool_directory=spool, service_name="router", resource={"zone": "a"}) as telemetry:
        telemetry.log("A", component, 1)
        telemetry.log("A", component, 2, {"x": 1})
        telemetry.log("A", component, 3, {"resource": "mine"})
    without, beside, own = sorted(stored(), key=lambda event: event.value or 0)
    resource = without.metadata["resource"]
    assert (resource["service.name"], resource["zone"]) == ("router", "a")
    assert resource.keys() == {"service.name", "host.name", "process.pid", "zone"}
    assert beside.metadata == {"x": 1, "resource": resource}
    assert own.metadata == {"resource": "mine"}


def test_wrong_arguments_are_told_at_once() -> None:
    anything: Any = Telemetry
    with pytest.raises(ValueError, match="transport must be one of http, grpc"):
        anything(transport="pigeon")
    with pytest.raises(ValueError, match="queue_events_max must be from 1"):
        anything(queue_events_max=0)


def test_flush_waits_for_a_sender_that_is_being_started(
    url: str, spool: Path, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = Telemetry(url=url, spool_directory=spool)
    starting, flushing = threading.Event(), threading.Event()
    start = threading.Thread.start

    def slow_start(thread: threading.Thread) -> None:
        if thread.name == "gravitas-telemetry":
            starting.set()
            flushing.wait()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    first = threading.Thread(target=telemetry.log, args=("A", component))
    start(first)
    starting.wait()
    assert telemetry.log("B", component)
    start(threading.Timer(0.1, flushing.set))
    assert telemetry.flush()
    assert telemetry.counters()["delivered"] == 2
    first.join()
    telemetry.close()


def test_several_threads_may_flush_and_close(
    url: str, spool: Path, component: str, stored: Callable[[], list[Event]]
) -> None:
    telemetry = Telemetry(url=url, spool_directory=spool)

    def work(first: int) -> None:
        for value in range(first, first + 100):
            assert telemetry.log("A", component, value)
        results.append(telemetry.flush())
        everybody.wait()
        results.append(telemetry.close())

    results: list[bool] = []
    everybody = threading.Barrier(4)
    threads = [threading.Thread(target=work, args=(first,)) for first in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8
    assert values(stored()) == list(range(400))


def test_callers_do_not_wait_for_a_close(gate: Gate, spool: Path) -> None:
    gate.swallow()
    telemetry = Telemetry(url=gate.url, spool_directory=spool, close_timeout_s=20)
    assert telemetry.log("A")
    closing = threading.Thread(target=telemetry.close)
    closing.start()
    eventually(lambda: not telemetry.log("A"))
    assert closing.is_alive()
    gate.shut()
    closing.join()
    assert list(spool.glob("*.jsonl"))


def test_callers_do_not_wait_for_the_application_s_log(spool: Path, gate: Gate) -> None:
    """What the client has to say of a call is said elsewhere."""
    gate.shut()
    let_go = threading.Event()
    said: list[str] = []

    class Slow(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            let_go.wait(20)
            said.append(record.getMessage())

    logger = logging.getLogger("gravitas_telemetry")
    handler = Slow()
    logger.addHandler(handler)
    try:
        client = Telemetry(url=gate.url, spool_directory=spool, queue_events_max=1)
        assert client.log("A") and not client.log("B")
        assert not client.log("C", timestamp="never")  # type: ignore[arg-type]
        assert said == []
        let_go.set()
        eventually(lambda: any("queue is full" in each for each in said))
        client.close()
    finally:
        let_go.set()
        logger.removeHandler(handler)


@pytest.mark.parametrize("name", ["\udcff", "ü" * 300])
def test_a_service_s_name_of_any_kind(spool: Path, gate: Gate, name: str) -> None:
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool, service_name=name) as client:
        assert client.log("A") and client.flush().spooled == 1


@pytest.mark.parametrize("timeout", [float("inf"), float("nan"), None, -1, 1e300])
def test_any_time_may_be_waited_for(telemetry: Telemetry, timeout: Any) -> None:
    async def awaited() -> None:
        telemetry.log("A")
        await telemetry.flush(timeout)
        telemetry.log("A")
        assert (await telemetry.close(timeout)).complete

    telemetry.log("A")
    telemetry.flush(timeout)
    asyncio.run(awaited())


def test_a_wrong_time_is_told_and_not_waited_for(telemetry: Telemetry) -> None:
    async def awaited() -> None:
        with pytest.raises(ValueError):
            await telemetry.flush("soon")  # type: ignore[arg-type]

    telemetry.log("A")
    asyncio.run(awaited())
    with pytest.raises(ValueError):
        telemetry.flush("soon")  # type: ignore[arg-type]


@pytest.mark.parametrize("thrown", [SystemExit, asyncio.CancelledError, GeneratorExit])
def test_what_ends_others_does_not_end_the_sender(url: str, spool: Path, thrown: type[BaseException]) -> None:
    def hook(record: dict[str, Any]) -> dict[str, Any]:
        if record["event_type"] == "B":
            raise thrown
        return record

    class Ending:
        def __str__(self) -> str:
            raise thrown

    with Telemetry(url=url, spool_directory=spool, before_send=hook) as client:
        for event_type in ("A", "B", Ending(), "C"):
            client.log(event_type)  # type: ignore[arg-type]
        assert client.flush().delivered == 2
        dropped = client.counters()["dropped"]
        assert (dropped["withheld"], dropped["invalid"]) == (1, 1)
