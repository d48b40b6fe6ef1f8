"""A directory of batches that could not be delivered (docs/specs/client.md, 4).

A file of the spool is appended to by one process, under a name that ends with `.open`; then it is
renamed to `.jsonl`, and from there on any process that shares the directory may deliver it.
"""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from pathlib import Path

from ._complaints import complain
from ._counters import Counters
from ._uuid7 import uuid7

FILE_BYTES_MAX = 1024 * 1024
FILE_AGE_S_MAX = 5.0
ORPHAN_AGE_S = 60.0

_HOST = re.sub(r"[^A-Za-z0-9-]", "_", socket.gethostname()) or "host"
_own_names: set[str] = set()


class Spool:
    """All methods may be called from any thread."""

    def __init__(self, directory: Path, bytes_max: int, counters: Counters) -> None:
        self._directory = directory
        self._bytes_max = bytes_max
        self._counters = counters
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._descriptor = -1
        self._opened_at = 0.0

    def append(self, line: bytes, records: int) -> bool:
        """Whether the line is on the disk, fsynced."""
        with self._lock:
            try:
                self._make_room(len(line))
                self._write(line)
            except OSError as error:
                self._abandon()
                self._counters.drop("spool_failed", records)
                complain("spool_failed", f"{records} records can't be spooled and are dropped: {error}")
                return False
        self._counters.add("spooled", records)
        return True

    def close_file(self) -> None:
        """Leaves what was appended to whoever delivers next."""
        with self._lock:
            self._close_file()

    def close_old_file(self) -> None:
        if self.closes_at() <= time.monotonic():
            self.close_file()

    def closes_at(self) -> float:
        """When the file that is open is due to be closed, on the monotonic clock."""
        return self._opened_at + FILE_AGE_S_MAX if self._path else float("inf")

    def closed_files(self) -> list[Path]:
        """Those to be delivered, oldest first; orphans are made such files on the way."""
        names = self._names()
        adopted = [_adopt(self._directory / name) for name in names if name.endswith(".open") and self._is_orphan(name)]
        closed = [self._directory / name for name in names if name.endswith(".jsonl")]
        return sorted(closed + [path for path in adopted if path], key=lambda path: path.name)

    def set_aside(self, file: Path, line: bytes) -> None:
        """Keeps a line that can't be read."""
        self._counters.drop("spool_damaged")
        complain("spool_damaged", f"a line of {file} can't be read, and is kept in {file.stem}.damaged")
        try:
            with file.with_suffix(".damaged").open("ab") as damaged:
                damaged.write(line.rstrip(b"\n") + b"\n")
        except OSError as error:
            complain("spool_damaged_file", f"a damaged line can't be kept: {error}")

    def forget_inherited(self) -> None:
        """In a forked child: the file is the parent's."""
        _own_names.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def holds_any(self) -> bool:
        return self._path is not None or any(name.endswith(".jsonl") for name in self._names())

    def _write(self, line: bytes) -> None:
        while True:
            descriptor = self._descriptor if self._path else self._open()
            _write_all(descriptor, line)
            os.fsync(descriptor)
            if self._is_still_ours():
                break
            # Somebody took the file for an orphan and may have delivered it without this line.
            self._abandon()
        if os.fstat(descriptor).st_size >= FILE_BYTES_MAX:
            self._close_file()

    def _open(self) -> int:
        self._directory.mkdir(parents=True, exist_ok=True)
        name = f"{uuid7()}.{_HOST}-{os.getpid()}.open"
        _own_names.add(name)
        self._path = self._directory / name
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._opened_at = time.monotonic()
        return self._descriptor

    def _is_still_ours(self) -> bool:
        assert self._path
        try:
            return os.stat(self._path).st_ino == os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def _close_file(self) -> None:
        path = self._path
        self._abandon()
        if path:
            _adopt(path)

    def _abandon(self) -> None:
        if self._path:
            _own_names.discard(self._path.name)
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._path, self._descriptor = None, -1

    def _make_room(self, size: int) -> None:
        """Drops the oldest closed files while the directory would exceed its size."""
        sizes = {name: _size(self._directory / name) for name in sorted(self._names())}
        total = sum(sizes.values()) + size
        for name in [name for name in sizes if not name.endswith(".open")]:
            if total <= self._bytes_max:
                return
            total -= sizes[name]
            self._drop(self._directory / name)

    def _drop(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines() if path.suffix == ".jsonl" else []
            path.unlink()
        except FileNotFoundError:
            return
        records = sum(count_records(line) for line in lines)
        self._counters.drop("spool_full", records)
        complain("spool_full", f"the spool in {self._directory} is full: {records} records are dropped")

    def _names(self) -> list[str]:
        try:
            return os.listdir(self._directory)
        except OSError:
            return []

    def _is_orphan(self, name: str) -> bool:
        if name in _own_names:
            return False
        host, _, pid = name[: -len(".open")].partition(".")[2].rpartition("-")
        if host == _HOST and pid.isdecimal() and (int(pid) == os.getpid() or not _is_alive(int(pid))):
            return True
        try:
            return time.time() - os.stat(self._directory / name).st_mtime > ORPHAN_AGE_S
        except OSError:
            return False


def count_records(line: bytes) -> int:
    """How many records a line holds; one that can't be read counts as one."""
    try:
        message = json.loads(line)
        return len(message.get("events", [])) + len(message.get("usage", []))
    except (ValueError, TypeError, AttributeError):
        return 1


def _adopt(path: Path) -> Path | None:
    """Gives an open file its closed name, unless another process was faster."""
    closed = path.with_name(path.name.partition(".")[0] + ".jsonl")
    try:
        path.rename(closed)
    except OSError:
        return None
    return closed


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
