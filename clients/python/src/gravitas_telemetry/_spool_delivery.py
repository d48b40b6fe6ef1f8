"""Delivers what is in a spool, a line at a time (docs/specs/client.md, 4.4 and 4.5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ._answers import Acknowledged, Answer, Refused, TooLarge, TryAgain
from ._circuit import TRIES_MAX
from ._complaints import complain
from ._counters import Counters
from ._spool import AGE_S_MAX, Spool
from ._spool_lines import Line, read_lines
from ._uuid7 import uuid7_time_s


class SpoolDelivery:
    """Goes through the closed files, oldest first, and removes each when every line has an answer."""

    def __init__(self, spool: Spool, counters: Counters, send: Callable[[bytes, str], Answer]) -> None:
        self._spool = spool
        self._counters = counters
        self._send = send
        self._file: Path | None = None
        self._lines: list[Line] = []
        self._damaged: list[bytes] = []
        # Files of which only a line is left that what is in between won't have.
        self._held: dict[Path, tuple[list[Line], list[bytes]]] = {}
        # Files that can't be removed.
        self._stuck: set[Path] = set()
        self._acknowledged = 0

    def next_answer(self) -> Answer | None:
        """Delivers the oldest line; None where there is nothing to deliver."""
        while True:
            if not self._lines and not self._next_file():
                return None
            line = self._lines[0]
            answer = self._deliver(line)
            if isinstance(answer, TryAgain):
                if answer.is_about_batch:
                    self._doubt(line)
                return answer
            if isinstance(answer, TooLarge) and (halves := line.halves()):
                self._lines[:1] = halves
                continue
            if answer is not None:
                self._settle(line, answer)
            self._lines.pop(0)
            if not self._lines:
                self._finish_file()
            if answer is not None:
                return answer

    def _deliver(self, line: Line) -> Answer | None:
        if time.time() - uuid7_time_s(line.batch_id) > AGE_S_MAX:
            self._counters.drop("spool_expired", line.records)
            return None
        answer = self._send(line.text, line.batch_id)
        if isinstance(answer, TryAgain) and answer.is_about_batch and line.doubted_at is not None:
            # Where others have come through since, it is this one.
            return TooLarge(answer.message) if line.doubted_at < self._acknowledged else answer
        return answer

    def _settle(self, line: Line, answer: Answer) -> None:
        settle(self._counters, answer, line.records, from_spool=True)
        if isinstance(answer, Acknowledged):
            self._acknowledged += 1
        elif isinstance(answer, TooLarge) and self._file:
            self._spool.set_aside(self._file.stem, [line.text], "refused")

    def _doubt(self, line: Line) -> None:
        """After some tries others go first, and show whether it is this one or the whole way."""
        line.tries += 1
        if line.tries < TRIES_MAX:
            return
        if line.doubted_at is None:
            line.doubted_at = self._acknowledged
        self._lines.append(self._lines.pop(0))
        if self._file and all(each.doubted_at is not None for each in self._lines):
            self._held[self._file] = self._lines, self._damaged
            self._file, self._lines, self._damaged = None, [], []

    def _next_file(self) -> bool:
        self._spool.remove_expired()
        for file in self._spool.files.closed():
            if file in self._held or file in self._stuck:
                continue
            try:
                found = list(read_lines(self._spool.files.read(file)))
            except OSError:
                # Another process has delivered it.
                continue
            self._lines = [each for each in found if isinstance(each, Line)]
            self._damaged = [each for each in found if isinstance(each, bytes)]
            self._file = file
            if self._lines:
                return True
            self._finish_file()
        if self._held:
            self._file = next(iter(self._held))
            self._lines, self._damaged = self._held.pop(self._file)
        return bool(self._lines)

    def _finish_file(self) -> None:
        file, damaged = self._file, self._damaged
        self._file, self._damaged = None, []
        if not file:
            return
        try:
            file.unlink()
        except FileNotFoundError:
            # Another process was faster, and counts what is damaged.
            return
        except OSError as error:
            self._stuck.add(file)
            complain("spool_stuck", f"{file} is delivered and can't be removed: {error}")
            return
        if damaged:
            self._counters.drop("spool_damaged", len(damaged))
            self._spool.set_aside(file.stem, damaged, "damaged")


def settle(counters: Counters, answer: Answer, records: int, *, from_spool: bool = False) -> None:
    """Counts what became of a batch, where that is decided."""
    if isinstance(answer, Acknowledged):
        counters.delivered_some(answer.stored, from_spool)
        counters.drop("rejected", answer.rejected)
        if answer.rejected:
            complain("rejected", f"the service rejected {answer.rejected} records: {answer.reason}")
    elif isinstance(answer, (Refused, TooLarge)):
        reason = answer.reason if isinstance(answer, Refused) else "refused"
        counters.drop(reason, records)
        complain(reason, f"a batch of {records} records is refused: {answer.message}")
