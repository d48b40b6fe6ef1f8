"""The spool and its replay: docs/specs/client.md, section 4."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry
from gravitas_telemetry._batch import Batch
from gravitas_telemetry._composer import Composer
from gravitas_telemetry._counters import Counters
from gravitas_telemetry._replay import main as replay_main
from gravitas_telemetry._spool import FILE_BYTES_MAX, Spool
from gravitas_telemetry._uuid7 import uuid7

Stored = Callable[[], "list[Event]"]


def batch_of(component: str, count: int = 3, resource: dict[str, str] | None = None) -> Batch:
    queue = deque((time.time_ns(), "A", component, float(n), {"n": n, "of": ["ü", None]}, "OK") for n in range(count))
    batch = Composer(1000, 512 * 1024, resource, Counters()).compose(queue)
    assert batch
    return batch


def aged(batch: Batch, days: int) -> bytes:
    """The batch with an id that was made some days ago."""
    moment = int((time.time() - days * 86_400) * 1000).to_bytes(6, "big").hex()
    old_id = f"{moment[:8]}-{moment[8:]}{batch.id[13:]}"
    return batch.json_line().replace(batch.id.encode(), old_id.encode())


def deliver(url: str, spool: Path) -> Telemetry:
    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("NEXT_START")
        eventually(lambda: not list(spool.glob("*.jsonl")))
    return client


def test_a_batch_sent_as_protobuf_and_replayed_from_a_file_is_the_same(
    url: str, component: str, stored: Stored, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = batch_of(component, resource={"zone": "a"})
    path = "/gravitas.telemetry.v1.IngestService/LogBatch"
    sent = httpx.post(url + path, content=batch.wire, headers={"content-type": "application/proto"})
    assert sent.status_code == 200
    file = tmp_path / "batch.jsonl"
    file.write_bytes(batch.json_line())
    assert replay_main(["replay", "--url", url, str(file), str(file)]) == 0
    assert capsys.readouterr().out.count(f"batch {batch.id} delivered: 3 stored, 0 rejected") == 2
    assert values(stored()) == [0, 1, 2]


def test_replay_says_what_was_not_delivered(
    gate: Gate, component: str, tmp_path: Path, stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    good, conflicting = batch_of(component), batch_of(component)
    file = tmp_path / "batches.jsonl"
    conflict = conflicting.json_line().replace(conflicting.id.encode(), good.id.encode())
    file.write_bytes(good.json_line() + b"{broken\n" + conflict)
    assert replay_main(["replay", "--url", gate.url, str(file), str(tmp_path / "missing")]) == 1
    said = capsys.readouterr()
    assert f"batch {good.id} delivered: 3 stored" in said.out
    assert "batch 2 can't be read" in said.out
    assert f"batch {good.id} not delivered: already_exists" in said.out
    assert "missing: No such file" in said.err
    gate.shut()
    assert replay_main(["replay", "--url", gate.url, str(file)]) == 1
    assert values(stored()) == [0, 1, 2]


def test_the_lines_are_for_people_and_for_the_rest_name(
    gate: Gate, spool: Path, component: str, stored: Stored, url: str
) -> None:
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool) as client:
        client.log("A", component, 1, {"text": "grün"})
        client.log_usage("llama", "L1", 3, 4, 5.5)
    [file] = spool.iterdir()
    [line] = file.read_text().splitlines()
    message = json.loads(line)
    assert list(message) == ["batch_id", "events", "usage"] and "grün" in line
    answer = httpx.post(f"{url}/v1/telemetry/batch", content=line, headers={"content-type": "application/json"})
    assert answer.json()["events"] == answer.json()["usage"] == 1
    # Now delivering it is a repetition.
    deliver(url, spool)
    assert values(stored()) == [1]


def test_damaged_lines_cost_themselves_only(url: str, spool: Path, component: str, stored: Stored) -> None:
    spool.mkdir()
    good = batch_of(component)
    name = "01a20000-0000-7000-8000-000000000000"
    torn = batch_of(component).json_line()[:100]
    (spool / f"{name}.jsonl").write_bytes(b"\xff\x00\n" + good.json_line() + b'{"batch_id": 7}\n[]\n' + torn)
    client = deliver(url, spool)
    assert client.counters()["dropped"]["spool_damaged"] == 4
    assert (spool / f"{name}.damaged").read_bytes() == b'\xff\x00\n{"batch_id": 7}\n[]\n' + torn + b"\n"
    assert values(stored()) == [0, 1, 2]


def test_old_batches_expire(url: str, spool: Path, component: str, stored: Stored) -> None:
    spool.mkdir()
    name = "01a20000-0000-7000-8000-000000000000"
    (spool / f"{name}.jsonl").write_bytes(aged(batch_of(component), 8) + aged(batch_of(component, 2), 6))
    client = deliver(url, spool)
    assert client.counters()["dropped"]["spool_expired"] == 3
    assert values(stored()) == [0, 1]


def test_the_directory_has_a_limit(gate: Gate, spool: Path, component: str, stored: Stored) -> None:
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool, spool_bytes_max=50_000) as client:
        for value in range(1000):
            client.log("A", component, value)
            if value % 100 == 99:
                assert client.flush()
        assert sum(file.stat().st_size for file in spool.iterdir()) <= 50_000
        dropped = client.counters()["dropped"]["spool_full"]
        assert dropped > 0 and dropped % 100 == 0
        gate.open()
        eventually(lambda: client.counters()["delivered"] >= 1000 - dropped)
    assert [value for value in values(stored()) if value is not None] == list(range(dropped, 1000))


def test_a_disk_that_takes_nothing(gate: Gate, tmp_path: Path) -> None:
    gate.shut()
    (tmp_path / "file").write_text("no directory")
    with Telemetry(url=gate.url, spool_directory=tmp_path / "file") as client:
        client.log("A")
        assert not client.flush()
        assert client.counters()["dropped"]["spool_failed"] == 1


def test_nothing_piles_up_on_a_disk_that_is_full(
    process: Callable[..., subprocess.Popen[str]], gate: Gate, spool: Path, component: str, stored: Stored
) -> None:
    """Some lines still fit, others do in part, and others not at all."""
    gate.shut()
    program = """
