"""What became of the records (docs/specs/client.md, 6)."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypedDict, get_args

from ._flushing import FlushResult
from ._native import Lock

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
    "withheld",
]
DROP_REASONS: tuple[DropReason, ...] = get_args(DropReason)

# Of records that were logged long before, or that never were in the queue.
_OF_OTHERS = ("queue_full", "spool_expired", "spool_damaged")


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
        self._lock = Lock()
        self.drained = 0
        self.delivered = 0
        self._delivered_from_spool = 0
        self.spooled = 0
        self.handed_over = 0
        self._dropped: Counter[DropReason] = Counter()
        self._reported: Counter[DropReason] = Counter()
        self.lost = 0
        """Dropped because there was no place for them, not because of what they are."""

    def add(self, name: Literal["drained", "spooled", "handed_over"], records: int) -> None:
        with self._lock:
            setattr(self, name, getattr(self, name) + records)

    def delivered_some(self, records: int, from_spool: bool) -> None:
        with self._lock:
            self.delivered += records
            self._delivered_from_spool += records if from_spool else 0

    def drop(self, reason: DropReason, records: int = 1) -> None:
        if records:
            with self._lock:
                self._dropped[reason] += records

    def lose(self, reason: DropReason, records: int) -> None:
        self.drop(reason, records)
        with self._lock:
            self.lost += records

    def placed(self, complete: bool = True) -> FlushResult:
        """What has found its place so far, other than what comes from the spool."""
        with self._lock:
            dropped = sum(count for reason, count in self._dropped.items() if reason not in _OF_OTHERS)
            return FlushResult(
                self.delivered - self._delivered_from_spool, self.spooled, self.handed_over, dropped, complete
            )

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
