"""Delivers what is in a spool, a line at a time (docs/specs/client.md, 4.4 and 4.5)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ._answers import Acknowledged, Answer, Refused, TryAgain
from ._complaints import complain
from ._counters import Counters
from ._spool import Spool, count_records
from ._uuid7 import uuid7_time_s

AGE_S_MAX = 7 * 86_400.0


@dataclass
class Line:
    """A line that is to be delivered."""

    text: bytes
    batch_id: str

    @property
    def records(self) -> int:
        return count_records(self.text)


def read_lines(content: bytes) -> Iterator[Line | bytes]:
    """The lines of a file; bytes where one can't be read."""
    for text in content.split(b"\n"):
        if not text.strip():
            continue
        try:
            batch_id = json.loads(text)["batch_id"]
            uuid7_time_s(batch_id)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            yield text
        else:
            yield Line(text, batch_id)


class SpoolDelivery:
    """Goes through the closed files, oldest first, and removes each when every line has an answer."""

    def __init__(self, spool: Spool, counters: Counters, send: Callable[[bytes], Answer]) -> None:
        self._spool = spool
        self._counters = counters
        self._send = send
        self._file: Path | None = None
        self._lines: list[Line | bytes] = []

    def next_answer(self) -> Answer | None:
        """Delivers the oldest line; None where there is nothing to deliver."""
        while True:
            if not self._lines and not self._next_file():
                return None
            line = self._lines[0]
            answer = self._deliver(line)
            if isinstance(answer, TryAgain):
                return answer
            self._lines.pop(0)
            if not self._lines:
                self._finish_file()
            if answer is not None:
                return answer

    def _deliver(self, line: Line | bytes) -> Answer | None:
        if isinstance(line, bytes):
            assert self._file
            self._spool.set_aside(self._file, line)
            return None
        if time.time() - uuid7_time_s(line.batch_id) > AGE_S_MAX:
            self._counters.drop("spool_expired", line.records)
            return None
        answer = self._send(line.text)
        settle(self._counters, answer, line.records)
        return answer

    def _next_file(self) -> bool:
        for file in self._spool.closed_files():
            try:
                self._lines = list(read_lines(file.read_bytes()))
            except OSError:
                # Another process has delivered it.
                continue
            self._file = file
            if self._lines:
                return True
            self._finish_file()
        return False

    def _finish_file(self) -> None:
        file, self._file = self._file, None
        if file:
            file.unlink(missing_ok=True)


def settle(counters: Counters, answer: Answer, records: int) -> None:
    """Counts what became of a batch, where that is decided."""
    if isinstance(answer, Acknowledged):
        counters.add("delivered", answer.stored)
        counters.drop("rejected", answer.rejected)
        if answer.rejected:
            complain("rejected", f"the service rejected {answer.rejected} records: {answer.reason}")
    elif isinstance(answer, Refused):
        counters.drop(answer.reason, records)
        complain(answer.reason, f"the service refused a batch of {records} records: {answer.message}")
