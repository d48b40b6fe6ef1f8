"""Which files of a directory are the spool's, and which are nobody's business (client.md, 4.3 and 4.6)."""

from __future__ import annotations

import json
import os
import re
import socket
import stat
import time
from dataclasses import dataclass
from pathlib import Path

from ._spool_directory import SpoolDirectory, user_id

ORPHAN_AGE_S = 60.0
HOST = re.sub(r"[^A-Za-z0-9-]", "_", socket.gethostname()) or "host"

_UUID7 = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
_NAME = re.compile(rf"({_UUID7})\.(?:(jsonl|damaged|refused)|(.+)-([0-9]{{1,10}})\.(open))")
_LINE = re.compile(rb'^\{"batch_id":"' + _UUID7.encode() + b'"', re.MULTILINE)
# No file of a spool is longer than one that is full and one line more.
_READ_BYTES_MAX = 4 * 1024 * 1024
_KEPT_PROOFS_MAX = 10_000

own_names: set[str] = set()
"""Of the files that this process appends to."""


@dataclass(frozen=True)
class SpoolFile:
    path: Path
    kind: str
    """`jsonl`, `open`, `damaged` or `refused`."""
    host: str | None
    pid: int | None
    size: int
    changed_at: float

    def is_orphan(self) -> bool:
        """Whether nobody appends to it any more, of an open one."""
        if self.kind != "open" or self.path.name in own_names:
            return False
        if self.host == HOST and self.pid is not None and (self.pid == os.getpid() or not _is_alive(self.pid)):
            return True
        return time.time() - self.changed_at > ORPHAN_AGE_S

    @property
    def stem(self) -> str:
        return self.path.name.partition(".")[0]


class SpoolFiles:
    """Of one directory. Raises OSError only where it is said."""

    def __init__(self, directory: SpoolDirectory) -> None:
        self._directory = directory
        self._proofs: dict[tuple[str, int, int], bool] = {}

    def all(self) -> list[SpoolFile]:
        """Oldest name first."""
        directory = self._directory.found()
        if directory is None:
            return []
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            return []
        return [file for name in names if (file := self._file(directory, name))]

    def closed(self) -> list[Path]:
        """Those to be delivered, oldest first; orphans are made such files on the way."""
        paths = []
        for file in self.all():
            path = adopt(file.path) if file.is_orphan() else file.path if file.kind == "jsonl" else None
            if path:
                paths.append(path)
        return sorted(paths)

    def read(self, path: Path) -> bytes:
        """OSError where it can't be read, or is none of the spool's by now."""
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not _is_own(os.fstat(descriptor)):
                raise PermissionError(f"{path} is not a file of the spool")
            return file.read()

    def _file(self, directory: Path, name: str) -> SpoolFile | None:
        match = _NAME.fullmatch(name)
        if not match:
            return None
        path = directory / name
        try:
            about = path.lstat()
        except OSError:
            return None
        if not _is_own(about) or not self._is_proven(path, about):
            return None
        pid = int(match[4]) if match[4] else None
        return SpoolFile(path, match[2] or match[5], match[3], pid, about.st_size, about.st_mtime)

    def _is_proven(self, path: Path, about: os.stat_result) -> bool:
        if path.name in own_names or (about.st_size == 0 and path.suffix == ".open"):
            return True
        key = (path.name, about.st_ino, about.st_size)
        if key not in self._proofs:
            if len(self._proofs) >= _KEPT_PROOFS_MAX:
                self._proofs.clear()
            try:
                with path.open("rb") as file:
                    self._proofs[key] = bool(_LINE.search(file.read(_READ_BYTES_MAX)))
            except OSError:
                return False
        return self._proofs[key]


def adopt(path: Path) -> Path | None:
    """Gives an open file its closed name, unless another process was faster; an empty one is removed."""
    closed = path.with_name(path.name.partition(".")[0] + ".jsonl")
    try:
        if path.stat().st_size == 0:
            path.unlink()
            return None
        if os.path.lexists(closed):
            # Renaming would end what has that name, whosever it is.
            return None
        path.rename(closed)
    except OSError:
        return None
    return closed


def count_records(line: bytes) -> int:
    """How many records a line holds; one that can't be read counts as one."""
    try:
        message = json.loads(line)
        return len(message.get("events", [])) + len(message.get("usage", []))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return 1


def _is_own(about: os.stat_result) -> bool:
    return stat.S_ISREG(about.st_mode) and about.st_nlink == 1 and user_id() in (None, about.st_uid)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        # There it is no question, but an interrupt.
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
