"""A directory of batches that could not be delivered (docs/specs/client.md, 4).

A file of the spool is appended to by one process, under a name that ends with `.open`; then it is
renamed to `.jsonl`, and from there on any process that shares the directory may deliver it.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from ._complaints import complain
from ._counters import Counters
from ._native import Lock
from ._spool_directory import SpoolDirectory
from ._spool_files import HOST, SpoolFiles, adopt, count_records, own_names
from ._uuid7 import uuid7

FILE_BYTES_MAX = 1024 * 1024
FILE_AGE_S_MAX = 5.0
AGE_S_MAX = 7 * 86_400.0


class Full(OSError):
    """What is to be written is more than the directory may hold."""


class Spool:
    """All methods may be called from any thread."""

    def __init__(self, directory: str | os.PathLike[str] | None, bytes_max: int, counters: Counters) -> None:
        self._directory = SpoolDirectory(directory)
        self.files = SpoolFiles(self._directory)
        self._bytes_max = bytes_max
        self._counters = counters
        self._lock = Lock()
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
                with suppress(OSError):
                    self._close_file()
                reason: Literal["spool_full", "spool_failed"] = "spool_full" if type(error) is Full else "spool_failed"
                self._counters.lose(reason, records)
                complain(reason, f"{records} records can't be spooled and are dropped: {error}")
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

    def set_aside(self, stem: str, lines: list[bytes], kind: Literal["damaged", "refused"]) -> None:
        """Keeps lines for people to look at."""
        kept = f"{stem}.{kind}"
        try:
            with self._lock:
                self._make_room(sum(map(len, lines)))
                directory = self._directory.made()
                if os.path.lexists(directory / kept):
                    # Not even one of ours is written to again.
                    kept = f"{uuid7()}.{kind}"
                descriptor = os.open(directory / kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    write_all(descriptor, b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
                finally:
                    os.close(descriptor)
        except OSError as error:
            complain(f"set aside {kind}", f"{len(lines)} lines can't be kept in {kept}: {error}")
            return
        complain(kind, f"{len(lines)} lines are {kind}, and kept in {kept}")

    def remove_expired(self) -> None:
        """Of what was set aside."""
        for file in self.files.all():
            if file.kind in ("damaged", "refused") and time.time() - file.changed_at > AGE_S_MAX:
                with suppress(OSError):
                    file.path.unlink()

    def forget_inherited(self) -> None:
        """In a forked child: the file is the parent's."""
        own_names.clear()
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def holds_any(self) -> bool:
        return self._path is not None or any(file.kind == "jsonl" for file in self.files.all())

    def _write(self, line: bytes) -> None:
        while True:
            descriptor = self._descriptor if self._path else self._open()
            size = os.fstat(descriptor).st_size
            try:
                write_all(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                # Half a line is no line, and would be counted a second time.
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
            if self._is_still_ours():
                break
            # Somebody took the file for an orphan and may have delivered it without this line.
            self._abandon()
        if size + len(line) >= FILE_BYTES_MAX:
            self._close_file()

    def _open(self) -> int:
        name = f"{uuid7()}.{HOST}-{os.getpid()}.open"
        path = self._directory.made() / name
        own_names.add(name)
        try:
            self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        except OSError:
            own_names.discard(name)
            raise
        self._path = path
        self._opened_at = time.monotonic()
        return self._descriptor

    def _is_still_ours(self) -> bool:
        assert self._path
        try:
            return os.path.samestat(os.lstat(self._path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _close_file(self) -> None:
        path = self._path
        self._abandon()
        if path:
            adopt(path)

    def _abandon(self) -> None:
        if self._path:
            own_names.discard(self._path.name)
        path, descriptor = self._path, self._descriptor
        self._path, self._descriptor = None, -1
        if path and descriptor >= 0:
            os.close(descriptor)

    def _make_room(self, size: int) -> None:
        """Drops the oldest files that nobody appends to while the directory would exceed its size."""
        for _ in range(2):
            files = self.files.all()
            total = sum(file.size for file in files) + size
            for file in files:
                if total <= self._bytes_max:
                    return
                if file.kind != "open":
                    total -= file.size
                    self._drop(file.path)
            if total <= self._bytes_max:
                return
            # What this process appends to is older than what it is about to append.
            self._close_file()
        raise Full(f"the spool would exceed {self._bytes_max} bytes")

    def _drop(self, path: Path) -> None:
        try:
            lines = self.files.read(path).splitlines() if path.suffix == ".jsonl" else []
            path.unlink()
        except OSError:
            return
        records = sum(count_records(line) for line in lines if line.strip())
        self._counters.drop("spool_full", records)
        complain("spool_full", f"the spool in {path.parent} is full: {records} records are dropped")


def write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
