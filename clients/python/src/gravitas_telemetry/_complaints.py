"""What the client says about itself: by logging, and each thing at most once a minute."""

import logging
import time

logger = logging.getLogger("gravitas_telemetry")

_SECONDS_BETWEEN = 60
_last_said: dict[str, float] = {}


def complain(about: str, message: str) -> None:
    now = time.monotonic()
    if now - _last_said.get(about, -_SECONDS_BETWEEN) < _SECONDS_BETWEEN:
        return
    _last_said[about] = now
    logger.warning("%s", message)
