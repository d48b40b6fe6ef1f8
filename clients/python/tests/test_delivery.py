"""What answers mean, and how tries are apart: docs/specs/client.md, sections 2, 3 and 6."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from answering_server import AnsweringServer
from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry
from gravitas_telemetry._delivery import Delivery

Stored = Callable[[], "list[Event]"]


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as server:
        yield server


@pytest.fixture
def client(server: AnsweringServer, spool: Path) -> Iterator[Telemetry]:
    with Telemetry(url=server.url, spool_directory=spool, token="secret", headers={"x-team": "a"}) as client:
        yield client


def retry_info(seconds: float) -> dict[str, Any]:
    duration = Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9)).SerializeToString()
    value = base64.b64encode(b"\x0a" + bytes([len(duration)]) + duration).decode().rstrip("=")
    return {"type": "google.rpc.RetryInfo", "value": value}


def test_a_batch_is_sent_as_the_contract_says(server: AnsweringServer, client: Telemetry) -> None:
    for value in range(100):
        client.log("A", "L1", value)
    assert client.flush()
    [request] = server.received
    assert request.path == "/gravitas.telemetry.v1.IngestService/LogBatch"
    expected = {
        "content-type": "application/proto",
        "content-encoding": "gzip",
        "connect-protocol-version": "1",
        "authorization": "Bearer secret",
        "x-team": "a",
    }
    assert expected.items() <= request.headers.items()
    client.log("A")
    assert client.flush()
    assert "content-encoding" not in server.received[1].headers
    assert "secret" not in repr(client._options)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("already_exists", 409, "conflict"),
        ("invalid_argument", 400, "refused"),
        ("failed_precondition", 400, "refused"),
        ("out_of_range", 400, "refused"),
        ("resource_exhausted", 429, "refused"),
    ],
)
def test_what_is_not_worth_a_retry_is_dropped(
    server: AnsweringServer, client: Telemetry, code: str, status: int, reason: str
) -> None:
    server.answers.append((status, {}, {"code": code, "message": "no"}))
    client.log("A")
    assert client.flush()
    dropped: dict[str, int] = dict(client.counters()["dropped"])
    assert dropped[reason] == 1
    assert len({request.batch_id for request in server.received}) == len(server.received)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, {"code": "unavailable", "details": [retry_info(0.7)]}),
        ({}, {"code": "resource_exhausted", "details": [retry_info(0.7)]}),
        ({"retry-after": "1"}, {"code": "resource_exhausted"}),
        ({"retry-after": "1"}, {"said by": "something in between"}),
    ],
)
def test_the_delay_of_the_server_is_kept(
    server: AnsweringServer, client: Telemetry, headers: dict[str, str], error: dict[str, Any]
) -> None:
    server.answers.append((503, headers, error))
    client.log("A")
    assert client.flush()
    first, second = server.received
    assert second.at - first.at >= 0.7
    assert first.batch_id == second.batch_id and first.body == second.body
    assert client.counters()["delivered"] == 1 and client.counters()["spooled"] == 0


def test_after_three_tries_the_spool_has_it_and_the_circuit_is_open(
    server: AnsweringServer, client: Telemetry, spool: Path
) -> None:
    server.answers += [(503, {}, {"code": "unavailable"})] * 2
    # So long that the second record meets an open circuit.
    server.answers += [(503, {"retry-after": "2"}, {"code": "unavailable"}), (200, {}, {"not": "an answer"})]
    client.log("A", value=1)
    assert client.flush()
    assert len(server.received) == 3
    assert client.counters()["spooled"] == 1
    client.log("A", value=2)
    assert client.flush()
    # The open circuit let only a batch of the spool through.
    eventually(lambda: client.counters()["delivered"] == 2)
    ids = [request.batch_id for request in server.received]
    assert ids[:3] == [ids[0]] * 3 and ids[3] == ids[0]
    assert {request.path for request in server.received[3:]} == {"/v1/telemetry/batch"}
    assert list(spool.iterdir()) == []


def test_what_was_dropped_is_reported(server: AnsweringServer, client: Telemetry) -> None:
    client.log("A", value=float("nan"))
    client.log("A")
    assert client.flush()
    assert client.close()
    counts = client.counters()
    assert counts["taken"] == 3 and counts["delivered"] == 2


@pytest.mark.parametrize("way", ["stdout", "logging", "none"])
def test_other_fallbacks(
    gate: Gate, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, way: Any
) -> None:
    gate.shut()
    with Telemetry(url=gate.url, fallback=way) as client:
        client.log("A", "L1", 1)
        assert client.flush() == (way != "none")
        counts = client.counters()
    line = '"events":[{"event_type":"A","component":"L1","value":1.0,"timestamp":'
    assert (line in capsys.readouterr().out) == (way == "stdout")
    assert (line in caplog.text) == (way == "logging")
    assert (counts["handed_over"], counts["dropped"]["unreachable"]) == ((0, 1) if way == "none" else (1, 0))


@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_many_events_arrive_once(url: str, spool: Path, component: str, stored: Stored, transport: Any) -> None:
    with Telemetry(url=url, spool_directory=spool, transport=transport) as client:
        for value in range(12_000):
            client.log("A", component, value)
        assert client.flush(20)
        assert client.counters()["delivered"] == 12_000
    assert values(stored()) == list(range(12_000))


def test_grpc_goes_by_the_spool_when_the_service_is_away(
    gate: Gate, spool: Path, component: str, stored: Stored
) -> None:
    with Telemetry(url=gate.url, spool_directory=spool, transport="grpc") as client:
        client.log("A", component, 0)
        assert client.flush()
        gate.shut()
        for value in range(1, 3001):
            client.log("A", component, value)
        assert client.flush(20)
        assert client.counters()["spooled"] == 3000
        gate.open()
        eventually(lambda: client.counters()["delivered"] == 3001)
    assert values(stored()) == list(range(3001))


def test_a_url_that_is_none_costs_nothing_but_the_delivery(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_URL", "http://[")
    with Telemetry(spool_directory=spool) as client:
        assert client.log("A")
        assert client.flush()
        assert client.counters()["spooled"] == 1


def test_the_http_library_does_not_log_on_our_account(
    server: AnsweringServer, client: Telemetry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    client.log("A")
    assert client.flush()
    assert [record for record in caplog.records if record.name == "httpx"] == []


def test_what_comes_while_the_spool_is_looked_at_is_sent_in_time(
    url: str, spool: Path, component: str, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else wakes a sender that has just found the queue empty."""
    look, looks = Delivery.spooled, []

    def look_slowly(self: Delivery) -> bool:
        if not client._intake.queue:
            looks.append(self)
            # After the first it is busy, and looks at the queue once more.
            if len(looks) == 2:
                client.log("A", component, 2)
        return look(self)

    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("A", component, 1)
        eventually(lambda: len(stored()) == 1)
        monkeypatch.setattr(Delivery, "spooled", look_slowly)
        client.log("A", component, 3)
        eventually(lambda: len(stored()) == 3, 5)
