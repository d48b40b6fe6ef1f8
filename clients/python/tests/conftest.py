"""A collector on an embedded PostgreSQL, and what tests ask of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from gate import Gate
from gravitas_telemetry import Event, QueryClient, Telemetry, _complaints

ROOT = Path(__file__).parents[3]
SOURCE = Path(__file__).parents[1] / "src"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def eventually(check: Callable[[], object], seconds: float = 20) -> None:
    """Waits until `check` gives something true."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def is_healthy(url: str) -> bool:
    """Not only ready to take records, which it is before its database is there."""
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(json.load(answer)["status"] == "healthy")
    except OSError:
        return False


@contextmanager
def collector_process(port: int, options: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A collector with an embedded PostgreSQL of its own, which need not be ready yet."""
    with tempfile.TemporaryDirectory() as directory:
        # The embedded PostgreSQL runs as another user where the tests run as root.
        os.chmod(directory, 0o711)
        environment = {
            **os.environ,
            "PATH": f"{ROOT / 'node_modules' / '.bin'}:{os.environ['PATH']}",
            "TELEMETRY_DATA_DIR": f"{directory}/data",
            "TELEMETRY_PORT": str(port),
            "TELEMETRY_LOG_LEVEL": "warn",
            **options,
        }
        collector = subprocess.Popen([ROOT / "bin" / "gravitas-telemetry"], env=environment)
        try:
            yield collector
        finally:
            collector.send_signal(signal.SIGTERM)
            collector.wait(20)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Of a collector that is ready."""
    port = free_port()
    with collector_process(port, {}):
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: is_healthy(address), 60)
        yield address


@pytest.fixture(scope="session")
def queries(url: str) -> Iterator[QueryClient]:
    with Telemetry(url=url) as telemetry:
        yield telemetry.queries()


@pytest.fixture(autouse=True)
def complaints_are_new(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test was told is told to the next one too."""
    monkeypatch.setattr(_complaints, "_last_said", {})


@pytest.fixture
def component() -> str:
    """A name that no other test uses."""
    return f"test-{uuid.uuid4()}"


@pytest.fixture
def stored(queries: QueryClient, component: str) -> Callable[[], list[Event]]:
    """The events of the test's component in the store, oldest first."""

    def events() -> list[Event]:
        found: list[Event] = []
        token = ""
        while True:
            page = queries.list_events(component=component, page_size=1000, page_token=token)
            found += page.events
            token = page.next_page_token
            if not token:
                return found[::-1]

    return events


@pytest.fixture
def gate(url: str) -> Iterator[Gate]:
    """A way to the collector that can be shut."""
    with Gate(url) as gate:
        yield gate


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def telemetry(url: str, spool: Path) -> Iterator[Telemetry]:
    with Telemetry(url=url, spool_directory=spool) as telemetry:
        yield telemetry


@pytest.fixture
def process(tmp_path: Path, spool: Path, component: str, url: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a program of Python as a process of its own; COMPONENT is the test's."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, **environment: str) -> subprocess.Popen[str]:
        path = tmp_path / f"program_{uuid.uuid4().hex}.py"
        path.write_text(program)
        running = subprocess.Popen(
            [sys.executable, path],
            env={
                **os.environ,
                "PYTHONPATH": str(SOURCE),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TELEMETRY_URL": url,
                "TELEMETRY_SPOOL_DIRECTORY": str(spool),
                "COMPONENT": component,
                **environment,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(running)
        return running

    yield start
    for running in started:
        running.kill()
        # Takes what is left in the pipes, and closes them.
        running.communicate()


@pytest.fixture
def run(process: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Runs a program of Python to its end; gives what it printed."""

    def to_end(program: str, **environment: str) -> str:
        output, _ = (running := process(program, **environment)).communicate(timeout=60)
        assert running.returncode == 0, output
        return output

    return to_end


def values(events: list[Event]) -> list[float | None]:
    return sorted(event.value for event in events if event.value is not None)


def wait_for_line(running: subprocess.Popen[str], expected: str) -> None:
    """What the program prints before that is passed over."""
    assert running.stdout
    for line in running.stdout:
        if line.rstrip() == expected:
            return
    raise AssertionError(f"it ended without having printed {expected}")
