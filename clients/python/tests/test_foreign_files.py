"""What lies in a spool's directory and is not the spool's: docs/specs/client.md, 4.2, 4.5 and 4.6."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import eventually, values
from gate import Gate
from gravitas_telemetry import Event, Telemetry
from gravitas_telemetry._composer import Composer
from gravitas_telemetry._counters import Counters
from gravitas_telemetry._spool import Spool
from gravitas_telemetry._uuid7 import uuid7

Stored = Callable[[], "list[Event]"]
Run = Callable[..., str]


def line_of(component: str) -> bytes:
    batch = Composer(10, 1 << 20, None, Counters()).compose(deque([(0, "A", component, 1.0, None, None)]))
    assert batch
    return batch.json_line()


def lay_foreign_files(spool: Path, outside: Path) -> None:
    """All that may be taken for a file of the spool, and is none."""
    spool.mkdir(exist_ok=True)
    outside.mkdir()
    ours = line_of("foreign")
    (spool / "app.db").write_bytes(b"SQLite format 3\0" + b"x" * 300_000)
    (spool / "train.jsonl").write_bytes(b'{"text": "mine"}\n')
    (spool / "train.open").write_bytes(b"mine\n")
    (spool / "copy.jsonl").write_bytes(ours)
    (spool / f"{uuid7()}.txt").write_bytes(ours)
    (spool / f"{uuid7()}.jsonl.bak").write_bytes(ours)
    (spool / f"x{uuid7()}.jsonl").write_bytes(ours)
    (spool / f"{uuid7().upper()}.jsonl").write_bytes(ours)
    (spool / "01a20000-0000-4000-8000-000000000000.jsonl").write_bytes(ours)
    # Named like the spool's, and of another content.
    (spool / f"{uuid7()}.jsonl").write_bytes(b'{"text": "mine"}\n' * 1000)
    (spool / f"{uuid7()}.jsonl").write_bytes(b"")
    (spool / f"{uuid7()}.damaged").write_bytes(b"x" * 200_000)
    (spool / f"{uuid7()}.host-1.open").write_bytes(b"mine\n")
    # In the way of a file of ours that nobody writes to any more.
    orphan = uuid7()
    (spool / f"{orphan}.host-1.open").write_bytes(ours)
    (spool / f"{orphan}.jsonl").write_bytes(b'{"text": "mine"}\n')
    (spool / f"{uuid7()}.jsonl").mkdir()
    (spool / f"{uuid7()}.jsonl" / "").mkdir()
    (spool / f"{uuid7()}.host-1.open").mkdir()
    # Links to what lies elsewhere, and from elsewhere.
    (outside / "notes").write_bytes(ours)
    (spool / f"{uuid7()}.jsonl").symlink_to(outside / "notes")
    (spool / f"{uuid7()}.host-1.open").symlink_to(outside / "notes")
    (spool / f"{uuid7()}.jsonl").symlink_to(outside)
    (spool / f"{uuid7()}.jsonl").symlink_to(outside / "missing")
    (outside / "linked").write_bytes(ours)
    os.link(outside / "linked", spool / f"{uuid7()}.jsonl")
    os.mkfifo(spool / f"{uuid7()}.jsonl")
    if os.geteuid() == 0:
        others = spool / f"{uuid7()}.jsonl"
        others.write_bytes(ours)
        os.chown(others, 12345, 12345)
    for path in spool.iterdir():
        if not path.is_symlink():
            os.utime(path, (0, 0))


def picture(directory: Path) -> dict[str, tuple[object, ...]]:
    """Of all that can be lost or changed."""
    found = {}
    for path in directory.rglob("*"):
        about = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(about.st_mode) else b""
        found[str(path)] = (about.st_ino, about.st_mode, about.st_uid, about.st_mtime_ns, content)
    return found


def test_foreign_files_are_left_alone_in_every_state(
    gate: Gate, spool: Path, tmp_path: Path, component: str, stored: Stored
) -> None:
    lay_foreign_files(spool, tmp_path / "outside")
    before = picture(spool), picture(tmp_path / "outside")
    gate.shut()
    # So full that all that may be dropped is dropped.
    with Telemetry(url=gate.url, spool_directory=spool, spool_bytes_max=20_000) as client:
        for value in range(500):
            client.log("A", component, value)
            if value % 50 == 49:
                client.flush()
        assert client.counters()["dropped"]["spool_full"] > 0
        assert client.counters()["spooled"] == 500
        gate.open()
        kept = 500 - client.counters()["dropped"]["spool_full"]
        eventually(lambda: client.counters()["delivered"] >= kept)
        assert client.flush()
    assert [value for value in values(stored())][-1] == 499
    after = picture(spool), picture(tmp_path / "outside")
    # Nothing of the spool's is left, and all of the others'.
    assert after == before


def test_what_foreign_files_take_is_not_the_spool_s(gate: Gate, spool: Path, tmp_path: Path) -> None:
    lay_foreign_files(spool, tmp_path / "outside")
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool, spool_bytes_max=50_000) as client:
        client.log("A")
        assert client.flush().spooled == 1
    assert client.counters()["dropped"]["spool_full"] == 0


def test_the_directory_is_made_for_its_user_only(gate: Gate, spool: Path) -> None:
    gate.shut()
    with Telemetry(url=gate.url, spool_directory=spool / "deep" / "down") as client:
        client.log("A")
    assert (spool / "deep" / "down").stat().st_mode & 0o777 == 0o700
    [file] = (spool / "deep" / "down").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def give_away(directory: Path) -> None:
    """To another user; who is not root can make one only that it may not write to."""
    if os.geteuid() == 0:
        os.chown(directory, 12345, 12345)
    else:
        directory.chmod(0o500)


def test_a_directory_of_somebody_else_is_not_used(gate: Gate, tmp_path: Path) -> None:
    gate.shut()
    given, default = tmp_path / "given", tmp_path / "state" / "gravitas-telemetry"
    for directory in (given, default):
        directory.mkdir(parents=True)
        give_away(directory)
    with Telemetry(url=gate.url, spool_directory=given) as client:
        client.log("A")
        result = client.flush()
        assert not result and result.dropped == client.counters()["dropped"]["spool_failed"] == 1
    assert list(given.iterdir()) == []
    program = (
        "from gravitas_telemetry import telemetry; telemetry.log('A'); telemetry.flush(); "
        "assert telemetry.counters()['spooled'] == 1"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1] / "src"),
        "TELEMETRY_URL": gate.url,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path),
    }
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert list(default.iterdir()) == []
    other = tmp_path / f"gravitas-telemetry-{os.geteuid()}"
    assert len(list(other.glob("*.jsonl"))) == 1 and other.stat().st_mode & 0o777 == 0o700
    # A link to a directory of ours is none that is used by default.
    elsewhere = tmp_path / "elsewhere"
    other.rename(elsewhere)
    other.symlink_to(elsewhere)
    assert subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True).returncode != 0


@pytest.mark.parametrize("fallback", ["none", "stdout", "logging", "disabled", "delivered"])
def test_no_directory_is_made_before_it_is_needed(run: Run, url: str, tmp_path: Path, fallback: str) -> None:
    program = """
