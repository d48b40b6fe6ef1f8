"""Ends and forks of real processes: docs/specs/client.md, section 5."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import eventually, values, wait_for_line
from gate import Gate
from gravitas_telemetry import Event, Telemetry

Run = Callable[..., str]
Process = Callable[..., "subprocess.Popen[str]"]
Stored = Callable[[], "list[Event]"]
Values = Callable[[], "list[float | None]"]

def deliver_spool(url: str, spool: Path) -> None:
    """As the next start of an application does."""
    with Telemetry(url=url, spool_directory=spool) as telemetry:
        telemetry.log("NEXT_START")
        eventually(lambda: not list(spool.glob("*.jsonl")))


@pytest.fixture
def all_values(url: str, spool: Path, stored: Stored) -> Values:
    """Those stored, after what a busy machine left no time for is delivered from the spool."""

    def found() -> list[float | None]:
        if spool.exists() and list(spool.iterdir()):
            deliver_spool(url, spool)
        return values(stored())

    return found


PREAMBLE = """
import os, sys, time
from gravitas_telemetry import telemetry
component = os.environ["COMPONENT"]

def log(value):
    assert telemetry.log("A", component, value)
"""


def test_a_program_that_just_ends(run: Run, all_values: Values) -> None:
    run(PREAMBLE + "log(1)")
    run(PREAMBLE + "log(2); sys.exit(0)")
    assert all_values() == [1, 2]


def test_an_exception_at_the_end(process: Process, all_values: Values) -> None:
    ended = process(PREAMBLE + "log(1); raise SystemExit(3)")
    assert ended.wait(30) == 3
    assert process(PREAMBLE + "log(2); 1 / 0").wait(30) == 1
    assert all_values() == [1, 2]


def test_keyboard_interrupt(process: Process, all_values: Values) -> None:
    running = process(PREAMBLE + "log(1); print('logged', flush=True); time.sleep(60)")
    wait_for_line(running, "logged")
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == -signal.SIGINT
    assert all_values() == [1]


def test_interrupts_while_logging(process: Process, all_values: Values) -> None:
    """A handler may log while the code that it interrupted does."""
    program = """
import signal
signal.signal(signal.SIGUSR1, lambda *_: telemetry.log("A", component, -1))
print("ready", flush=True)
for value in range(20_000): log(value)
"""
    running = process(PREAMBLE + program)
    wait_for_line(running, "ready")
    for _ in range(5):
        running.send_signal(signal.SIGUSR1)
        time.sleep(0.002)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0, output
    found = all_values()
    assert found[found.count(-1) :] == list(range(20_000))
    assert found.count(-1) > 0


def test_exit_hooks_may_log(run: Run, all_values: Values) -> None:
    run(PREAMBLE + "import atexit; atexit.register(lambda: log(1))")
    run(PREAMBLE + "log(2); import atexit; atexit.register(lambda: log(3))")
    # Newer Pythons start no thread by then, and the first record waits in the spool.
    assert all_values() == [1, 2, 3]


@pytest.mark.parametrize("state", ["shut", "swallow"])
def test_at_most_2_s_at_exit(process: Process, spool: Path, gate: Gate, stored: Stored, state: str) -> None:
    getattr(gate, state)()
    program = "for value in range(5000): log(value)\nprint('end', flush=True)"
    running = process(PREAMBLE + program, TELEMETRY_URL=gate.url)
    wait_for_line(running, "end")
    started_at = time.monotonic()
    assert running.wait(30) == 0
    # The promise is 2; the interpreter's own end and a busy machine come on top.
    assert time.monotonic() - started_at < 4
    assert list(spool.glob("*.jsonl")) and not list(spool.glob("*.open"))
    gate.open()
    deliver_spool(gate.url, spool)
    assert values(stored()) == list(range(5000))


FORKS = """
log(100)
children = []
for value in range(8):
    child = os.fork()
    if child == 0:
        log(value)
        sys.exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
