"""The timer and the handler of logging."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

import pytest

from gravitas_telemetry import Event, Telemetry, TelemetryHandler

Stored = Callable[[], "list[Event]"]


def test_the_timer(telemetry: Telemetry, component: str, stored: Stored) -> None:
    with telemetry.timer("BLOCK", component, {"a": 1}) as timer:
        time.sleep(0.02)
        timer.metadata["b"] = 2
    assert timer.elapsed_ms is not None and timer.elapsed_ms >= 20
    with pytest.raises(KeyError), telemetry.timer("BLOCK", component):
        raise KeyError

    @telemetry.timer("FUNCTION", component)
    def twice(number: int) -> int:
        return number * 2

    @telemetry.timer("COROUTINE", component)
    async def wait(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "waited"

    assert twice(4) == 8 and twice.__name__ == "twice"
    assert asyncio.run(wait(0.02)) == "waited"
    assert telemetry.flush()
    block, failed, function, coroutine = stored()
    assert (block.value, block.status, block.metadata) == (timer.elapsed_ms, "OK", {"a": 1, "b": 2})
    assert (failed.status, failed.metadata) == ("ERROR", {"error": "KeyError"})
    assert (function.event_type, coroutine.event_type) == ("FUNCTION", "COROUTINE")
    assert coroutine.value is not None and coroutine.value >= 20


def test_the_handler(telemetry: Telemetry, component: str, stored: Stored) -> None:
    logger = logging.getLogger(component)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(TelemetryHandler(telemetry, event_type="APP_LOG"))
    logger.info("took %d ms", 7)
    logger.debug("not this")
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("it failed", stack_info=True, extra={"file": "of the application", "line": 3})
    assert telemetry.flush()
    info, error = stored()
    assert (info.event_type, info.component, info.status) == ("APP_LOG", component, "INFO")
    assert info.metadata["message"] == "took 7 ms" and info.metadata["line"] > 0
    assert error.status == "ERROR" and "ZeroDivisionError" in error.metadata["exception"]
    assert "test_the_handler" in error.metadata["stack"]
    # What the application says goes before what the handler knows.
    assert (error.metadata["file"], error.metadata["line"]) == ("of the application", 3)


def test_the_client_never_logs_through_itself(telemetry: Telemetry) -> None:
    root = logging.getLogger()
    handler = TelemetryHandler(telemetry)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        telemetry.log("A", value=float("nan"))
        telemetry.log("A")
        assert telemetry.flush()
        time.sleep(0.5)
        assert telemetry.flush()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    # The two events and the report of the dropped one.
    assert telemetry.counters()["taken"] == 3
