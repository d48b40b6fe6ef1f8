"""Tells the service what had to be dropped (docs/specs/client.md, 6.2)."""

from __future__ import annotations

import socket
import time

from ._counters import Counters
from ._options import Options
from ._records import EventRecord
from ._sizes import storable_text

# So that a report which is dropped itself does not lead to the next at once.
_SECONDS_BETWEEN = 10
_COMPONENT_BYTES_MAX = 256


class DropReport:
    def __init__(self, options: Options, counters: Counters) -> None:
        component = storable_text(options.service_name or socket.gethostname())
        # No longer than the service takes it.
        self._component = component.encode()[:_COMPONENT_BYTES_MAX].decode(errors="ignore")
        self._counters = counters
        self._reported_at = float("-inf")
        self._last_made = False

    def record(self, last: bool) -> EventRecord | None:
        """An event of what was dropped since the last one. `last`: the client is closing."""
        now = time.monotonic()
        if self._last_made or (not last and now - self._reported_at < _SECONDS_BETWEEN):
            return None
        dropped = self._counters.take_unreported()
        if not dropped:
            return None
        self._reported_at = now
        self._last_made = last
        metadata = {reason: count for reason, count in dropped.items()}
        return (time.time_ns(), "TELEMETRY_DROPPED", self._component, dropped.total(), metadata, "WARNING")
