"""Answers that a healthy collector never gives: docs/specs/client.md, 3.2, 3.3, 3.8 and 4.4."""

from __future__ import annotations

import asyncio
import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from answering_server import Answer, AnsweringServer, Received
from conftest import eventually
from gravitas_telemetry import AsyncQueryClient, QueryError, Telemetry
from gravitas_telemetry._answers import TryAgain, judge_http, retry_after_s
from gravitas_telemetry._circuit import MOMENT_S, SERVER_DELAY_S_MAX, Circuit
from gravitas_telemetry._delivery import Delivery
from gravitas_telemetry._http_transport import HttpTransport
from gravitas_telemetry._options import Options

HTML = b"<html><body>something in between</body></html>"


@pytest.fixture
def server() -> Iterator[AnsweringServer]:
    with AnsweringServer() as server:
        yield server


@pytest.fixture
def client(server: AnsweringServer, spool: Path) -> Iterator[Telemetry]:
    with Telemetry(url=server.url, spool_directory=spool) as client:
        yield client


def page(status: int) -> Answer:
    return status, {"content-type": "text/html"}, HTML


def all_values(server: AnsweringServer) -> list[float]:
    return sorted(value for request in server.received for value in request.values)


@pytest.mark.parametrize("answer", [page(413), page(414), page(431), (429, {}, {"code": "resource_exhausted"})])
@pytest.mark.parametrize("way", ["live", "from the spool"])
def test_what_is_too_large_is_split_and_what_can_not_be_is_set_aside(
    server: AnsweringServer, spool: Path, answer: Answer, way: str
) -> None:
    accepted: list[float] = []

    def small_only(request: Received) -> Answer | None:
        if len(request.values) > 8 or 13 in request.values:
            return answer
        accepted.extend(request.values)
        return None

    if way == "live":
        server.otherwise = small_only
    else:
        server.otherwise = page(502)
    with Telemetry(url=server.url, spool_directory=spool) as client:
        for value in range(100):
            client.log("A", "L1", value)
        assert client.flush()
        server.otherwise = small_only
        eventually(lambda: client.counters()["delivered"] >= 99)
        counts = client.counters()
        assert counts["dropped"]["refused"] == 1 and counts["spooled"] == (0 if way == "live" else 100)
        # It stops nothing that comes later.
        client.log("A", "L1", 1000)
        eventually(lambda: 1000 in accepted)
    assert sorted(accepted) == [*range(13), *range(14, 100), 1000]
    [aside] = spool.iterdir()
    assert aside.suffix == ".refused" and aside.read_bytes().count(b'"value":13.0') == 1


def test_whoever_splits_a_batch_gets_the_same_halves(server: AnsweringServer, spool: Path) -> None:
    def one_by_one(request: Received) -> Answer | None:
        return page(413) if len(request.values) > 1 else None

    ids: list[dict[float, str]] = []
    server.otherwise = page(502)
    with Telemetry(url=server.url, spool_directory=spool) as client:
        for value in range(7):
            client.log("A", "L1", value)
        client.log_usage("llama", "L1", 1, 2)
        assert client.flush()
    [file] = spool.glob("*.jsonl")
    content = file.read_bytes()
    for _ in range(2):
        file.write_bytes(content)
        server.received.clear()
        server.otherwise = one_by_one
        with Telemetry(url=server.url, spool_directory=spool) as client:
            client.log("NEXT")
            eventually(lambda: not file.exists())
        singles = [each for each in server.received if each.path.endswith("batch") and len(each.values) == 1]
        ids.append({each.values[0]: each.batch_id for each in singles})
    assert len(set(ids[0].values())) == 7 and ids[0] == ids[1]


