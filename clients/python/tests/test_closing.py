"""Closing gives everything back, and flush and close may be awaited: docs/specs/client.md, 5.1, 5.2 and 5.6."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

from answering_server import AnsweringServer
from conftest import SOURCE, values
from gate import Gate
from gravitas_telemetry import Event, FlushResult, Telemetry, TelemetryHandler

Stored = Callable[[], "list[Event]"]
Run = Callable[..., str]


def held() -> tuple[set[str], int]:
    """Threads and file descriptors of this process."""
    gc.collect()
    names = {thread.name for thread in threading.enumerate() if thread.name.startswith("gravitas")}
    return names, len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("state", ["up", "down", "black-holed", "nonsense"])
def test_closing_gives_everything_back(gate: Gate, spool: Path, transport: Any, state: str) -> None:
    with AnsweringServer(otherwise=(200, {"content-type": "text/html"}, b"hello")) as server:
        if state == "down":
            gate.shut()
        elif state == "black-holed":
            gate.swallow()
        url = server.url if state == "nonsense" else gate.url
        if transport == "grpc":
            # What grpcio keeps for good is there from the first channel on.
            with Telemetry(url=url, spool_directory=spool, transport=transport) as first:
                first.log("A")
        before = held()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(3):
                client = Telemetry(url=url, spool_directory=spool, transport=transport)
                for value in range(3000):
                    client.log("A", value=value)
                if state != "black-holed":
                    client.flush(2)
                    client.get_recent_events(1)
                assert client.close().complete
                assert client.close() and client.flush()
            gate.shut()
            names, descriptors = held()
    assert names == set()
    # The other side of what was open here may be noticed later.
    assert descriptors <= before[1] + 2
    assert not list(spool.glob("*.open"))


def test_an_application_s_tests_see_no_warnings(tmp_path: Path, url: str, spool: Path) -> None:
    """With -W error, and with what pytest finds out about threads and sockets."""
    (tmp_path / "test_application.py").write_text(
        """
import asyncio, logging
import pytest
from gravitas_telemetry import Telemetry, TelemetryHandler, telemetry

@pytest.mark.parametrize("transport", ["http", "grpc"])
def test_client(transport):
    client = Telemetry(transport=transport)
    for value in range(5000): assert client.log("A", value=value)
    assert client.flush()
    client.get_recent_events()
    assert client.close()

def test_async():
    async def work():
        assert await telemetry.log("A") is True
        assert (await telemetry.flush()).complete
        async with telemetry.async_queries() as queries:
            await queries.list_events()
        await telemetry.get_recent_events()
    asyncio.run(work())

def test_a_client_that_nobody_closes():
    Telemetry().log("A")
    logging.getLogger().addHandler(TelemetryHandler(telemetry))
    logging.warning("said")
"""
    )
    tested = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path],
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "TELEMETRY_URL": url,
            "TELEMETRY_SPOOL_DIRECTORY": str(spool),
            "PYTHONDEVMODE": "1",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "warning" not in tested.stdout.lower() + tested.stderr.lower(), tested.stdout + tested.stderr


@pytest.mark.parametrize("fallback", ["spool", "stdout", "logging", "none"])
def test_nothing_is_printed_into_a_closed_stream(tmp_path: Path, gate: Gate, spool: Path, fallback: str) -> None:
    gate.shut()
    program = """
