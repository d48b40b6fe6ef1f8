"""When to try again, and when to leave a dead service alone (docs/specs/client.md, 3.3 and 3.4)."""

import random
import time

DELAY_S_MIN = 0.1
DELAY_S_MAX = 30.0
SERVER_DELAY_S_MAX = 60.0
MOMENT_S = 1.0
"""What is further away is waited for in the spool."""
TRIES_MAX = 3
_JITTER = 0.25


class Circuit:
    """Opens after 3 failed tries in a row, or a server that asks for more than a moment; a success closes it."""

    def __init__(self) -> None:
        self._failures = 0
        self.retry_at = 0.0

    @property
    def is_open(self) -> bool:
        return self._failures >= TRIES_MAX

    def may_try(self) -> bool:
        return time.monotonic() >= self.retry_at

    def failed(self, server_delay_s: float | None) -> None:
        delay_s = min(DELAY_S_MAX, DELAY_S_MIN * 2 ** min(self._failures, 20))
        self._failures += 1
        if server_delay_s is not None:
            delay_s = min(max(server_delay_s, DELAY_S_MIN), SERVER_DELAY_S_MAX)
            if delay_s > MOMENT_S:
                self._failures = max(self._failures, TRIES_MAX)
        # Jitter only lengthens: what the server asked for is never shortened.
        self.retry_at = time.monotonic() + delay_s * (1 + _JITTER * random.random())

    def succeeded(self) -> None:
        self._failures = 0
        self.retry_at = 0.0