log(101)
"""


def test_8_of_8_forked_children(run: Run, all_values: Values) -> None:
    run(PREAMBLE + FORKS)
    assert all_values() == [*range(8), 100, 101]


def test_children_forked_before_the_first_record(run: Run, all_values: Values) -> None:
    run(PREAMBLE + FORKS.replace("log(100)", "pass"))
    assert all_values() == [*range(8), 101]


def test_children_forked_while_the_service_is_down(run: Run, gate: Gate, spool: Path, stored: Stored) -> None:
    gate.shut()
    run(PREAMBLE + FORKS.replace("log(100)", "log(100); time.sleep(1.5)"), TELEMETRY_URL=gate.url)
    gate.open()
    deliver_spool(gate.url, spool)
    assert values(stored()) == [*range(8), 100, 101]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(run: Run, all_values: Values, method: str) -> None:
    program = f"""
import multiprocessing
if __name__ == "__main__":
    multiprocessing.set_start_method({method!r})
    log(100)
    children = [multiprocessing.Process(target=log, args=(value,)) for value in range(4)]
    for child in children: child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
"""
    run(PREAMBLE + program)
    assert all_values() == [*range(4), 100]


def test_20_of_20_one_task_workers(run: Run, all_values: Values) -> None:
    """A pool whose workers end by os._exit after each task, as Celery's do."""
    program = """
import multiprocessing
if __name__ == "__main__":
    log(100)
    with multiprocessing.get_context("fork").Pool(4, maxtasksperchild=1) as pool:
        pool.map(log, range(20), chunksize=1)
        pool.close()
        pool.join()
"""
    run(PREAMBLE + program)
    assert all_values() == [*range(20), 100]


def test_process_pool_executor(run: Run, all_values: Values) -> None:
    program = """
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    log(100)
    with ProcessPoolExecutor(2) as pool: list(pool.map(log, range(10)))
"""
    run(PREAMBLE + program)
    assert all_values() == [*range(10), 100]


def test_killed_between_spool_and_send(process: Process, gate: Gate, spool: Path, stored: Stored) -> None:
    gate.shut()
    program = """
for value in range(100): log(value)
telemetry.flush()
for value in range(100, 200): log(value)
while telemetry.counters()["spooled"] < 200: time.sleep(0.01)
print("spooled", flush=True)
time.sleep(60)
"""
    running = process(PREAMBLE + program, TELEMETRY_URL=gate.url)
    wait_for_line(running, "spooled")
    running.kill()
    running.wait(10)
    assert list(spool.glob("*.open")), "the file of the killed process is an orphan"
    gate.open()
    deliver_spool(gate.url, spool)
    assert values(stored()) == list(range(200))
    assert list(spool.iterdir()) == []


def test_down_for_the_whole_run(run: Run, gate: Gate, spool: Path, stored: Stored) -> None:
    gate.shut()
    run(PREAMBLE + "for value in range(3000): log(value)", TELEMETRY_URL=gate.url)
    assert stored() == []
    gate.open()
    deliver_spool(gate.url, spool)
    assert values(stored()) == list(range(3000))


def test_two_applications_share_a_spool(process: Process, gate: Gate, spool: Path, stored: Stored) -> None:
    gate.shut()
    program = """
first = int(os.environ["FIRST"])
for value in range(first, first + 500):
    log(value)
    if value % 50 == 0: telemetry.flush()
print("logged", flush=True)
sys.stdin.readline()
"""
    both = [process(PREAMBLE + program, TELEMETRY_URL=gate.url, FIRST=first) for first in ("0", "500")]
    for running in both:
        wait_for_line(running, "logged")
    assert len(list(spool.glob("*.jsonl"))) > 2
    gate.open()
    eventually(lambda: not list(spool.glob("*.jsonl")), 40)
    for running in both:
        output, _ = running.communicate("\n", timeout=30)
        assert running.returncode == 0, output
    assert values(stored()) == list(range(1000))


def test_a_frozen_process_goes_on(process: Process, gate: Gate, stored: Stored) -> None:
    program = """
log(1)
assert telemetry.flush()
print("frozen", flush=True)
sys.stdin.readline()
log(2)
assert telemetry.flush()
"""
    running = process(PREAMBLE + program, TELEMETRY_URL=gate.url)
    wait_for_line(running, "frozen")
    running.send_signal(signal.SIGSTOP)
    # Its connection does not outlive the freeze.
    gate.shut()
    gate.open()
    running.send_signal(signal.SIGCONT)
    output, _ = running.communicate("\n", timeout=30)
    assert running.returncode == 0, output
    assert values(stored()) == [1, 2]
