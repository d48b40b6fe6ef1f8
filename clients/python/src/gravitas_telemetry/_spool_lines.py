"""The lines of a spool's files, each a batch as JSON (docs/specs/client.md, 4.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ._spool_files import count_records
from ._uuid7 import half_id, uuid7_time_s


@dataclass
class Line:
    """A line that is to be delivered."""

    text: bytes
    batch_id: str
    tries: int = 0
    """That something in between has refused."""
    doubted_at: int | None = None
    """How many others had been acknowledged when it was passed over."""

    @property
    def records(self) -> int:
        return count_records(self.text)

    def halves(self) -> list[Line]:
        """The same records in two batches, whose ids anybody would choose; none where there is one record."""
        message = json.loads(self.text)
        records = [(kind, each) for kind in ("events", "usage") for each in message.get(kind, [])]
        middle = (len(records) + 1) // 2
        if middle == len(records):
            return []
        return [
            self._part(half_id(self.batch_id, half), part)
            for half, part in enumerate((records[:middle], records[middle:]))
        ]

    def _part(self, batch_id: str, records: list[tuple[str, Any]]) -> Line:
        message: dict[str, Any] = {"batch_id": batch_id}
        for kind, record in records:
            message.setdefault(kind, []).append(record)
        text = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        return Line(text, batch_id, self.tries, self.doubted_at)


def read_lines(content: bytes) -> Iterator[Line | bytes]:
    """The lines of a file; bytes where one can't be read."""
    for text in content.split(b"\n"):
        if not text.strip():
            continue
        try:
            message = json.loads(text)
            batch_id = message["batch_id"]
            uuid7_time_s(batch_id)
            if not all(isinstance(message.get(kind, []), list) for kind in ("events", "usage")):
                raise ValueError("its records are no list")
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            yield text
        else:
            yield Line(text, batch_id)