import io, logging, os, sys
from gravitas_telemetry import TelemetryHandler, telemetry
stream = io.StringIO()
logging.basicConfig(stream=stream)
telemetry.log("A")
os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
stream.close()
sys.stdout.close()
"""
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program],
        env={
            **os.environ,
            "PYTHONPATH": str(SOURCE),
            "TELEMETRY_URL": gate.url,
            "TELEMETRY_SPOOL_DIRECTORY": str(spool),
            "TELEMETRY_FALLBACK": fallback,
        },
        capture_output=True,
        text=True,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_awaited_they_do_not_block_the_event_loop(gate: Gate, spool: Path) -> None:
    gate.swallow()

    async def work() -> tuple[FlushResult, FlushResult, float]:
        moments: list[float] = []

        async def beat() -> None:
            while True:
                moments.append(time.monotonic())
                await asyncio.sleep(0.01)

        beating = asyncio.create_task(beat())
        client = Telemetry(url=gate.url, spool_directory=spool)
        assert await client.log("A") is True
        flushed = await client.flush(0.5)
        closed = await asyncio.create_task(client.close())
        assert await client.close() == closed.__class__(0, 0, 0, 0, True)
        beating.cancel()
        return flushed, closed, max(after - before for before, after in zip(moments, moments[1:]))

    flushed, closed, longest = asyncio.run(work())
    assert not flushed.complete and closed.complete and closed.spooled == 1
    # A flush of half a second, a close of one: what blocks the loop shows.
    assert longest < 0.4


def test_flush_says_delivered_and_spooled_apart(gate: Gate, spool: Path, url: str, component: str, stored: Stored) -> None:
    with Telemetry(url=gate.url, spool_directory=spool) as client:
        client.log("A", component, 1)
        client.log("A", component, 2)
        first = client.flush()
        gate.shut()
        client.log("A", component, 3)
        second = client.flush()
        third = client.flush()
    assert (first.delivered, first.spooled, first.complete) == (2, 0, True)
    assert (second.delivered, second.spooled, second.complete) == (0, 1, True)
    assert (third.delivered, third.spooled, third.dropped, third.complete) == (0, 0, 0, True)
    with Telemetry(url=gate.url, fallback="none") as client:
        client.log("A")
        lost = client.flush()
    assert (lost.delivered, lost.spooled, lost.dropped, lost.complete) == (0, 0, 1, False)
    assert not lost and repr(lost).startswith("FlushResult(")


def test_all_ways_to_await_a_close(url: str, spool: Path) -> None:
    def fresh() -> Telemetry:
        client = Telemetry(url=url, spool_directory=spool)
        client.log("A")
        return client

    async def waits() -> list[FlushResult]:
        closing = fresh().close()
        return [
            await fresh().close(),
            await asyncio.wait_for(fresh().close(), 10),
            *await asyncio.gather(fresh().close(), fresh().close()),
            await asyncio.create_task(fresh().close()),
            await closing,
            await closing,
        ]

    assert all(result.complete and result.delivered == 1 for result in asyncio.run(waits()))
    assert asyncio.run(fresh().close()).delivered == 1

    async def asks() -> bool:
        # Without await, asking waits.
        return bool(fresh().close()) and fresh().close().delivered == 1

    assert asyncio.run(asks())

    async def leaves() -> Telemetry:
        client = fresh()
        client.close()
        return client

    left = asyncio.run(leaves())
    assert left.close() and left.counters()["delivered"] == 1


def test_a_receipt_is_a_bool_once_it_is_awaited_and_like_one_before(url: str, spool: Path) -> None:
    client = Telemetry(url=url, spool_directory=spool)

    async def routes() -> list[bool]:
        return [
            await client.log("A"),
            await client.log_usage("m"),
            await client.log_load_latency("m", 1),
            await client.log_thought_latency("m", 1, 1),
            await asyncio.create_task(client.log("A")),
            *await asyncio.gather(client.log("A"), client.log("A")),
        ]

    taken = asyncio.run(routes())
    assert all(each is True for each in taken) and sum(taken) == 7
    receipts = [client.log("A") for _ in range(3)]
    assert sum(receipts) == 3 and all(receipts) and receipts[0] == True  # noqa: E712
    assert f"{receipts[0]} {receipts[0]!r}" == "True True"
    client.close()
    assert asyncio.run(client.log("A")) is False
    assert not client.log("A") and client.log("A") == False  # noqa: E712


def test_a_notebook(tmp_path: Path, url: str, spool: Path, component: str, stored: Stored) -> None:
    cells = [
        f"import sys; sys.path.insert(0, {str(SOURCE)!r})\n"
        "from gravitas_telemetry import Telemetry\n"
        f"telemetry = Telemetry(url={url!r}, spool_directory={str(spool)!r})",
        f"telemetry.log('A', {component!r}, 1)",
        f"assert await telemetry.log('A', {component!r}, 2) is True",
        "assert (await telemetry.flush()).complete",
        f"events = await telemetry.get_recent_events(5, {component!r})\nprint(len(events))",
        f"with telemetry.timer('STEP', {component!r}): pass",
        "telemetry.close()",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    outputs = ["".join(each.get("text", "") or str(each.get("data", "")) for each in cell.outputs) for cell in notebook.cells]
    assert "True" in outputs[1] and outputs[4] == "2\n" and "complete=True" in outputs[6]
    assert len(stored()) == 3


def test_what_extra_adds_to_a_log_record_is_kept(url: str, spool: Path, component: str, stored: Stored) -> None:
    import logging

    with Telemetry(url=url, spool_directory=spool) as client:
        logger = logging.getLogger(component)
        logger.propagate = False
        handler = TelemetryHandler(client)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        adapter = logging.LoggerAdapter(logger, {"request_id": "r1", "user": {"id": 7}})
        adapter.warning("took %d ms", 7)
        logger.warning("plain", extra={"tags": ["a"], "component": "mine"}, stack_info=False)
        assert client.flush().delivered == 2
    first, second = stored()
    assert first.metadata.keys() == {"message", "file", "line", "request_id", "user"}
    assert (first.metadata["request_id"], first.metadata["user"]) == ("r1", {"id": 7})
    assert second.metadata["tags"] == ["a"] and second.metadata["component"] == "mine"


def test_a_slow_disk_is_not_the_caller_s(run: Run, tmp_path: Path) -> None:
    """Every call that may touch a disk takes a second, and none of them is made by who logs."""
    program = """
