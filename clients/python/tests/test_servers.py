"""Inside the servers and workers that applications run in: docs/specs/client.md, section 5."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from answering_server import AnsweringServer
from conftest import SOURCE, eventually, free_port, values
from gate import Gate
from gravitas_telemetry import Event, QueryClient
from gravitas_telemetry._replay import main as client_command

Stored = Callable[[], "list[Event]"]
Start = Callable[..., "subprocess.Popen[bytes]"]

# Logs while it is loaded, which with --preload is before the fork, and with every request.
APPLICATION = """
import os
from gravitas_telemetry import telemetry
component = os.environ["COMPONENT"]
telemetry.log("LOADED", component, -1)

def application(environ, start_response):
    value = int(environ["PATH_INFO"][1:])
    telemetry.log("A", component, value)
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"%d" % os.getpid()]

async def asgi(scope, receive, send):
    if scope["type"] != "http":
        return
    await telemetry.log("A", component, int(scope["path"][1:]))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % os.getpid()})
"""

CELERY = """
import os
from celery import Celery
from gravitas_telemetry import telemetry

folder = os.environ["FOLDER"]
app = Celery(broker="filesystem://")
app.conf.broker_transport_options = {"data_folder_in": folder, "data_folder_out": folder, "polling_interval": 0.05}
app.conf.worker_max_tasks_per_child = 1
app.conf.task_ignore_result = True

@app.task(name="log")
def log(value):
    telemetry.log("A", os.environ["COMPONENT"], value)

if __name__ == "__main__":
    telemetry.log("LOADED", os.environ["COMPONENT"], -1)
    for value in range(int(os.environ.get("TASKS", "20"))): log.delay(value)
"""


@pytest.fixture
def start(tmp_path: Path, spool: Path, component: str, url: str) -> Iterator[Start]:
    """Starts a module of an environment's command line, in a directory with the applications."""
    (tmp_path / "application.py").write_text(APPLICATION)
    (tmp_path / "tasks.py").write_text(CELERY)
    (tmp_path / "broker").mkdir()
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, **others: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{SOURCE}:{tmp_path}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TELEMETRY_URL": url,
            "TELEMETRY_SPOOL_DIRECTORY": str(spool),
            "COMPONENT": component,
            "FOLDER": str(tmp_path / "broker"),
            **others,
        }
        with (tmp_path / "log").open("ab") as log:
            started.append(
                subprocess.Popen([sys.executable, *arguments], cwd=tmp_path, env=environment, stdout=log, stderr=log)
            )
        return started[-1]

    yield begin
    for each in started:
        if each.poll() is None:
            each.kill()
            each.wait(10)


def ask(port: int, value: int) -> bytes:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{value}", timeout=5) as answer:
            return bytes(answer.read())
    except OSError:
        return b""


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_gunicorn_preload(start: Start, stored: Stored, tmp_path: Path, kind: str) -> None:
    port = free_port()
    where = f"127.0.0.1:{port}"
    # A signal to end that comes before a worker listens to any is lost to that.
    (tmp_path / "gunicorn.conf.py").write_text("def post_worker_init(worker): print('worker ready', flush=True)")
    server = start("-m", "gunicorn", "-k", kind, "--preload", "--workers", "3", "--bind", where, "application")
    eventually(lambda: (tmp_path / "log").read_bytes().count(b"worker ready") == 3)
    eventually(lambda: ask(port, 0))
    for value in range(1, 60):
        assert ask(port, value)
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0
    assert values(stored()) == [-1, *range(60)]


def test_uvicorn_reload(start: Start, stored: Stored, tmp_path: Path) -> None:
    port = free_port()
    server = start("-m", "uvicorn", "--reload", "--port", str(port), "application:asgi")
    eventually(lambda: ask(port, 0))
    first = ask(port, 1)
    answered: list[bytes] = []

    def is_another() -> bool:
        # What changes before the first look of the reloader is no change to it.
        if b"detected changes" not in (tmp_path / "log").read_bytes():
            os.utime(tmp_path / "application.py")
        answered.append(ask(port, 2))
        return answered[-1] not in (b"", first)

    eventually(is_another)
    server.send_signal(signal.SIGINT)
    server.wait(30)
    loaded, *found = sorted(Counter(values(stored())).items(), key=lambda item: item[0] or 0)
    assert loaded[0] == -1 and loaded[1] >= 2
    assert found == [(0, 1), (1, 1), (2, len([each for each in answered if each]))]


