"""What became of the records (docs/specs/client.md, 6)."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal, TypedDict, get_args

DropReason = Literal[
    "queue_full",
    "invalid",
    "rejected",
    "conflict",
    "refused",
    "unreachable",
    "spool_full",
    "spool_expired",
    "spool_damaged",
    "spool_failed",
]
DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)


class Counts(TypedDict):
    """Numbers of records since the process began, or since it was forked."""

    taken: int
    """Accepted by `log` and `log_usage`."""
    delivered: int
    """Stored by the service, those of the spool among them."""
    spooled: int
    """Written to the spool."""
    handed_over: int
    """Written to stdout or to logging in place of a spool."""
    dropped: dict[DropReason, int]


class Counters:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.drained = 0
        self.delivered = 0
        self.spooled = 0
        self.handed_over = 0
        self._dropped: Counter[DropReason] = Counter()
        self._reported: Counter[DropReason] = Counter()

    def add(self, name: Literal["drained", "delivered", "spooled", "handed_over"], records: int) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + records)

    def drop(self, reason: DropReason, records: int = 1) -> None:
        if records:
            with self._lock:
                self._dropped[reason] += records

    def take_unreported(self) -> Counter[DropReason]:
        """What was dropped since the last call."""
        with self._lock:
            unreported = self._dropped - self._reported
            self._reported = self._dropped.copy()
            return unreported

    def counts(self, waiting: int) -> Counts:
        """`waiting`: records in the queue."""
        with self._lock:
            return {
                "taken": self.drained + waiting,
                "delivered": self.delivered,
                "spooled": self.spooled,
                "handed_over": self.handed_over,
                "dropped": {reason: self._dropped[reason] for reason in DROP_REASONS},
            }