import os, sys, threading, time
main = threading.get_ident()
touched = []
def audit(event, arguments):
    if event in ("open", "os.mkdir", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.chmod"):
        if threading.get_ident() == main and watching:
            touched.append((event, str(arguments[0])))
watching = False
sys.addaudithook(audit)
from gravitas_telemetry import Telemetry, telemetry
import gravitas_telemetry._spool_directory as where
real = where.SpoolDirectory.made
def slow(self):
    time.sleep(3)
    return real(self)
where.SpoolDirectory.made = slow
watching = True
started_at = time.monotonic()
another = Telemetry(service_name="a", resource={"zone": "b"})
for value in range(1000):
    assert telemetry.log("A", "c", value)
    assert another.log("A", "c", value)
took = time.monotonic() - started_at
watching = False
assert took < 1, took
assert touched == [], touched
"""
    run(program, TELEMETRY_URL="http://127.0.0.1:1", XDG_STATE_HOME=str(tmp_path / "state"), TELEMETRY_SPOOL_DIRECTORY="")


SHUTDOWN = """
import asyncio, os, sys, threading, time
from gravitas_telemetry import telemetry
component = os.environ["COMPONENT"]
def log(value): return telemetry.log("A", component, value)
"""


@pytest.mark.parametrize(
    "program",
    [
        # A thread that still logs while the interpreter ends.
        "threading.Thread(target=lambda: [log(0) or time.sleep(0.001) for _ in range(300)], daemon=True).start()\n"
        "time.sleep(0.1)\nlog(1)",
        # A thread that is no daemon, and logs after the main thread has ended.
        "threading.Thread(target=lambda: (time.sleep(0.3), log(1))).start()",
        # A fork with a flush under way in another thread.
        "log(1)\nthreading.Thread(target=telemetry.flush, daemon=True).start()\n"
        "child = os.fork()\n"
        "log(2) if child == 0 else os.waitpid(child, 0)",
        # A close in a coroutine that nobody awaits, at the end of everything.
        "async def work():\n    log(1)\n    telemetry.close()\nasyncio.run(work())",
        # A cancelled close.
        "async def work():\n    log(1)\n    try: await asyncio.wait_for(telemetry.close(), 0)\n"
        "    except asyncio.TimeoutError: pass\nasyncio.run(work())",
        # After the close, at exit.
        "import atexit\nlog(1)\natexit.register(lambda: log(2))\ntelemetry.close()",
        # An exception that ends an event loop.
        "async def work():\n    await log(1)\n    await telemetry.flush()\n    sys.exit(0)\nasyncio.run(work())",
    ],
)
def test_ends_of_all_kinds(
    process: Callable[..., "subprocess.Popen[str]"], url: str, spool: Path, stored: Stored, program: str
) -> None:
    # Newer Pythons warn whoever forks beside threads.
    ended = process(SHUTDOWN + program, PYTHONWARNINGS="ignore::DeprecationWarning")
    output, _ = ended.communicate(timeout=30)
    assert (ended.returncode, output) == (0, "")
    if spool.exists() and list(spool.iterdir()):
        with Telemetry(url=url, spool_directory=spool) as client:
            client.log("NEXT_START")
            assert client.flush()
    assert 1 in values(stored())