@pytest.mark.parametrize("pool", ["prefork", "gevent", "eventlet"])
def test_20_of_20_celery_tasks(start: Start, stored: Stored, pool: str) -> None:
    """In workers of one task, where it has any."""
    assert start("tasks.py").wait(30) == 0
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    worker = start("-m", "celery", "-A", "tasks", "worker", "--pool", pool, "--concurrency", "2", *alone)
    eventually(lambda: len(stored()) >= 21, 40)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    assert values(stored()) == [-1, *range(20)]


TROUBLES = ("down", "black-holed", "nonsense")


@pytest.fixture
def troubles(url: str, spool: Path, component: str) -> Iterator[dict[str, dict[str, str]]]:
    """What a program is told of its service, for each way in which that is no use."""
    page = (200, {"content-type": "text/html"}, b"<html>It works!</html>")
    with Gate(url) as shut, Gate(url) as swallowing, AnsweringServer(otherwise=page) as other:
        shut.shut()
        swallowing.swallow()
        yield {
            name: {
                "TELEMETRY_URL": at,
                "TELEMETRY_SPOOL_DIRECTORY": str(spool / name),
                "COMPONENT": f"{component}-{name}",
            }
            for name, at in zip(TROUBLES, (shut.url, swallowing.url, other.url))
        }


def delivered(told: dict[str, str], url: str, queries: QueryClient) -> list[float | None]:
    """What there is when somebody delivers what the program has left."""
    files = [str(each) for each in Path(told["TELEMETRY_SPOOL_DIRECTORY"]).glob("*.jsonl")]
    assert client_command(["replay", "--url", url, *files]) == 0
    return sorted((each.value for each in queries.list_events(component=told["COMPONENT"]).events), key=float)


def seconds_of(call: Callable[[], object]) -> float:
    begin = time.monotonic()
    call()
    return time.monotonic() - begin


def test_gunicorn_without_a_service(
    start: Start, troubles: dict[str, dict[str, str]], url: str, queries: QueryClient
) -> None:
    servers = {}
    for name, told in troubles.items():
        port = free_port()
        arguments = ("-k", "gthread", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "application")
        servers[name] = port, start("-m", "gunicorn", *arguments, **told)
    for port, _ in servers.values():
        eventually(lambda: ask(port, 0), 40)
        assert seconds_of(lambda: [ask(port, value) for value in range(1, 20)]) < 10
    for _, server in servers.values():
        server.send_signal(signal.SIGTERM)
    for name, (_, server) in servers.items():
        assert server.wait(30) == 0, name
        assert delivered(troubles[name], url, queries) == [-1, *range(20)], name


def test_uvicorn_without_a_service(
    start: Start, troubles: dict[str, dict[str, str]], url: str, queries: QueryClient
) -> None:
    servers = {}
    for name, told in troubles.items():
        port = free_port()
        servers[name] = port, start("-m", "uvicorn", "--port", str(port), "application:asgi", **told)
    for port, _ in servers.values():
        eventually(lambda: ask(port, 0), 40)
        assert seconds_of(lambda: [ask(port, value) for value in range(1, 20)]) < 10
    for _, server in servers.values():
        server.send_signal(signal.SIGINT)
    for name, (_, server) in servers.items():
        server.wait(30)
        assert delivered(troubles[name], url, queries) == [-1, *range(20)], name


def test_celery_without_a_service(
    start: Start, troubles: dict[str, dict[str, str]], tmp_path: Path, url: str, queries: QueryClient
) -> None:
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    workers, callers = {}, []
    for name, told in troubles.items():
        folder = tmp_path / f"broker-{name}"
        folder.mkdir()
        told |= {"FOLDER": str(folder), "TASKS": "6"}
        callers.append(start("tasks.py", **told))
    # Beside each other they take no longer than one.
    assert [caller.wait(60) for caller in callers] == [0, 0, 0]
    for name, told in troubles.items():
        command = ("-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "--concurrency", "2", *alone)
        workers[name] = start(*command, **told)
    for told in troubles.values():
        spool = Path(told["TELEMETRY_SPOOL_DIRECTORY"])
        eventually(lambda: len([*spool.glob("*.jsonl")]) == 7, 40)
    for worker in workers.values():
        worker.send_signal(signal.SIGTERM)
    for name, worker in workers.items():
        worker.wait(40)
        assert delivered(troubles[name], url, queries) == [-1, *range(6)], name