@pytest.mark.parametrize("status", [400, 405, 406, 411, 415, 417, 418, 422, 451])
def test_a_page_about_one_batch_does_not_hold_up_the_others(
    server: AnsweringServer, spool: Path, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gravitas_telemetry._circuit.DELAY_S_MIN", 0.01)
    monkeypatch.setattr("gravitas_telemetry._circuit.DELAY_S_MAX", 0.1)
    accepted: list[float] = []

    def firewall(request: Received) -> Answer | None:
        if 13 in request.values:
            return page(status)
        accepted.extend(request.values)
        return None

    server.otherwise = page(502)
    with Telemetry(url=server.url, spool_directory=spool, batch_events_max=10) as client:
        for value in range(30):
            client.log("A", "L1", value)
        assert client.flush().spooled == 30
        server.otherwise = firewall
        eventually(lambda: client.counters()["delivered"] >= 29)
        eventually(lambda: client.counters()["dropped"]["refused"] == 1)
    assert sorted(set(accepted)) == [*range(13), *range(14, 30)]


@pytest.mark.parametrize(
    "answer",
    [
        page(200),
        (200, {}, {}),
        (200, {}, {"hello": "world"}),
        (200, {"content-type": "application/proto"}, b""),
        (200, {"content-type": "application/proto"}, b"\xff\xff\xff\xff"),
        (204, {}, b""),
        (302, {"location": "http://127.0.0.1:1/"}, b""),
        page(401),
        page(403),
        page(404),
        page(407),
        page(500),
        page(502),
        (503, {}, b"\xff\xfe\x00"),
        (503, {}, {"code": 7, "message": ["a"], "details": {"a": 1}}),
        (503, {}, {"code": "unavailable", "details": [None, 1, "a", {"type": "google.rpc.RetryInfo", "value": 5}]}),
        (500, {}, b"[" * 100_000),
        (503, {"content-encoding": "gzip"}, b"no gzip"),
        (200, {"content-encoding": "gzip"}, b"no gzip"),
        # Read as protobuf it names a batch, and as JSON too: but not this one.
        (200, {"content-type": "text/plain"}, b"\n\x05hello"),
        (200, {"content-type": "text/html"}, b"\n\n<!DOCTYPE "),
        (200, {}, {"batch_id": "01a20000-0000-7000-8000-000000000000", "events": 1}),
        # Gateways have codes of their own.
        (503, {}, {"code": "ServiceUnavailable", "message": "no upstream"}),
        (503, {}, {"code": 503}),
        (503, {}, {"code": {"a": 1}}),
        (503, {}, {"code": "unavailable", "details": None}),
        (206, {}, b""),
        (304, {}, b""),
    ],
)
def test_what_is_not_the_service_is_an_outage(
    server: AnsweringServer, spool: Path, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gravitas_telemetry._circuit.DELAY_S_MIN", 0.01)
    monkeypatch.setattr("gravitas_telemetry._circuit.DELAY_S_MAX", 0.1)
    server.otherwise = answer
    with Telemetry(url=server.url, spool_directory=spool) as client:
        client.log("A", value=1)
        result = client.flush()
        assert (result.complete, result.delivered, result.spooled, result.dropped) == (True, 0, 1, 0)
        if answer[2] != b"" or answer[0] != 200:
            # An empty message is an answer to a query.
            with pytest.raises(QueryError):
                client.queries().get_footprint()
        assert client.get_recent_events() == []
        eventually(lambda: any(each.path.endswith("/batch") for each in server.received))
        assert client.counters()["delivered"] == 0
        server.otherwise = None
        eventually(lambda: client.counters()["delivered"] == 1)
    assert list(spool.iterdir()) == []


def test_a_query_answered_by_something_else_is_a_query_error(server: AnsweringServer, client: Telemetry) -> None:
    for content_type in ("text/html", "application/json", "application/octet-stream", ""):
        server.otherwise = (200, {"content-type": content_type}, b"")
        with pytest.raises(QueryError, match="not the service"):
            client.queries().list_events()


def test_longer_than_a_moment_is_waited_for_in_the_spool(server: AnsweringServer, spool: Path) -> None:
    """A process that is killed meanwhile loses nothing, and a queue does not run full."""
    asked: list[int] = []
    server.otherwise = (503, {"retry-after": "60"}, HTML)
    with Telemetry(url=server.url, spool_directory=spool, queue_events_max=1000, batch_events_max=100) as client:
        for value in range(3000):
            while not client.log("A", value=value):
                time.sleep(0.001)
            if value % 500 == 499:
                assert client.flush(3).complete
                asked.append(len(server.received))
        assert client.counters()["spooled"] == 3000
    # Once for what was under way together.
    assert set(asked) == {asked[0]} and asked[0] <= 5


def test_a_delay_that_a_server_names_is_never_shortened(server: AnsweringServer, client: Telemetry) -> None:
    soon = datetime.now(timezone.utc) + timedelta(seconds=3)
    server.answers.append((503, {"retry-after": format_datetime(soon, usegmt=True)}, HTML))
    client.log("A", value=1)
    assert client.flush().spooled == 1
    eventually(lambda: client.counters()["delivered"] == 1)
    # An HTTP date has no fractions of a second.
    assert datetime.now(timezone.utc) >= soon.replace(microsecond=0)


NAMED = [
    ("60", 60),
    ("0", 0),
    ("-5", 0),
    ("1.5", 1.5),
    ("1e400", float("inf")),
    ("9" * 5000, float("inf")),
    ("inf", float("inf")),
    ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ("Thursday, 01-Jan-70 00:00:00 GMT", 0),
    ("Thu Jan  1 00:00:00 1970", 0),
]


@pytest.mark.parametrize(("text", "delay_s"), NAMED)
def test_retry_after_in_all_its_forms(text: str, delay_s: float) -> None:
    assert retry_after_s(text) == delay_s


@pytest.mark.parametrize("text", ["", "soon", "nan", "NaN", "1 s", "١٢x", "Thu, 99 Foo 2026", "Mon, 31 Feb 2026 00:00:00 GMT", "\x00"])
def test_what_is_no_delay_counts_as_not_given(text: str) -> None:
    assert retry_after_s(text) is None


def test_no_delay_is_obeyed_beyond_the_maximum() -> None:
    circuit = Circuit()
    far = [delay_s for _, delay_s in NAMED] + [1e308, retry_after_s("Fri, 31 Dec 9999 23:59:59 GMT") or 0]
    for delay_s in far:
        circuit.failed(delay_s)
        # With jitter.
        assert circuit.retry_at - time.monotonic() <= SERVER_DELAY_S_MAX * 1.25
    huge = Duration(seconds=315_576_000_000).SerializeToString()
    value = base64.b64encode(b"\x0a" + bytes([len(huge)]) + huge).decode()
    detail = {"type": "google.rpc.RetryInfo", "value": value}
    answer = judge_http(503, {}, b'{"code":"unavailable","details":[%s]}' % str(detail).replace("'", '"').encode())
    assert isinstance(answer, TryAgain) and answer.delay_s == 315_576_000_000
    circuit.failed(answer.delay_s)
    assert circuit.retry_at - time.monotonic() <= SERVER_DELAY_S_MAX * 1.25
    assert circuit.is_open and MOMENT_S < SERVER_DELAY_S_MAX


@pytest.mark.parametrize("where", [(HttpTransport, "send"), (Delivery, "_failed"), (Delivery, "_settled")])
def test_whatever_is_thrown_the_batch_has_its_place(
    server: AnsweringServer, spool: Path, monkeypatch: pytest.MonkeyPatch, where: tuple[type, str]
) -> None:
    kind, name = where
    real: Callable[..., Any] = getattr(kind, name)
    thrown = []

    def throw_once(*given: Any, **named: Any) -> Any:
        if not thrown:
            thrown.append(1)
            raise OverflowError("nobody foresaw this")
        return real(*given, **named)

    if name == "_failed":
        server.answers.append(page(502))
    monkeypatch.setattr(kind, name, throw_once)
    with Telemetry(url=server.url, spool_directory=spool) as client:
        client.log("A", value=1)
        assert client.flush()
        eventually(lambda: client.counters()["delivered"] == 1)
        client.log("A", value=2)
        eventually(lambda: client.counters()["delivered"] == 2)
    assert thrown


def test_a_page_of_a_gateway_as_json_is_a_page(server: AnsweringServer, client: Telemetry) -> None:
    def gateway(request: Received) -> Answer | None:
        return (413, {}, {"code": "RequestTooLarge", "message": "no"}) if len(request.values) > 3 else None

    server.otherwise = gateway
    for value in range(10):
        client.log("A", value=value)
    assert client.flush().delivered == 10


@contextmanager
def slow_server(say: Callable[[socket.socket], None]) -> Iterator[str]:
    """Answers each connection by `say`, whatever it asks."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            say(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def a_byte_at_a_time(connection: socket.socket) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000:
        connection.sendall(bytes([byte]))
        time.sleep(0.02)


def without_end(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/proto\r\n\r\n")
    while True:
        connection.sendall(bytes(1 << 16))


@pytest.mark.parametrize("say", [a_byte_at_a_time, without_end])
def test_an_answer_without_end_has_one_all_the_same(
    spool: Path, say: Callable[[socket.socket], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gravitas_telemetry._delivery.TIMEOUT_S", 0.3)
    monkeypatch.setattr("gravitas_telemetry._telemetry.BRIEF_TIMEOUT_S", 0.3)
    with slow_server(say) as url, Telemetry(url=url, spool_directory=spool) as client:
        client.log("A", value=1)
        assert client.flush(10).spooled == 1
        assert client.get_recent_events() == []

        async def ask() -> None:
            async with AsyncQueryClient(Options(url=url), timeout_s=0.3) as queries:
                with pytest.raises(QueryError):
                    await queries.get_footprint()

        asyncio.run(ask())