import os, resource
from gravitas_telemetry import telemetry
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
for value in range(30):
    telemetry.log("A", os.environ["COMPONENT"], value, {"text": "x" * (100 if value % 3 else 5000)})
    telemetry.flush()
counts = telemetry.counters()
print(counts["spooled"], counts["dropped"]["spool_failed"], len(os.listdir(os.environ["TELEMETRY_SPOOL_DIRECTORY"])))
"""
    running = process(program, TELEMETRY_URL=gate.url)
    output, _ = running.communicate(timeout=60)
    spooled, failed, files = map(int, output.split()[-3:])
    assert (spooled, failed) == (20, 10) and files <= 20
    for file in spool.iterdir():
        assert file.suffix == ".jsonl" and file.read_bytes().endswith(b"}]}\n")
    gate.open()
    client = deliver(gate.url, spool)
    assert client.counters()["dropped"]["spool_damaged"] == 0
    assert values(stored()) == [value for value in range(30) if value % 3]


def test_a_torn_line_is_counted_once(url: str, spool: Path, component: str, stored: Stored) -> None:
    """By whoever removes its file, however many deliver it."""
    spool.mkdir()
    lines = b"".join(batch_of(component).json_line() for _ in range(20))
    (spool / f"{uuid7()}.jsonl").write_bytes(lines + batch_of(component).json_line()[:200])
    clients = [Telemetry(url=url, spool_directory=spool) for _ in range(4)]
    for client in clients:
        client.log("NEXT_START")
    eventually(lambda: not list(spool.glob("*.jsonl")))
    for client in clients:
        client.close()
    assert sum(client.counters()["dropped"]["spool_damaged"] for client in clients) == 1
    assert len(list(spool.glob("*.damaged"))) == 1
    assert len(stored()) == 60


def test_what_was_set_aside_goes_in_time_and_first(url: str, spool: Path, component: str) -> None:
    spool.mkdir()
    line = batch_of(component).json_line()
    old, young = (spool / f"{uuid7()}.{kind}" for kind in ("damaged", "refused"))
    for file in (old, young):
        file.write_bytes(line)
    os.utime(old, (time.time() - 8 * 86_400,) * 2)
    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("NEXT_START")
        eventually(lambda: not old.exists())
    assert young.exists()
    writing = Spool(spool, len(line) + 10, Counters())
    assert writing.append(line, 3)
    assert not young.exists()


def test_a_file_that_can_not_be_removed_is_delivered_once(
    url: str, spool: Path, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.mkdir()
    file = spool / f"{uuid7()}.jsonl"
    file.write_bytes(batch_of(component).json_line())

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "unlink", refuse)
    with Telemetry(url=url, spool_directory=spool) as client:
        client.log("A")
        eventually(lambda: client.counters()["delivered"] == 4)
        client.log("A")
        assert client.flush()
        assert client.counters()["delivered"] == 5
    assert file.exists()


def test_a_file_that_was_taken_away_is_written_again(spool: Path) -> None:
    counters = Counters()
    writing = Spool(spool, 1 << 20, counters)
    assert writing.append(b'{"line": 1}\n', 1)
    [file] = spool.glob("*.open")
    file.rename(file.with_suffix(".taken"))
    assert writing.append(b'{"line": 2}\n', 1)
    [file] = spool.glob("*.open")
    assert file.read_bytes() == b'{"line": 2}\n'
    assert file.stat().st_mode & 0o777 == 0o600


def test_files_are_closed_when_they_are_large(spool: Path) -> None:
    writing = Spool(spool, 1 << 30, Counters())
    line = b"x" * (FILE_BYTES_MAX // 2) + b"\n"
    assert writing.append(line, 1) and not list(spool.glob("*.jsonl"))
    assert writing.append(line, 1) and len(list(spool.glob("*.jsonl"))) == 1
    assert writing.append(line, 1) and len(list(spool.glob("*.open"))) == 1
    writing.close_file()
    assert [file.suffix for file in spool.iterdir()] == [".jsonl", ".jsonl"]


def test_who_is_an_orphan(spool: Path) -> None:
    spool.mkdir()
    host = Spool(spool, 1 << 20, Counters())
    assert host.append(batch_of("mine").json_line(), 1)
    [mine] = spool.iterdir()
    own_host = mine.name.partition(".")[2].rpartition("-")[0]
    dead = os.spawnlp(os.P_NOWAIT, "true", "true")
    os.waitpid(dead, 0)
    ids = [uuid7() for _ in range(4)]
    for batch_id, owner in zip(ids, (f"{own_host}-{dead}", f"{own_host}-{os.getppid()}", "elsewhere-1", "elsewhere-1")):
        shutil.copy(mine, spool / f"{batch_id}.{owner}.open")
    os.utime(spool / f"{ids[3]}.elsewhere-1.open", (time.time() - 61,) * 2)
    assert [file.name for file in host.files.closed()] == sorted([f"{ids[0]}.jsonl", f"{ids[3]}.jsonl"])