import os
from gravitas_telemetry import Telemetry, telemetry
assert telemetry.log("A") == (os.environ["TELEMETRY_ENABLED"] == "true")
telemetry.flush()
telemetry.get_recent_events()
telemetry.close()
assert not os.path.exists(os.environ["XDG_STATE_HOME"]), os.listdir(os.environ["XDG_STATE_HOME"])
assert os.listdir(os.environ["TMPDIR"]) == []
"""
    (tmp_path / "temporary").mkdir()
    run(
        program,
        TELEMETRY_ENABLED="false" if fallback == "disabled" else "true",
        TELEMETRY_FALLBACK="spool" if fallback in ("disabled", "delivered") else fallback,
        TELEMETRY_URL=url if fallback == "delivered" else "http://127.0.0.1:1",
        TELEMETRY_SPOOL_DIRECTORY="",
        XDG_STATE_HOME=str(tmp_path / "state"),
        TMPDIR=str(tmp_path / "temporary"),
    )


@pytest.mark.parametrize("kind", ["refused", "damaged"])
def test_what_is_set_aside_is_not_added_to_anything(spool: Path, tmp_path: Path, kind: Any) -> None:
    spool.mkdir(mode=0o700)
    (tmp_path / "notes").write_bytes(b"mine")
    for lay in (
        lambda path: path.write_bytes(b"mine"),
        lambda path: path.symlink_to(tmp_path / "notes"),
        lambda path: path.symlink_to(tmp_path / "missing"),
        lambda path: os.link(tmp_path / "notes", path),
        lambda path: path.mkdir(),
    ):
        name = uuid7()
        lay(spool / f"{name}.{kind}")
        before = picture(spool)
        Spool(spool, 1 << 20, Counters()).set_aside(name, [b"a line"], kind)
        after = picture(spool)
        assert before.items() <= after.items() and not (tmp_path / "missing").exists()
        assert (tmp_path / "notes").read_bytes() == b"mine"
        [added] = after.keys() - before.keys()
        assert Path(added).read_bytes() == b"a line\n" and Path(added).suffix == f".{kind}"
