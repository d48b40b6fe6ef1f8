"""What callers and the sender share: the queue, and when to wake the sender."""

from __future__ import annotations

from collections import deque
from typing import Any

from ._native import Event, SimpleQueue
from ._records import Record

NEVER = 1 << 62


class Flush:
    """Asks the sender to deliver or spool all that is in the queue."""

    def __init__(self) -> None:
        self.done = Event()
        self.drained_target = 0


class Intake:
    """Callers append to `queue` and then ring where it has reached `attention_at`; a full one has
    `room` records. The sender sets `attention_at` before it looks at the queue a last time: either it
    sees the record, or the caller sees that a ring is wanted.
    """

    __slots__ = ("attention_at", "bell", "queue", "room")

    def __init__(self, room: int) -> None:
        self.queue: deque[Record] = deque()
        self.room = room
        self.attention_at = NEVER
        # Reentrant, so that a signal handler may log while the code that it interrupted does.
        self.bell: Any = SimpleQueue()

    def ring(self, request: Flush | None = None) -> None:
        self.attention_at = NEVER
        self.bell.put(request)
