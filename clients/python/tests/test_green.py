"""Greenlets of gevent and eventlet in place of threads: docs/specs/client.md, 5.2."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from answering_server import AnsweringServer
from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry

Run = Callable[..., str]
Stored = Callable[[], "list[Event]"]

PROGRAM = """
import json, os, time
when, library = os.environ["WHEN"], os.environ["LIBRARY"]

def patch():
    if library == "gevent":
        from gevent import monkey; monkey.patch_all()
    else:
        import eventlet; eventlet.monkey_patch()

if when == "before the import": patch()
from gravitas_telemetry import telemetry
component = os.environ["COMPONENT"]
if when == "after the import": patch()
if when == "after the first record":
    assert telemetry.log("A", component, -1)
    telemetry.flush()
    patch()
if library == "gevent":
    from gevent import spawn, sleep
else:
    from eventlet import spawn, sleep

moments = []
def beat():
    while True:
        moments.append(time.monotonic())
        sleep(0.01)

spawn(beat)
for value in range(3000):
    assert telemetry.log("A", component, value)
    if value % 100 == 0: sleep(0.005)
result = telemetry.flush(10)
events = telemetry.get_recent_events(3, component)
longest = max(after - before for before, after in zip(moments, moments[1:]))
started_at = time.monotonic()
ended = telemetry.close()
print(json.dumps({
    "complete": result.complete, "read": len(events), "longest_s": longest,
    "spooled": telemetry.counters()["spooled"], "closed": ended.complete, "close_s": time.monotonic() - started_at,
}))
"""

in_all_ways = pytest.mark.parametrize(
    ("library", "when"),
    [
        (library, when)
        for library in ("gevent", "eventlet")
        for when in ("before the import", "after the import", "after the first record")
    ],
)
in_two_ways = pytest.mark.parametrize(
    ("library", "when"), [("gevent", "after the import"), ("eventlet", "before the import")]
)


def told(run: Run, library: str, when: str, url: str) -> dict[str, float]:
    printed = run(PROGRAM, LIBRARY=library, WHEN=when, TELEMETRY_URL=url, PYTHONWARNINGS="ignore")
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    # A greenlet that waited by what Python came with would have stopped the others for seconds.
    assert found["longest_s"] < 2, printed
    assert found["closed"] and found["close_s"] < 4, printed
    return found


@in_all_ways
def test_greenlets_go_on_and_all_is_delivered(run: Run, stored: Stored, url: str, library: str, when: str) -> None:
    found = told(run, library, when, url)
    assert found["complete"] and found["read"] == 3
    first = -1 if when == "after the first record" else 0
    assert values(stored()) == list(range(first, 3000))


@in_two_ways
def test_greenlets_go_on_while_the_service_swallows_everything(
    run: Run, stored: Stored, gate: Gate, spool: Path, library: str, when: str
) -> None:
    gate.swallow()
    program = PROGRAM.replace("telemetry.flush()", "telemetry.flush(0.1)").replace("flush(10)", "flush(0.5)")
    found = json.loads(
        run(
            program.replace('telemetry.get_recent_events(3, component)', '[]'),
            LIBRARY=library,
            WHEN=when,
            TELEMETRY_URL=gate.url,
            PYTHONWARNINGS="ignore",
        ).splitlines()[-1]
    )
    assert found["longest_s"] < 2 and found["close_s"] < 4
    first = -1 if when == "after the first record" else 0
    assert found["spooled"] == 3000 - first
    gate.open()
    with Telemetry(url=gate.url, spool_directory=spool) as telemetry:
        telemetry.log("NEXT_START")
        eventually(lambda: not list(spool.glob("*.jsonl")))
    assert values(stored()) == list(range(first, 3000))


@in_two_ways
def test_greenlets_go_on_while_something_else_answers(run: Run, library: str, when: str) -> None:
    with AnsweringServer(otherwise=(200, {"content-type": "text/html"}, b"<html>hello</html>")) as server:
        found = told(run, library, when, server.url)
    assert found["read"] == 0 and found["spooled"] >= 3000
