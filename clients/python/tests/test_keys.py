"""Keys of the service, by HTTP and gRPC."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import collector_process, eventually, free_port, is_healthy
from gravitas_telemetry import QueryError, Telemetry

RIGHT, SMALL, WRONG = "the-right-key-of-a-test", "the-small-key-of-a-test", "a-wrong-key-of-a-test"
KEYS = f"app ingest,query {RIGHT}; small ingest {SMALL} records_per_second=100"
TRANSPORTS = ("http", "grpc")


@pytest.fixture(scope="module")
def guarded() -> Iterator[str]:
    """Of a collector that wants keys."""
    port = free_port()
    with collector_process(port, {"TELEMETRY_API_KEYS": KEYS}):
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: is_healthy(address), 60)
        yield address


def count(url: str, component: str) -> int:
    with Telemetry(url=url, token=RIGHT) as telemetry:
        return len(telemetry.queries().list_events(component=component, page_size=1000).events)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_right_key_delivers(guarded: str, tmp_path: Path, component: str, transport: Any) -> None:
    telemetry = Telemetry(url=guarded, token=RIGHT, transport=transport, spool_directory=tmp_path)
    telemetry.log("KEYED", component=component)
    result = telemetry.close(20)
    assert result.complete
    assert result.delivered == 1
    assert count(guarded, component) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wrong_key_is_an_outage_and_not_said(
    guarded: str, tmp_path: Path, component: str, transport: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "gravitas_telemetry")
    telemetry = Telemetry(url=guarded, token=WRONG, transport=transport, spool_directory=tmp_path)
    telemetry.log("KEYED", component=component)
    result = telemetry.close(20)
    assert (result.delivered, result.spooled) == (0, 1)
    assert WRONG not in caplog.text
    assert count(guarded, component) == 0
    with Telemetry(url=guarded, token=WRONG) as other, pytest.raises(QueryError):
        other.queries().list_events()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_more_than_the_quota_arrives_in_time(guarded: str, tmp_path: Path, component: str, transport: Any) -> None:
    telemetry = Telemetry(
        url=guarded, token=SMALL, transport=transport, spool_directory=tmp_path, batch_events_max=50
    )
    for value in range(300):
        telemetry.log("KEYED", component=component, value=value)

    def all_there() -> bool:
        telemetry.flush(1)
        return count(guarded, component) == 300

    eventually(all_there, 40)
    assert sum(telemetry.counters()["dropped"].values()) == 0
    telemetry.close()
